//! The short lock: one operation long, never held across a wait or user code.
//!
//! One 32-bit word, on which waiters sleep too:
//!
//! | bits | meaning |
//! |---|---|
//! | 0 | free |
//! | 0..=30 | index of the owner's lane, plus one |
//! | 31 | a waiter may sleep: the releaser wakes one |
//!
//! | from | to | by |
//! |---|---|---|
//! | `0` | `me` | taker, acquires what the last releaser released |
//! | `0` | `me, waiters` | a taker that has slept: others may still sleep |
//! | `owner` | `owner, waiters` | a waiter, before it sleeps |
//! | `owner[, waiters]` | `0` | owner, or the recoverer of the dead owner's lane; wakes one |
//!
//! The owner is a *lane*, which is reused only when all that it names is released,
//! so the word needs no generation (hazard 6). No lock is taken over: a taker that finds
//! a dead owner recovers the owner's lane, which releases the lock (hazard 1).

use crate::sync::{AtomicU32, Ordering};

/// A waiter may sleep on the word.
pub(crate) const WAITERS: u32 = 1 << 31;

/// How long to spin before sleeping: about two microseconds, in turns of a pause.
const SPINS: u32 = if cfg!(loom) { 1 } else { 60 };

/// Wakes a sleeper of a lock: all that a release needs.
pub(crate) trait Wake {
    /// Wakes one sleeper of `word`.
    fn wake(&self, word: &AtomicU32);
}

/// Waits for the owner of a lock, or recovers it: what a taker of a contended lock needs.
pub(crate) trait LookAfter {
    /// Why waiting can fail.
    type Error;
    /// Sleeps while `word` is `value`, for at most some milliseconds. `round` counts up from 0.
    fn sleep(&self, word: &AtomicU32, value: u32, round: u32);
    /// Recovers the lane `owner` (index plus one) if its participant is dead.
    fn look_after(&self, owner: u32) -> Result<(), Self::Error>;
}

/// Takes the lock if it is free.
#[inline(always)]
pub(crate) fn try_take(word: &AtomicU32, me: u32) -> Result<(), u32> {
    crate::proof::crash::point();
    // Acquire: sees all that the last owner stored before its release. Release: the owner's lane names
    // the lock before the word names the lane, for the compiler and for a machine that reorders stores.
    word.compare_exchange(0, me, Ordering::AcqRel, Ordering::Relaxed).map(|_| ())
}

/// Takes the lock, waiting for its owner or recovering it.
#[cold]
pub(crate) fn take_contended<C: LookAfter>(word: &AtomicU32, me: u32, context: &C) -> Result<(), C::Error> {
    for _ in 0..SPINS {
        if word.load(Ordering::Relaxed) == 0 && try_take(word, me).is_ok() {
            return Ok(());
        }
        pause();
    }
    let mut round = 0;
    loop {
        let value = word.load(Ordering::Relaxed);
        if value == 0 {
            // The bit is kept: another sleeper may be there, and one wake too many does no harm.
            if try_take(word, me | WAITERS).is_ok() {
                return Ok(());
            }
            continue;
        }
        context.look_after(value & !WAITERS)?;
        if value & WAITERS == 0
            && word.compare_exchange(value, value | WAITERS, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            continue;
        }
        context.sleep(word, value | WAITERS, round);
        round += 1;
    }
}

/// Releases the lock that the caller, or the dead lane it recovers, owns.
#[inline(always)]
pub(crate) fn release<W: Wake>(word: &AtomicU32, sleepers: &W) {
    // Release: all that was stored under the lock is seen by the next taker.
    if crate::proof::crash::swap(word, 0) & WAITERS != 0 {
        wake_one(word, sleepers);
    }
}

/// Releases a lock at the end of a fast path: by a plain store if no waiter is announced, at a
/// quarter of the exchange's price.
///
/// A waiter that sets its bit between the load and the store is overlooked. It is not asleep yet:
/// the kernel finds another word than the one it was told and sends it back to look. Only if this
/// thread is interrupted just there may the waiter have fallen asleep meanwhile, and then its
/// sleep is bounded to a millisecond (hazard 16).
#[inline(always)]
pub(crate) fn release_soon<W: Wake>(word: &AtomicU32, sleepers: &W) {
    if word.load(Ordering::Relaxed) & WAITERS == 0 {
        crate::proof::crash::point();
        // Release: as in `release`.
        word.store(0, Ordering::Release);
    } else {
        release(word, sleepers);
    }
}

#[cold]
fn wake_one<W: Wake>(word: &AtomicU32, sleepers: &W) {
    sleepers.wake(word);
}

/// The lane index plus one of the owner; 0 if the lock is free.
pub(crate) fn owner(word: &AtomicU32) -> u32 {
    word.load(Ordering::Acquire) & !WAITERS
}

fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    for _ in 0..8 {
        std::hint::spin_loop();
    }
}
