//! What is written as where it is: it must live until whoever reads that has a reference of his own.

use std::any::Any;
use std::cell::RefCell;

pub(super) type Kept = Vec<Box<dyn Any + Send>>;

thread_local! {
    /// Where what this thread writes is kept, if somebody wants to.
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Writes, and gives back what must be kept for it.
pub(super) fn keeping<R>(write: impl FnOnce() -> R) -> (R, Kept) {
    let outer = KEPT.replace(Some(Kept::new()));
    let written = write();
    let kept = KEPT.replace(outer);
    (written, kept.unwrap_or_default())
}

/// Something is written that should be kept: a clone of it.
pub(super) fn note<T: Send + 'static>(clone: impl FnOnce() -> T) {
    KEPT.with_borrow_mut(|kept| {
        if let Some(kept) = kept {
            kept.push(Box::new(clone()));
        }
    });
}
