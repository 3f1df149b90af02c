//! Sleeping on a word of shared memory.
//!
//! Shared futexes only; std's and `parking_lot`'s are private to a process.
//! Every sleep is bounded, because a woken waiter may be killed before it acts
//! and takes the wake-up with it (hazard 16).

use rustix::thread::futex::{self, Flags};
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `value`, at most for `limit`; may return early.
pub fn park(word: &AtomicU32, value: u32, limit: Duration) {
    let limit =
        rustix::time::Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    // Timed out, interrupted, changed meanwhile: the caller looks again whichever it was.
    let _ = futex::wait(word, Flags::empty(), value, Some(&limit));
}

/// Wakes up to `count` sleepers of `word`.
pub fn wake(word: &AtomicU32, count: u32) {
    let _ = futex::wake(word, Flags::empty(), count);
}

/// Like [`park`], to be woken only for one of `reasons`, bits of which at least one is set.
pub fn park_for(word: &AtomicU32, value: u32, limit: Duration, reasons: u32) {
    // This one wants the time when to end.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let nanos = now.tv_nsec + i64::from(limit.subsec_nanos());
    let end = rustix::time::Timespec {
        tv_sec: now.tv_sec.saturating_add_unsigned(limit.as_secs()).saturating_add(nanos / 1_000_000_000),
        tv_nsec: nanos % 1_000_000_000,
    };
    if let Some(reasons) = NonZeroU32::new(reasons) {
        let _ = futex::wait_bitset(word, Flags::empty(), value, Some(&end), reasons);
    }
}

/// Wakes up to `count` of the sleepers of `word` that sleep for one of `reasons`. How many.
pub fn wake_for(word: &AtomicU32, count: u32, reasons: u32) -> u32 {
    let count = count.min(i32::MAX as u32);
    let woken =
        NonZeroU32::new(reasons).map(|reasons| futex::wake_bitset(word, Flags::empty(), count, reasons));
    woken.and_then(Result::ok).map_or(0, |woken| woken as u32)
}
