//! The proxies and callbacks in a value that is being written.
//!
//! A value has the address of such an object only, so the object must live until the reader of the
//! value has a reference of its own.

use std::any::Any;
use std::cell::RefCell;

pub(super) type EmbeddedReferences = Vec<Box<dyn Any + Send>>;

thread_local! {
    /// Those in the value that this thread writes; `None` if they are not collected.
    static COLLECTED: RefCell<Option<EmbeddedReferences>> = const { RefCell::new(None) };
}

/// Writes a value by `write`, and returns the references in it.
pub(super) fn collect_references<R>(write: impl FnOnce() -> R) -> (R, EmbeddedReferences) {
    let outer = COLLECTED.replace(Some(EmbeddedReferences::new()));
    let written = write();
    let collected = COLLECTED.replace(outer);
    (written, collected.unwrap_or_default())
}

/// Notes that a reference is in the value: a clone of it is collected.
pub(super) fn note<T: Send + 'static>(clone: impl FnOnce() -> T) {
    COLLECTED.with_borrow_mut(|collected| {
        if let Some(collected) = collected {
            collected.push(Box::new(clone()));
        }
    });
}
