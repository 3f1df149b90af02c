//! Actors: threads, or the greenlets that take turns in one thread.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The function that names the actor that runs now.
static ACTORS: OnceLock<fn() -> Option<u32>> = OnceLock::new();

/// Sets the function that names the running actor of a thread, for threads in which several take
/// turns (greenlets, for example). Each actor then holds recursive locks for itself.
///
/// `current` returns a number from [`new_actor`], or `None` for the thread itself. It is called with
/// no lock held. Only the first function that is set is used.
pub fn tell_actors_apart(current: fn() -> Option<u32>) {
    let _ = ACTORS.set(current);
}

/// Returns a number that no thread and no other actor of this process has.
pub fn new_actor() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Returns the actor that runs in this thread, if it is not the thread itself.
#[inline(always)]
pub fn actor() -> Option<u32> {
    ACTORS.get().and_then(|current| current())
}

/// Returns the number of the actor that runs in this thread, or of the thread itself, from 1.
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
