//! A semaphore: units, and their holders.
//!
//! Units are *owned*: when a holder dies, its units are given back. Once a process has released
//! a unit that it had not acquired, the semaphore is a *signal* for good, and keeps no holders: a
//! unit stands for something outside then, and giving it back would tell of that falsely (hazard 33).
//!
//! | body word | holds |
//! |---|---|
//! | 0, 2 to 5 | units and holders, see `holders` |
//! | 1 | flags; in the upper half the most units that may be free |

use super::holders::{self, FromDead, MAX_UNITS, Units};
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{ANY_REASON, OwnerDeath, Participant, SmallTransaction, Variable, WaitPoint};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops { settle_at_exit: RawSemaphore::settle_at_exit, ..holders::OPS };

const STATE: usize = 1;
/// No holders are kept.
const SIGNAL: u64 = 1;
/// A waiter may sleep until a unit is free.
const ANNOUNCED: u64 = 2;
/// Whether units are owned was settled when the semaphore was made.
const SETTLED: u64 = 4;

/// A shared semaphore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSemaphore {
    handle: Handle,
}

variable_of_kind!(RawSemaphore, Semaphore);

/// The result of an attempt to take a unit.
enum Attempt {
    Taken,
    Not,
    /// There is a unit and no place to enter its holder in, as many as there are.
    NoPlace(u64),
}

/// The most units that may be free.
#[inline(always)]
fn bound(state: u64) -> u32 {
    (state >> 32) as u32
}

impl RawSemaphore {
    /// The most units that a semaphore has.
    pub const MAX_UNITS: u32 = MAX_UNITS;

    /// Makes a semaphore with so many free units; `bound` is the most that there may ever be.
    /// `owned` settles whether units are given back for holders that die; if it does not, that is
    /// so until a process releases a unit that it had not acquired.
    pub fn create(
        participant: &Arc<Participant>,
        units: u32,
        bound: Option<u32>,
        owned: Option<bool>,
    ) -> Result<Self> {
        let bound = bound.unwrap_or(MAX_UNITS);
        if units > bound || bound > MAX_UNITS {
            return Err(Error::TooManyUnits { limit: bound.min(MAX_UNITS) });
        }
        let handle = Handle::create(participant, Kind::Semaphore)?;
        let mode = match owned {
            None => 0,
            Some(true) => SETTLED,
            Some(false) => SETTLED | SIGNAL,
        };
        participant.change(handle.variable(), |change| {
            change.set_body(STATE, u64::from(bound) << 32 | mode)?;
            holders::set_free(change, units, false)
        })?;
        Self::from_handle(handle)
    }

    /// Where to sleep until a unit may be free, for any reason.
    fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    /// Takes a unit in the common case: one is free, and the caller is the first holder. `false` says
    /// nothing.
    #[inline(always)]
    pub fn acquire_free(&self) -> bool {
        let participant = self.handle.participant();
        let taken = participant.change_one(self.handle.variable(), |change| {
            if change.body(STATE) & SIGNAL == 0 {
                return holders::take_first(change, participant.identity(), 1);
            }
            let free = Units::of(|index| change.body(index)).free().checked_sub(1)?;
            holders::set_free_one(change, free);
            Some(())
        });
        taken.is_some()
    }

    /// Takes a unit if one is free, or held by a dead one.
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<bool> {
        if self.acquire_free() { Ok(true) } else { self.acquire_otherwise(false) }
    }

    /// The same for a waiter that is about to sleep at the wait point: if there is no unit,
    /// the next release will wake one.
    pub fn try_acquire_or_announce(&self) -> Result<bool> {
        self.acquire_otherwise(true)
    }

