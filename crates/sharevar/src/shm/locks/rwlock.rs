//! A readers-writer lock: a reader holds one unit, a writer all of them.
//!
//! | body word | holds |
//! |---|---|
//! | 0, 2 to 5 | units and holders, see `holders` |
//! | 1 | identity of the next writer, for which new readers wait; 0 = none; and flags |
//!
//! | bits of body word 1 | meaning |
//! |---|---|
//! | 0 to 60 | the next writer; one that died counts as none |
//! | 61 | a writer died, and no other has given the lock back since |
//! | 62 | readers may sleep |
//! | 63 | writers may sleep |

use super::holders::{self, MAX_UNITS, Units};
use crate::engine::Acquired;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{Identity, Participant, SmallTransaction, TryLock, WaitPoint};
use std::sync::Arc;

pub(crate) const OPS: Ops = holders::OPS;

const STATE: usize = 1;
const OWNER_DIED: u64 = 1 << 61;
const READERS: u64 = 1 << 62;
const WRITERS: u64 = 1 << 63;
/// The units that a writer holds.
const ALL: u32 = MAX_UNITS;

/// Reason to sleep: to read.
const READ: u32 = 1;
/// Reason to sleep: to write.
const WRITE: u32 = 2;

/// A shared readers-writer lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRwLock {
    handle: Handle,
}

variable_of_kind!(RawRwLock, RwLock);

/// A writer that waits, until this is dropped.
struct NextWriter<'a> {
    lock: &'a RawRwLock,
    has_taken: bool,
}

impl NextWriter<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<Acquired>> {
        let acquired = if announce { self.lock.try_write_or_announce() } else { self.lock.try_write() };
        let acquired = Acquired::of(acquired?);
        self.has_taken = acquired.is_some();
        Ok(acquired)
    }
}

impl Drop for NextWriter<'_> {
    fn drop(&mut self) {
        if !self.has_taken {
            // It fails when the manager is shut down, and then no thread waits any more.
            let _ = self.lock.give_up_writing();
        }
    }
}

/// The result of an attempt, and the waiters that are to be woken after it.
struct Attempt {
    acquired: TryLock,
    /// No place to enter the holder in, as many as there are.
    no_place: Option<u64>,
    /// Not all of the dead have been looked after yet.
    more_dead: bool,
    wake: u64,
}

fn units(change: &SmallTransaction<'_>) -> Units {
    Units::of(|index| change.body(index))
}

/// The result of looking for the dead.
#[derive(Default)]
struct Look {
    /// Whether what they have left, which was put right, may let others in.
    lets_in: bool,
    /// Whether there may be more of them.
    more_dead: bool,
    /// A holder, or the next writer, of which nothing can be known.
    unknown: Option<Identity>,
}

fn look_for_dead(change: &mut SmallTransaction<'_>, look_again: bool) -> sharevar_arena::Result<Look> {
    let from_dead = holders::give_back_of_dead(change, ALL, look_again)?;
    let state = change.body(STATE);
    let mut now = state;
    if from_dead.most == u64::from(ALL) {
        now |= OWNER_DIED;
    }
    let next = Identity::from_word(state);
    let next_lives = if next.is_none() { Some(true) } else { change.participant().find_out_life(next) };
    let next_died = next_lives == Some(false);
    if next_died {
        now &= !next.word();
    }
    if now != state {
        change.set_body(STATE, now)?;
    }
    Ok(Look {
        lets_in: from_dead.units > 0 || next_died,
        more_dead: from_dead.more,
        unknown: from_dead.unknown.or(next_lives.is_none().then_some(next)),
    })
}

/// Those that have announced themselves and could go on in this state.
fn could_go_on(change: &SmallTransaction<'_>) -> u64 {
    let (state, free) = (change.body(STATE), units(change).free());
    let readers = if free > 0 && Identity::from_word(state).is_none() { READERS } else { 0 };
    let writers = if free == ALL { WRITERS } else { 0 };
    state & (readers | writers)
}

