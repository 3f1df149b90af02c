//! An event: a flag that is waited for.
//!
//! | bits of body word 0 | meaning |
//! |---|---|
//! | 0 | it is set |
//! | 1 | a waiter may sleep until it is |
//! | 2 to 63 | how often it was set |
//!
//! A waiter that looks only after it was set and cleared again sees by the count that it was set.

use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{ANY_REASON, Participant, WaitPoint};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops::NONE;

const STATE: usize = 0;
const SET: u64 = 1;
const ANNOUNCED: u64 = 2;
const ONCE: u64 = 4;

/// A shared event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    handle: Handle,
}

variable_of_kind!(RawEvent, Event);

/// How often an event was set when a wait for it began.
#[derive(Debug, Clone, Copy)]
pub struct Seen(u64);

impl Seen {
    fn is_met_by(self, state: u64) -> bool {
        state & SET != 0 || state / ONCE != self.0
    }
}

impl RawEvent {
    /// Makes an event that is not set.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::from_handle(Handle::create(participant, Kind::Event)?)
    }

    /// Where to sleep until it is set, for any reason.
    fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    #[inline(always)]
    fn state(&self) -> Result<u64> {
        let participant = self.handle.participant();
        if participant.is_closed() {
            return Err(sharevar_arena::Error::Closed.into());
        }
        Ok(participant.body(self.handle.variable(), STATE))
    }

    /// Whether it is set.
    #[inline(always)]
    pub fn is_set(&self) -> Result<bool> {
        Ok(self.state()? & SET != 0)
    }

    /// Sets it, and wakes all waiters.
    #[inline(always)]
    pub fn set(&self) -> Result<()> {
        // No waiter is left at an event that is set.
        if self.is_set()? {
            return Ok(());
        }
        let set = self.handle.participant().change_one(self.handle.variable(), |change| {
            let state = change.body(STATE);
            if state & (SET | ANNOUNCED) != 0 {
                return None;
            }
            change.change_body(STATE, (state | SET).wrapping_add(ONCE));
            Some(())
        });
        if set.is_some() { Ok(()) } else { self.set_and_wake() }
    }

    #[cold]
    fn set_and_wake(&self) -> Result<()> {
        let announced = self.handle.participant().change(self.handle.variable(), |change| {
            let state = change.body(STATE);
            if state & SET == 0 {
                // All are woken, so a waiter that goes to sleep after this announces itself again.
                change.change_body(STATE, (state | SET).wrapping_add(ONCE) & !ANNOUNCED);
            }
            Ok(state & (SET | ANNOUNCED) == ANNOUNCED)
        })?;
        if announced {
            self.point().wake(ANY_REASON, u32::MAX);
        }
        Ok(())
    }

    /// Takes the flag away.
    #[inline(always)]
    pub fn clear(&self) -> Result<()> {
        if !self.is_set()? {
            return Ok(());
        }
        let cleared = self.handle.participant().change_one(self.handle.variable(), |change| {
            change.change_body(STATE, change.body(STATE) & !SET);
            Some(())
        });
        if cleared.is_some() {
            return Ok(());
        }
        Ok(self.handle.participant().change(self.handle.variable(), |change| {
            change.change_body(STATE, change.body(STATE) & !SET);
            Ok(())
        })?)
    }

    /// A wait until the event is set, also if it is cleared again before the waiter has looked.
    pub fn set_wait(&self) -> Result<impl Wait<()> + '_> {
        let seen = self.begin_wait()?;
        Ok(PointWait::new(
            self.point(),
            ANY_REASON,
            move || self.was_set(seen).unwrap_or(true),
            move |announce| {
                let met = if announce { self.was_set_or_announce(seen) } else { self.was_set(seen) };
                Ok(met?.then_some(()))
            },
        ))
    }

    /// To be asked when a wait begins.
    pub fn begin_wait(&self) -> Result<Seen> {
        Ok(Seen(self.state()? / ONCE))
    }

    /// Whether it is set, or was since the wait began: one load.
    #[inline(always)]
    pub fn was_set(&self, seen: Seen) -> Result<bool> {
        Ok(seen.is_met_by(self.state()?))
    }

    /// The same for a waiter that is about to sleep at the wait point: if not, the next
    /// [`Self::set`] will wake it.
    pub fn was_set_or_announce(&self, seen: Seen) -> Result<bool> {
        Ok(self.handle.participant().change(self.handle.variable(), |change| {
            let state = change.body(STATE);
            if seen.is_met_by(state) {
                return Ok(true);
            }
            if state & ANNOUNCED == 0 {
                change.change_body(STATE, state | ANNOUNCED);
            }
            Ok(false)
        })?)
    }
}
