//! The waits at a barrier: to arrive, and for what becomes of an arrival.

use super::{Arrival, RawBarrier};
use crate::engine::barrier::Outcome;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::shm::locks::waiters::Entry;
use crate::shm::point_wait::PointWait;
use sharevar_arena::ANY_REASON;
use std::time::Duration;

impl RawBarrier {
    /// A wait until the caller has arrived, after [`Self::try_arrive`] has found an action running.
    pub fn arrive_wait(&self) -> impl Wait<Arrival> + '_ {
        // The end of the action wakes all, announced or not.
        PointWait::new(self.point(), ANY_REASON, || false, |_| self.try_arrive())
    }

    /// A wait until it is decided what becomes of an arrival, whose entry it gives back. At its
    /// deadline it breaks the barrier; unless all have arrived, and then the action decides, for
    /// which the caller goes on waiting. If the wait ends before all that, it has not arrived.
    pub fn outcome_wait(&self, entry: Entry) -> impl Wait<Outcome> + '_ {
        let look = move || self.is_over(&entry);
        let attempt = move |announce| self.attempt(&entry, announce);
        let wait = PointWait::new(self.point(), entry.reason, look, attempt);
        OutcomeWait { barrier: self, entry, is_decided: false, wait }
    }
}

struct OutcomeWait<'a, W> {
    barrier: &'a RawBarrier,
    entry: Entry,
    is_decided: bool,
    wait: W,
}

impl<W: Wait<Outcome>> Wait<Outcome> for OutcomeWait<'_, W> {
    fn is_ready(&self) -> bool {
        self.wait.is_ready()
    }

    fn attempt(&mut self, announce: bool) -> Result<Option<Outcome>> {
        let outcome = self.wait.attempt(announce)?;
        self.is_decided |= outcome.is_some();
        Ok(outcome)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }

    fn withdraw(&mut self) -> Result<Option<Outcome>> {
        let outcome = self.barrier.time_out(&self.entry)?;
        self.is_decided |= outcome.is_some();
        Ok(outcome)
    }
}

impl<W> Drop for OutcomeWait<'_, W> {
    fn drop(&mut self) {
        if !self.is_decided {
            // It fails if the arena is closed, and then no thread waits any more.
            let _ = self.barrier.leave(&self.entry);
        }
    }
}
