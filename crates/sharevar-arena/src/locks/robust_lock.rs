//! The lock that users hold: for as long as they like, and survived by others.
//!
//! One 64-bit word names the owning participant, so acquiring and releasing are one
//! compare-and-exchange each and there is nothing to recover: a taker that finds a
//! dead owner in the word exchanges exactly that word for its own.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..=60 | [`Identity`] of the owner, 0 if free |
//! | 61 | *signal*: the lock was made as one, was once released by a participant that did not own it, or was left held by an owner that ended in order. A death does not release it |
//! | 62 | the owner took the lock from a dead owner |
//! | 63 | a waiter may sleep at the wait point |
//!
//! Once a waiter sleeps, a second word says since when the holder has had the lock at the latest. The
//! clock is read only by threads that have waited or will, so a free lock costs nothing more.

use crate::error::Result;
use crate::locks::wait_point::{ANY_REASON, WaitPoint};
use crate::process::identity::Identity;
use crate::process::participant::Participant;
use crate::proof::crash::{compare_exchange, put};
use crate::sync::{AtomicU64, Ordering};
use crate::variables::variable::Variable;
use std::time::Duration;

const SIGNAL: u64 = 1 << 61;
const OWNER_DIED: u64 = 1 << 62;
const WAITERS: u64 = 1 << 63;

/// How an attempt to take a lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryLock {
    /// The lock was free, and is this participant's now.
    Acquired,
    /// The owner died holding the lock, which is this participant's now. The protected data may be
    /// half changed.
    OwnerDied,
    /// A living participant holds it.
    Busy,
}

/// The fate of a lock whose holder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerDeath {
    /// The next taker gets it, however the holder ends and whichever participant released it before.
    Release,
    /// It is a signal from the start: it stays taken until it is released, as a semaphore would.
    Keep,
}

impl OwnerDeath {
    /// Returns the fate of a lock that is `owned` by its holder, or is not.
    pub fn of(owned: bool) -> Self {
        if owned { Self::Release } else { Self::Keep }
    }
}

/// A robust lock in a variable: word 0 of the body is the owner, word 3 says whether it was
/// settled that it is always owned, word 4 since when it is held, the last two are the wait point.
#[derive(Debug, Clone, Copy)]
pub struct RobustLock<'p> {
    participant: &'p Participant,
    owner: &'p AtomicU64,
    variable: Variable,
}

impl<'p> RobustLock<'p> {
    /// The lock in the body of `variable`.
    #[inline(always)]
    pub fn of(participant: &'p Participant, variable: Variable) -> Self {
        Self { participant, owner: participant.arena().table_word(variable.body(0)), variable }
    }

