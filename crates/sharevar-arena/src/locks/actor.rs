//! Actors: threads, or the greenlets that take turns in one thread.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The function that names the actor that runs now.
static ACTORS: OnceLock<fn() -> Option<u32>> = OnceLock::new();

/// Has `current` say on whose behalf a thread runs, for threads in which several run by turns
/// (greenlets, for example): each of them then holds recursive locks for itself.
///
/// It gives a number from [`new_actor`], or `None` for the thread itself. It is called with no lock
/// held, and only the first one that is set is used.
pub fn tell_actors_apart(current: fn() -> Option<u32>) {
    let _ = ACTORS.set(current);
}

/// A number that no thread of this process has, and no other actor.
pub fn new_actor() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// On whose behalf this thread runs, if that is not the thread itself.
#[inline(always)]
pub fn actor() -> Option<u32> {
    ACTORS.get().and_then(|current| current())
}

/// The number of this thread, or of the actor on whose behalf it runs, from 1.
#[inline(always)]
pub(crate) fn thread_number() -> u32 {
    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(0) };
    }
    #[cold]
    fn take() -> u32 {
        let number = new_actor();
        NUMBER.set(number);
        number
    }
    if let Some(number) = actor() {
        return number;
    }
    match NUMBER.get() {
        0 => take(),
        number => number,
    }
}