impl RawRwLock {
    /// Makes a lock that is free.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        let handle = Handle::create(participant, Kind::RwLock)?;
        participant.change(handle.variable(), |change| holders::set_free(change, ALL, false))?;
        Self::from_handle(handle)
    }

    /// Where to sleep to [`READ`] or to [`WRITE`].
    fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    /// Takes the lock for reading, if no writer has it or is next.
    #[inline]
    pub fn try_read(&self) -> Result<TryLock> {
        self.acquire_one(1).map_or_else(|| self.acquire(1, false), Ok)
    }

    /// The same for a waiter that is about to sleep: it will be woken.
    pub fn try_read_or_announce(&self) -> Result<TryLock> {
        self.acquire(1, true)
    }

    /// Takes the lock for writing, if it is free.
    #[inline]
    pub fn try_write(&self) -> Result<TryLock> {
        self.acquire_one(ALL).map_or_else(|| self.acquire(ALL, false), Ok)
    }

    /// The same for a waiter that is about to sleep: it will be woken, and new readers wait for it.
    pub fn try_write_or_announce(&self) -> Result<TryLock> {
        self.acquire(ALL, true)
    }

    /// A wait until the lock is taken for reading.
    pub fn read_wait(&self) -> impl Wait<Acquired> + '_ {
        PointWait::new(
            self.point(),
            READ,
            || self.may_read(),
            |announce| {
                let acquired = if announce { self.try_read_or_announce() } else { self.try_read() };
                Ok(Acquired::of(acquired?))
            },
        )
    }

    /// A wait until the lock is taken for writing. One that ends before lets
    /// new readers in.
    pub fn write_wait(&self) -> impl Wait<Acquired> + '_ {
        let mut next = NextWriter { lock: self, has_taken: false };
        // By its method, so that the wait has the whole of it, and not only its fields.
        let attempt = move |announce| next.attempt(announce);
        PointWait::new(self.point(), WRITE, || self.may_write(), attempt)
    }

    #[inline(always)]
    fn acquire_one(&self, wanted: u32) -> Option<TryLock> {
        let participant = self.handle.participant();
        participant.change_one(self.handle.variable(), |change| {
            if change.body(STATE) != 0 {
                return None;
            }
            holders::take_first(change, participant.identity(), wanted)?;
            Some(TryLock::Acquired)
        })
    }

    #[cold]
    fn acquire(&self, wanted: u32, announce: bool) -> Result<TryLock> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        loop {
            let attempt = participant.change(variable, |change| Self::attempt(change, wanted, announce))?;
            self.wake(attempt.wake)?;
            match attempt.no_place {
                Some(seen) => holders::add_places(participant, variable, seen)?,
                None if attempt.acquired == TryLock::Busy && attempt.more_dead => {}
                None => return Ok(attempt.acquired),
            }
        }
    }

    fn attempt(
        change: &mut SmallTransaction<'_>,
        wanted: u32,
        announce: bool,
    ) -> sharevar_arena::Result<Attempt> {
        let may = |change: &SmallTransaction<'_>| {
            units(change).free() >= wanted
                && (wanted == ALL || Identity::from_word(change.body(STATE)).is_none())
        };
        let Look { lets_in: from_dead, more_dead, unknown } =
            if may(change) { Look::default() } else { look_for_dead(change, announce)? };
        let wake = |change: &SmallTransaction<'_>| if from_dead { could_go_on(change) } else { 0 };
        let state = change.body(STATE);
        if !may(change) {
            if announce {
                if let Some(unknown) = unknown {
                    // A writer needs what it holds, and it keeps readers out if it is a writer.
                    change.participant().is_alive_for_waiter(unknown)?;
                }
                let next = Identity::from_word(state);
                let me = change.participant().identity();
                let announced = match wanted {
                    ALL if next.is_none() => state | WRITERS | me.word(),
                    ALL => state | WRITERS,
                    _ => state | READERS,
                };
                if announced != state {
                    change.set_body(STATE, announced)?;
                }
            }
            return Ok(Attempt { acquired: TryLock::Busy, no_place: None, more_dead, wake: wake(change) });
        }
        if !holders::take(change, wanted)? {
            let seen = holders::places(change);
            return Ok(Attempt { acquired: TryLock::Busy, no_place: Some(seen), more_dead, wake: 0 });
        }
        if wanted == ALL && Identity::from_word(state) == change.participant().identity() {
            change.set_body(STATE, state & !Identity::from_word(state).word())?;
        }
        let acquired = if state & OWNER_DIED != 0 { TryLock::OwnerDied } else { TryLock::Acquired };
        Ok(Attempt { acquired, no_place: None, more_dead, wake: wake(change) })
    }

    /// Gives back what was taken for reading. `false` if nothing was.
    #[inline]
    pub fn release_read(&self) -> Result<bool> {
        self.release_one(1).map_or_else(|| self.release(1), Ok)
    }

    /// Gives back what was taken for writing. `false` if nothing was.
    #[inline]
    pub fn release_write(&self) -> Result<bool> {
        self.release_one(ALL).map_or_else(|| self.release(ALL), Ok)
    }

    #[inline(always)]
    fn release_one(&self, units: u32) -> Option<bool> {
        let participant = self.handle.participant();
        participant.change_one(self.handle.variable(), |change| {
            if change.body(STATE) != 0 {
                return None;
            }
            holders::give_back_first(change, participant.identity(), units)?;
            Some(true)
        })
    }

    #[cold]
    fn release(&self, taken: u32) -> Result<bool> {
        let wake = self.handle.participant().change(self.handle.variable(), |change| {
            if holders::own_units(change)? < u64::from(taken) {
                return Ok(None);
            }
            holders::give_back(change, taken)?;
            let state = change.body(STATE);
            if taken == ALL && state & OWNER_DIED != 0 {
                change.set_body(STATE, state & !OWNER_DIED)?;
            }
            Ok(Some(could_go_on(change)))
        })?;
        self.wake(wake.unwrap_or(0))?;
        Ok(wake.is_some())
    }

    /// Wakes all readers that sleep, or one writer, or both.
    fn wake(&self, sleepers: u64) -> Result<()> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        for (announced, reason, most) in [(READERS, READ, u32::MAX), (WRITERS, WRITE, 1)] {
            if sleepers & announced != 0 {
                self.point().wake_announced(reason, most, || {
                    participant.change(variable, |change| {
                        change.change_body(STATE, change.body(STATE) & !announced);
                        Ok(())
                    })
                })?;
            }
        }
        Ok(())
    }

    /// A writer of this participant waits no longer: new readers need not wait for it.
    pub fn give_up_writing(&self) -> Result<()> {
        let wake = self.handle.participant().change(self.handle.variable(), |change| {
            let state = change.body(STATE);
            let me = change.participant().identity();
            if Identity::from_word(state) == me {
                change.change_body(STATE, state & !me.word());
                // Another writer becomes the next when it looks.
                return Ok(could_go_on(change) | change.body(STATE) & WRITERS);
            }
            Ok(0)
        })?;
        self.wake(wake)
    }

    /// Whether a reader may get in: two loads, for spinning waiters.
    #[inline]
    fn may_read(&self) -> bool {
        self.units().free() > 0 && Identity::from_word(self.word(STATE)).is_none()
    }

    /// Whether a writer may get in: one load, for spinning waiters.
    #[inline]
    fn may_write(&self) -> bool {
        self.units().free() == ALL
    }

    fn units(&self) -> Units {
        Units::of(|index| self.word(index))
    }

    fn word(&self, index: usize) -> u64 {
        self.handle.participant().body(self.handle.variable(), index)
    }

    /// Whether a writer died holding the lock, and no other has given it back since.
    pub fn owner_died(&self) -> bool {
        self.word(STATE) & OWNER_DIED != 0
    }

    /// Says that what the lock protects is whole again.
    pub fn mark_consistent(&self) -> Result<()> {
        Ok(self.handle.participant().change(self.handle.variable(), |change| {
            change.change_body(STATE, change.body(STATE) & !OWNER_DIED);
            Ok(())
        })?)
    }
}