    fn always_owned(&self) -> &'p AtomicU64 {
        self.participant.arena().table_word(self.variable.body(3))
    }

    fn since(&self) -> &'p AtomicU64 {
        self.participant.arena().table_word(self.variable.body(4))
    }

    /// Sets the fate of a new lock, which no other participant knows, for the end of its holder.
    /// Without this, the holder's death releases it, unless another participant has ever released
    /// it or it was left held by a holder that ended in order.
    pub fn set_owner_death(&self, then: OwnerDeath) {
        match then {
            OwnerDeath::Release => put(self.always_owned(), 1),
            OwnerDeath::Keep => put(self.owner, SIGNAL),
        }
    }

    /// The fate of the lock at the end of its holder, as it was set or has come about; `None` if it
    /// may still become a signal.
    pub fn owner_death(&self) -> Option<OwnerDeath> {
        if self.always_owned().load(Ordering::Acquire) != 0 {
            Some(OwnerDeath::Release)
        } else {
            (self.owner.load(Ordering::Acquire) & SIGNAL != 0).then_some(OwnerDeath::Keep)
        }
    }

    /// Makes the lock in `variable` a signal if `participant`, which ends in order, holds it.
    pub fn settle_at_exit(participant: &Participant, variable: Variable) -> Result<()> {
        let lock = RobustLock::of(participant, variable);
        if !lock.is_mine() || lock.always_owned().load(Ordering::Acquire) != 0 {
            return Ok(());
        }
        // The variable's own lock keeps it from being freed, and its header from being another's.
        participant.change_at_exit(variable, |_| {
            let mut seen = lock.owner.load(Ordering::Acquire);
            while Identity::from_word(seen) == participant.identity() && seen & SIGNAL == 0 {
                match compare_exchange(lock.owner, seen, seen | SIGNAL) {
                    Ok(_) => break,
                    Err(now) => seen = now,
                }
            }
            Ok(())
        })
    }

    /// Takes the lock if no participant has had it since a waiter last slept: the common case, in one
    /// exchange. `false` says nothing.
    #[inline(always)]
    pub fn acquire_free(self) -> bool {
        let me = self.participant.identity();
        !self.is_closed() && !me.is_none() && compare_exchange(self.owner, 0, me.word()).is_ok()
    }

    /// Releases the lock if this participant took it by [`Self::acquire_free`] and no waiter has slept
    /// since. `false` says nothing.
    #[inline(always)]
    pub fn release_own(self) -> bool {
        let me = self.participant.identity();
        !me.is_none() && compare_exchange(self.owner, me.word(), 0).is_ok()
    }

    /// Takes the lock if it is free or its owner is dead.
    #[inline(always)]
    pub fn try_acquire(self) -> Result<TryLock> {
        if self.acquire_free() {
            return Ok(TryLock::Acquired);
        }
        self.try_acquire_taken(0)
    }

    /// The same for a waiter that is about to sleep at the [wait point](Self::point). If a living
    /// participant holds the lock, its release will wake a waiter. If this takes the lock, its release
    /// wakes one, too, since others may sleep there already.
    pub fn try_acquire_or_announce(self) -> Result<TryLock> {
        self.try_acquire_taken(WAITERS)
    }

    // The fast paths keep nothing in memory, since a cold one takes its lock by value.
    #[cold]
    fn try_acquire_taken(self, waiters: u64) -> Result<TryLock> {
        if self.is_closed() {
            return Err(crate::Error::Closed);
        }
        let me = self.participant.identity();
        if me.is_none() {
            return Err(self.participant.why_not_attached());
        }
        loop {
            let seen = self.owner.load(Ordering::Acquire);
            let owner = Identity::from_word(seen);
            let kept = seen & (SIGNAL | WAITERS) | waiters;
            let may_die = !owner.is_none() && seen & SIGNAL == 0;
            let (outcome, word) = if owner.is_none() {
                (TryLock::Acquired, me.word() | kept)
            } else if may_die && !self.is_alive(owner, waiters != 0)? {
                (TryLock::OwnerDied, me.word() | kept | OWNER_DIED)
            } else {
                (TryLock::Busy, seen | waiters)
            };
            if seen == word {
                return Ok(outcome);
            }
            if word & WAITERS != 0 {
                self.note_time();
            }
            if compare_exchange(self.owner, seen, word).is_ok() {
                return Ok(outcome);
            }
        }
    }

    /// Notes that the holder which the owner word is about to name, or names, has the lock from now on
    /// at the latest. A hint: a thread that is delayed here leaves a later time alone.
    fn note_time(&self) {
        let now = microseconds();
        if self.since().load(Ordering::Relaxed) < now {
            put(self.since(), now);
        }
    }

    /// Returns for how long the holder has had the lock at least. It is known while a waiter may sleep:
    /// since the holder took the lock if it had waited itself, else since the first waiter slept.
    pub fn held_for(&self) -> Option<Duration> {
        let seen = self.owner.load(Ordering::Acquire);
        let since = self.since().load(Ordering::Acquire);
        // A holder that has another word by now has another time, too.
        let is_known = seen & WAITERS != 0
            && !Identity::from_word(seen).is_none()
            && self.owner.load(Ordering::Acquire) == seen;
        is_known.then(|| Duration::from_micros(microseconds().saturating_sub(since)))
    }

    fn is_alive(&self, owner: Identity, for_waiter: bool) -> Result<bool> {
        if for_waiter {
            self.participant.is_alive_for_waiter(owner)
        } else {
            Ok(self.participant.is_alive(owner))
        }
    }

    /// Where to sleep until the lock may have become free.
    pub fn point(&self) -> WaitPoint<'p> {
        WaitPoint::of(self.participant, self.variable)
    }

    /// Releases the lock, whichever participant took it. `false` if it was free.
    #[inline(always)]
    pub fn release(self) -> Result<bool> {
        if self.release_own() {
            return Ok(true);
        }
        self.release_otherwise()
    }

    #[cold]
    fn release_otherwise(self) -> Result<bool> {
        let me = self.participant.identity();
        if me.is_none() {
            return Err(self.participant.why_not_attached());
        }
        loop {
            let seen = self.owner.load(Ordering::Acquire);
            let owner = Identity::from_word(seen);
            if owner.is_none() {
                return Ok(false);
            }
            let stays_owned = owner == me || self.always_owned().load(Ordering::Acquire) != 0;
            let free = if stays_owned { seen & SIGNAL } else { SIGNAL };
            if compare_exchange(self.owner, seen, free).is_ok() {
                if seen & WAITERS != 0 {
                    self.point().wake(ANY_REASON, 1);
                }
                return Ok(true);
            }
        }
    }

    /// Whether the lock names a holder, alive or dead: one load, for threads that spin.
    #[inline(always)]
    pub fn is_taken(&self) -> bool {
        !Identity::from_word(self.owner.load(Ordering::Relaxed)).is_none()
    }

    /// Whether a living participant holds the lock.
    pub fn is_locked(&self) -> bool {
        let seen = self.owner.load(Ordering::Acquire);
        let owner = Identity::from_word(seen);
        !owner.is_none() && (seen & SIGNAL != 0 || self.participant.is_alive(owner))
    }

    /// Returns the holder, and whether it lives; `None` if the lock is free.
    pub fn holder(&self) -> Option<(Identity, bool)> {
        let seen = self.owner.load(Ordering::Acquire);
        let owner = Identity::from_word(seen);
        let is_alive = !owner.is_none() && self.participant.is_alive(owner);
        (is_alive || !owner.is_none() && seen & SIGNAL != 0).then_some((owner, is_alive))
    }

    /// Whether the arena is closed, so that nothing can be taken any more.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.participant.arena().is_closed()
    }

    /// The holder that the lock names, alive or dead.
    pub fn owner(&self) -> Identity {
        Identity::from_word(self.owner.load(Ordering::Acquire))
    }

    /// Whether a waiter may sleep until the lock is released. One that is gone may still count.
    pub fn may_have_waiters(&self) -> bool {
        self.owner.load(Ordering::Acquire) & WAITERS != 0
    }

    /// Whether this participant holds the lock.
    pub fn is_mine(&self) -> bool {
        let owner = Identity::from_word(self.owner.load(Ordering::Acquire));
        !owner.is_none() && owner == self.participant.identity()
    }

    /// Whether the present holder took the lock from a dead one, and has not called
    /// [`Self::mark_consistent`].
    pub fn owner_died(&self) -> bool {
        self.owner.load(Ordering::Acquire) & OWNER_DIED != 0
    }

    /// Notes, for the holder, that the protected data is consistent again.
    pub fn mark_consistent(&self) {
        let mut seen = self.owner.load(Ordering::Acquire);
        while seen & OWNER_DIED != 0 && !self.participant.is_read_only() {
            match compare_exchange(self.owner, seen, seen & !OWNER_DIED) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
    }
}

/// The monotonic clock, which is the same for all processes of a time namespace.
fn microseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}