    /// A wait until a unit is taken.
    pub fn acquire_wait(&self) -> impl Wait<()> + '_ {
        PointWait::new(
            self.point(),
            ANY_REASON,
            || self.may_acquire(),
            |announce| {
                let taken = if announce { self.try_acquire_or_announce() } else { self.try_acquire() };
                Ok(taken?.then_some(()))
            },
        )
    }

    #[cold]
    fn acquire_otherwise(&self, announce: bool) -> Result<bool> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        loop {
            let mut for_others = 0;
            let attempt = participant.change(variable, |change| {
                let found = Self::look_for_dead(change, 1, announce)?;
                let from_dead = found.units > 0;
                let (state, free) = (change.body(STATE), Units::of(|index| change.body(index)).free());
                if free == 0 {
                    if announce
                        && !found.has_living
                        && let Some(holder) = found.unknown
                    {
                        // No other can give a unit back.
                        participant.is_alive_for_waiter(holder)?;
                    }
                    if announce && state & ANNOUNCED == 0 {
                        change.set_body(STATE, state | ANNOUNCED)?;
                    }
                    return Ok(Attempt::Not);
                }
                if state & SIGNAL != 0 {
                    holders::set_free(change, free - 1, false)?;
                } else if !holders::take(change, 1)? {
                    return Ok(Attempt::NoPlace(holders::places(change)));
                }
                if from_dead && state & ANNOUNCED != 0 {
                    for_others = free - 1;
                }
                Ok(Attempt::Taken)
            })?;
            match attempt {
                Attempt::Taken => {
                    self.wake(for_others)?;
                    return Ok(true);
                }
                Attempt::Not => return Ok(false),
                Attempt::NoPlace(seen) => holders::add_places(participant, variable, seen)?,
            }
        }
    }

    /// Gives back what dead ones hold, if less than `least` is free.
    fn look_for_dead(
        change: &mut SmallTransaction<'_>,
        least: u32,
        look_again: bool,
    ) -> sharevar_arena::Result<FromDead> {
        let state = change.body(STATE);
        if state & SIGNAL != 0 || Units::of(|index| change.body(index)).free() >= least {
            return Ok(FromDead::default());
        }
        holders::give_back_of_dead(change, bound(state), look_again)
    }

    /// Gives a unit back in the common case: the caller is the first holder, and no waiter may sleep.
    /// `false` says nothing.
    #[inline(always)]
    pub fn release_own(&self) -> bool {
        let participant = self.handle.participant();
        let released = participant.change_one(self.handle.variable(), |change| {
            let (state, free) = (change.body(STATE), Units::of(|index| change.body(index)).free());
            if state & ANNOUNCED != 0 || free >= bound(state) {
                return None;
            }
            if state & SIGNAL == 0 {
                return holders::give_back_first(change, participant.identity(), 1);
            }
            holders::set_free_one(change, free + 1);
            Some(())
        });
        released.is_some()
    }

    /// Gives a unit back, whichever process took it.
    #[inline(always)]
    pub fn release(&self) -> Result<()> {
        if self.release_own() { Ok(()) } else { self.release_many(1) }
    }

    /// Gives units back, all in one step. More than there may be is
    /// [`TooManyUnits`](Error::TooManyUnits), and nothing is changed.
    #[cold]
    pub fn release_many(&self, units: u32) -> Result<()> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let released = participant.change(variable, |change| {
            let (state, free) = (change.body(STATE), Units::of(|index| change.body(index)).free());
            let free = u64::from(free) + u64::from(units);
            if free > u64::from(bound(state)) {
                return Ok(Err(bound(state)));
            }
            if state & SIGNAL != 0 {
                holders::set_free(change, free as u32, false)?;
            } else if holders::give_back(change, units)? < units {
                // Units that it had not acquired.
                if state & SETTLED == 0 {
                    change.set_body(STATE, state | SIGNAL)?;
                }
                holders::set_free(change, free as u32, state & SETTLED != 0)?;
            }
            Ok(Ok(if state & ANNOUNCED != 0 { units } else { 0 }))
        })?;
        match released {
            Ok(sleepers) => self.wake(sleepers),
            Err(limit) => Err(Error::TooManyUnits { limit }),
        }
    }

    /// Wakes so many of those that have announced that they sleep until a unit is free.
    fn wake(&self, units: u32) -> Result<()> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        if units == 0 {
            return Ok(());
        }
        self.point().wake_announced(ANY_REASON, units, || {
            participant.change(variable, |change| {
                change.change_body(STATE, change.body(STATE) & !ANNOUNCED);
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Whether a unit is free: one load, for spinning waiters.
    #[inline]
    fn may_acquire(&self) -> bool {
        Units::of(|index| self.word(index)).free() > 0
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.handle.participant().body(self.handle.variable(), index)
    }

    /// How many units are free, those of dead holders among them.
    pub fn available(&self) -> Result<u32> {
        let participant = self.handle.participant();
        if participant.is_closed() {
            return Err(sharevar_arena::Error::Closed.into());
        }
        let word = |index| self.word(index);
        let is_settled = word(STATE) & SIGNAL != 0 || !holders::others_may_hold(word, participant.identity());
        // Giving back the units of the dead is a change.
        if is_settled || participant.is_read_only() {
            return Ok(Units::of(word).free());
        }
        loop {
            let (free, from_dead, announced) = participant.change(self.handle.variable(), |change| {
                let from_dead = Self::look_for_dead(change, u32::MAX, true)?;
                let free = Units::of(|index| change.body(index)).free();
                Ok((free, from_dead, change.body(STATE) & ANNOUNCED != 0))
            })?;
            if from_dead.units > 0 && announced {
                self.wake(free)?;
            }
            if !from_dead.more {
                return Ok(free);
            }
        }
    }

    /// The fate of units at the end of their holder, as it was settled or has come about; `None` if
    /// it may still change.
    pub fn owner_death(&self) -> Option<OwnerDeath> {
        match self.word(STATE) {
            state if state & SIGNAL != 0 => Some(OwnerDeath::Keep),
            state if state & SETTLED != 0 => Some(OwnerDeath::Release),
            _ => None,
        }
    }

    /// All units: those that are free, and those that have holders.
    pub fn units(&self) -> Result<u64> {
        let free = u64::from(Units::of(|index| self.word(index)).free());
        if self.word(STATE) & SIGNAL != 0 {
            return Ok(free);
        }
        Ok(free + holders::holds(&self.handle)?.iter().map(|(_, units)| units).sum::<u64>())
    }

    /// The most units that may be free, if the semaphore was made with a bound.
    pub fn bound(&self) -> Option<u32> {
        Some(bound(self.word(STATE))).filter(|bound| *bound < MAX_UNITS)
    }

    /// How many units this participant holds; `None` of a signal, which keeps no holders.
    pub fn held(&self) -> Result<Option<u64>> {
        Ok(self.handle.participant().change(self.handle.variable(), |change| {
            if change.body(STATE) & SIGNAL != 0 { Ok(None) } else { holders::own_units(change).map(Some) }
        })?)
    }

    /// Says that `participant` ends in the ordinary way. It keeps its units of `variable`, a semaphore,
    /// as with the standard libraries: the semaphore is a signal, unless it was settled
    /// to be owned.
    pub fn settle_at_exit(participant: &Participant, variable: Variable) -> sharevar_arena::Result<()> {
        participant.change_at_exit(variable, |change| {
            let state = change.body(STATE);
            if state & (SIGNAL | SETTLED) == 0 && holders::own_units(change)? > 0 {
                change.change_body(STATE, state | SIGNAL);
            }
            Ok(())
        })
    }
}
