//! The lock that users hold: for as long as they like, and survived by others.
//!
//! One 64-bit word names the owning participant, so taking and giving back is one
//! compare-and-exchange each and there is nothing to recover: whoever finds a dead
//! owner in the word exchanges it, from exactly that word, for himself.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..=60 | [`Identity`] of the owner, 0 if free |
//! | 61 | *signal*: was once released by another than its owner; a death gives nothing back any more |
//! | 62 | the owner got it from one who died |
//! | 63 | somebody may sleep on the wake-up count |

use crate::crash::compare_exchange;
use crate::error::Result;
use crate::identity::Identity;
use crate::park::{park, wake};
use crate::participant::Participant;
use crate::recovery;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::variable::Variable;
use std::time::Duration;

const SIGNAL: u64 = 1 << 61;
const OWNER_DIED: u64 = 1 << 62;
const WAITERS: u64 = 1 << 63;

/// How an attempt to take a lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// It was free.
    Free,
    /// Its owner died holding it; what it protects may be half done.
    FromDead,
    /// Somebody alive holds it.
    Not,
}

/// A robust lock in a variable: word 0 of the body is the owner, word 1 counts wake-ups.
#[derive(Debug, Clone, Copy)]
pub struct RobustLock<'p> {
    participant: &'p Participant,
    owner: &'p AtomicU64,
    wakes: &'p AtomicU32,
}

impl<'p> RobustLock<'p> {
    /// The lock in the body of `variable`.
    #[inline(always)]
    pub fn of(participant: &'p Participant, variable: Variable) -> Self {
        Self {
            participant,
            owner: participant.arena().table_word(variable.body(0)),
            wakes: participant.arena().table_word32(variable.body(1)),
        }
    }

    /// Takes the lock if it is free or its owner is dead.
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Acquired> {
        if self.participant.arena().is_closed() {
            return Err(crate::Error::Closed);
        }
        let me = self.participant.identity();
        if !me.is_nobody() && compare_exchange(self.owner, 0, me.word()).is_ok() {
            return Ok(Acquired::Free);
        }
        self.try_acquire_taken(me, 0)
    }

    #[cold]
    fn try_acquire_taken(&self, me: Identity, waiters: u64) -> Result<Acquired> {
        if me.is_nobody() {
            return Err(crate::Error::ForeignProcess);
        }
        loop {
            let seen = self.owner.load(Ordering::Acquire);
            let owner = Identity::from_word(seen);
            let kept = seen & (SIGNAL | WAITERS) | waiters;
            let (outcome, word) = if owner.is_nobody() {
                (Acquired::Free, me.word() | kept)
            } else if seen & SIGNAL == 0 && !recovery::is_alive(self.participant.arena(), owner) {
                (Acquired::FromDead, me.word() | kept | OWNER_DIED)
            } else {
                return Ok(Acquired::Not);
            };
            if compare_exchange(self.owner, seen, word).is_ok() {
                return Ok(outcome);
            }
        }
    }

    /// Sleeps until the lock may have become free, at most for `limit`. Takes nothing: the
    /// caller tries again, from where it may be interrupted without losing anything.
    pub fn wait(&self, limit: Duration, round: u32) {
        let count = self.wakes.load(Ordering::Acquire);
        let seen = self.owner.load(Ordering::Acquire);
        if Identity::from_word(seen).is_nobody() {
            return;
        }
        if seen & WAITERS == 0 && compare_exchange(self.owner, seen, seen | WAITERS).is_err() {
            return;
        }
        // Nobody wakes those who wait for a dead one: look again after at most some milliseconds.
        let millis = [1, 2, 3, 5, 10].get(round as usize).copied().unwrap_or(20);
        park(self.wakes, count, limit.min(Duration::from_millis(millis)));
    }

    /// Like [`Self::try_acquire`], after having slept: others may still sleep, so the next
    /// release wakes again.
    pub fn try_acquire_after_wait(&self) -> Result<Acquired> {
        if self.participant.arena().is_closed() {
            return Err(crate::Error::Closed);
        }
        self.try_acquire_taken(self.participant.identity(), WAITERS)
    }

    /// Gives the lock back, whoever took it. `false` if nobody had.
    #[inline(always)]
    pub fn release(&self) -> Result<bool> {
        let me = self.participant.identity();
        if compare_exchange(self.owner, me.word(), 0).is_ok() {
            return Ok(true);
        }
        self.release_otherwise(me)
    }

    #[cold]
    fn release_otherwise(&self, me: Identity) -> Result<bool> {
        if me.is_nobody() {
            return Err(crate::Error::ForeignProcess);
        }
        loop {
            let seen = self.owner.load(Ordering::Acquire);
            let owner = Identity::from_word(seen);
            if owner.is_nobody() {
                return Ok(false);
            }
            let signal = if owner == me { seen & SIGNAL } else { SIGNAL };
            if compare_exchange(self.owner, seen, signal).is_ok() {
                if seen & WAITERS != 0 {
                    self.wakes.fetch_add(1, Ordering::AcqRel);
                    wake(self.wakes, 1);
                }
                return Ok(true);
            }
        }
    }

    /// Whether somebody is said to hold the lock, alive or dead: one load, for those who spin.
    #[inline(always)]
    pub fn is_taken(&self) -> bool {
        !Identity::from_word(self.owner.load(Ordering::Relaxed)).is_nobody()
    }

    /// Whether somebody alive holds the lock.
    pub fn is_locked(&self) -> bool {
        let seen = self.owner.load(Ordering::Acquire);
        let owner = Identity::from_word(seen);
        !owner.is_nobody() && (seen & SIGNAL != 0 || recovery::is_alive(self.participant.arena(), owner))
    }

    /// Whether the present holder got the lock from one who died, and has not said that all is well.
    pub fn owner_died(&self) -> bool {
        self.owner.load(Ordering::Acquire) & OWNER_DIED != 0
    }

    /// The holder says that what the lock protects is whole again.
    pub fn mark_consistent(&self) {
        let mut seen = self.owner.load(Ordering::Acquire);
        while seen & OWNER_DIED != 0 {
            match compare_exchange(self.owner, seen, seen & !OWNER_DIED) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
    }
}
