//! A lock that its holder may take again.
//!
//! It is a [`RobustLock`] with two more words: the thread of the owner that holds it, and how many
//! times it does.
//!
//! | body word | meaning |
//! |---|---|
//! | 0 | as in a robust lock, but never a *signal* |
//! | 1 | token of the holding thread, 0 if none |
//! | 2 | how many times it is held, if there is a token |
//! | 6, 7 | wait point |
//!
//! A *token* is the low half of the participant's incarnation over the number of a thread in its
//! process. No token is used twice: a forked child may use the number of a thread again, but has
//! another incarnation. The token is stored after the owner's word was won, and cleared before that
//! is released. So a thread that finds its own token holds the lock, whatever the other words are.
//! The token that a dead holder has left, or a holder between its two stores, is no living thread's.

use crate::error::Result;
use crate::locks::actor::thread_number;
use crate::locks::robust_lock::{RobustLock, TryLock};
use crate::locks::wait_point::WaitPoint;
use crate::process::identity::Identity;
use crate::process::participant::Participant;
use crate::proof::crash::put;
use crate::sync::{AtomicU64, Ordering};
use crate::variables::variable::Variable;
use std::time::Duration;

/// A recursive lock in a variable.
#[derive(Debug, Clone, Copy)]
pub struct RecursiveLock<'p> {
    robust: RobustLock<'p>,
    thread: &'p AtomicU64,
    count: &'p AtomicU64,
    /// This thread's token.
    me: u64,
}

/// The holder of a recursive lock, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// No living thread holds it.
    Free,
    /// This thread.
    Me,
    /// Another thread of this process.
    OtherThread,
    /// Another process.
    OtherProcess,
}

impl<'p> RecursiveLock<'p> {
    /// The lock in the body of `variable`, as this thread sees it.
    #[inline(always)]
    pub fn of(participant: &'p Participant, variable: Variable) -> Self {
        let word = |index| participant.arena().table_word(variable.body(index));
        let incarnation = participant.identity().word() << 32;
        Self {
            robust: RobustLock::of(participant, variable),
            thread: word(1),
            count: word(2),
            me: incarnation | u64::from(thread_number()),
        }
    }

    /// Takes the lock in the common cases: no participant has had it since a waiter last slept, or this
    /// thread has it. `false` says nothing.
    #[inline(always)]
    pub fn acquire_free(self) -> bool {
        if self.is_mine() {
            if self.robust.is_closed() {
                return false;
            }
            put(self.count, self.times() + 1);
            return true;
        }
        let is_taken = self.robust.acquire_free();
        if is_taken {
            self.hold(1);
        }
        is_taken
    }

    /// Takes the lock if it is free or its owner is dead, or once more if this thread holds it.
    #[inline(always)]
    pub fn try_acquire(self) -> Result<TryLock> {
        self.acquire(RobustLock::try_acquire)
    }

    /// The same for a thread that is about to sleep at the [wait point](Self::point).
    pub fn try_acquire_or_announce(self) -> Result<TryLock> {
        self.acquire(RobustLock::try_acquire_or_announce)
    }

    #[inline(always)]
    fn acquire(self, acquire: impl FnOnce(RobustLock<'p>) -> Result<TryLock>) -> Result<TryLock> {
        if self.is_mine() {
            if self.robust.is_closed() {
                return Err(crate::Error::Closed);
            }
            put(self.count, self.times() + 1);
            return Ok(TryLock::Acquired);
        }
        let acquired = acquire(self.robust)?;
        if acquired != TryLock::Busy {
            self.hold(1);
        }
        Ok(acquired)
    }

    #[inline(always)]
    fn hold(&self, times: u64) {
        put(self.count, times);
        put(self.thread, self.me);
    }

    /// Undoes one acquisition. `false` if this thread does not hold the lock.
    #[inline(always)]
    pub fn release(self) -> Result<bool> {
        if !self.is_mine() {
            return Ok(false);
        }
        let times = self.times();
        if times > 1 {
            put(self.count, times - 1);
            return Ok(true);
        }
        put(self.thread, 0);
        self.robust.release()
    }

    /// Undoes all acquisitions, and gives back how many there were; `None` if this thread does not
    /// hold the lock.
    pub fn release_all(&self) -> Result<Option<u64>> {
        if !self.is_mine() {
            return Ok(None);
        }
        let times = self.times();
        put(self.thread, 0);
        self.robust.release()?;
        Ok(Some(times))
    }

    /// Holds the lock, which this thread has just acquired, as often as it did before
    /// [`Self::release_all`].
    pub fn restore(&self, times: u64) {
        debug_assert!(self.is_mine());
        put(self.count, times);
    }

    /// Where to sleep until the lock may have become free.
    pub fn point(&self) -> WaitPoint<'p> {
        self.robust.point()
    }

    /// Whether the lock names a holder, alive or dead: one load, for threads that spin.
    #[inline(always)]
    pub fn is_taken(&self) -> bool {
        self.robust.is_taken()
    }

    /// Whether a living participant holds the lock.
    pub fn is_locked(&self) -> bool {
        self.robust.is_locked()
    }

    /// Whether this thread holds the lock.
    #[inline(always)]
    pub fn is_mine(&self) -> bool {
        self.thread.load(Ordering::Relaxed) == self.me
    }

    /// How many times this thread holds the lock.
    pub fn count(&self) -> u64 {
        if self.is_mine() { self.times() } else { 0 }
    }

    /// Returns the holder.
    pub fn holder(&self) -> Holder {
        if self.is_mine() {
            Holder::Me
        } else if self.robust.is_mine() {
            Holder::OtherThread
        } else if self.robust.is_locked() {
            Holder::OtherProcess
        } else {
            Holder::Free
        }
    }

    /// Whether a living participant holds the lock, and by which of its threads, counted from 1 in the
    /// order in which they first took such a lock. For programs that look at others: it is changed at
    /// any moment.
    pub fn holding_thread(&self) -> Option<u32> {
        let token = self.thread.load(Ordering::Acquire);
        (token != 0 && self.is_locked()).then_some(token as u32)
    }

    /// As [`RobustLock::may_have_waiters`].
    pub fn may_have_waiters(&self) -> bool {
        self.robust.may_have_waiters()
    }

    /// As [`RobustLock::held_for`].
    pub fn held_for(&self) -> Option<Duration> {
        self.robust.held_for()
    }

    /// As [`RobustLock::owner`].
    pub fn owner(&self) -> Identity {
        self.robust.owner()
    }

    /// As [`RobustLock::owner_died`].
    pub fn owner_died(&self) -> bool {
        self.robust.owner_died()
    }

    /// As [`RobustLock::mark_consistent`].
    pub fn mark_consistent(&self) {
        self.robust.mark_consistent();
    }

    #[inline(always)]
    fn times(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
