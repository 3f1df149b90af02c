//! Numbered crash points: one before every store to the arena.
//!
//! All stores go through `put`, `swap` and `compare_exchange` here, so the
//! points number themselves and none can be forgotten. A hook sees each number;
//! it may copy the arena (the death is played on the copy) or kill the process.
//! Without the `crash-points` feature all of this is the bare atomic instruction.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Stores `value` for other processes to see.
///
/// Release, and never plain: the compiler deletes or reorders plain stores that
/// it takes for redundant, and with them the journal (hazard 12). A killed thread
/// leaves a prefix of these stores in program order.
#[inline(always)]
pub(crate) fn put(word: &AtomicU64, value: u64) {
    point();
    word.store(value, Ordering::Release);
}

/// Exchanges a 32-bit word; see [`put`].
#[inline(always)]
pub(crate) fn swap(word: &AtomicU32, value: u32) -> u32 {
    point();
    word.swap(value, Ordering::AcqRel)
}

/// Compares and exchanges a 64-bit word; see [`put`].
#[inline(always)]
pub(crate) fn compare_exchange(word: &AtomicU64, old: u64, new: u64) -> Result<u64, u64> {
    point();
    word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
}

/// Adds to a 32-bit word that is slept on; see [`put`].
pub(crate) fn add(word: &AtomicU32, by: u32) {
    point();
    word.fetch_add(by, Ordering::AcqRel);
}

/// Passes a crash point, before a step that other processes see.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point() {}

#[cfg(feature = "crash-points")]
pub use armed::{observe, passed, point};

#[cfg(feature = "crash-points")]
mod armed {
    use std::cell::{Cell, RefCell};

    type Hook = Box<dyn FnMut(u64)>;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Passes a crash point. The hook is taken away while it runs, so that its operations
    /// on copies of the arena pass no points of their own.
    #[inline(never)]
    pub fn point() {
        COUNT.set(COUNT.get() + 1);
        // At the end of the process there is no hook any more.
        let hook = HOOK.try_with(|slot| slot.try_borrow_mut().ok().and_then(|mut hook| hook.take()));
        let hook = hook.ok().flatten();
        if let Some(mut hook) = hook {
            let count = COUNT.get();
            hook(count);
            COUNT.set(count);
            HOOK.with(|slot| {
                let mut slot = slot.borrow_mut();
                if slot.is_none() {
                    *slot = Some(hook);
                }
            });
        }
    }

    /// Runs `operation` on this thread and calls `hook` with the number of each
    /// crash point that it passes, from 1. Returns the operation's result.
    pub fn observe<R>(hook: impl FnMut(u64) + 'static, operation: impl FnOnce() -> R) -> R {
        COUNT.set(0);
        HOOK.with(|slot| *slot.borrow_mut() = Some(Box::new(hook)));
        let result = operation();
        HOOK.with(|slot| *slot.borrow_mut() = None);
        result
    }

    /// The number of crash points this thread has passed since it last began to observe.
    pub fn passed() -> u64 {
        COUNT.get()
    }
}
