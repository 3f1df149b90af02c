//! Sleeping on a word of the arena: the one user of the futex.
//!
//! Shared futexes only; std's and `parking_lot`'s are private to a process.
//! Every sleep is bounded, because a woken waiter may be killed before it acts
//! and takes the wake-up with it (hazard 16).

use crate::sync::AtomicU32;
use rustix::thread::futex::{self, Flags};
use std::time::Duration;

/// Sleeps while `word` is `value`, at most for `limit`; may return early.
pub(crate) fn park(word: &AtomicU32, value: u32, limit: Duration) {
    let limit =
        rustix::time::Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    // Timed out, interrupted, changed meanwhile: the caller looks again whichever it was.
    let _ = futex::wait(word, Flags::empty(), value, Some(&limit));
}

/// Wakes up to `count` sleepers of `word`.
pub(crate) fn wake(word: &AtomicU32, count: u32) {
    let _ = futex::wake(word, Flags::empty(), count);
}
