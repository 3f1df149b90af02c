//! Where a number of threads wait for each other.

use super::bodies::Arrival;
use super::state::State;
use super::variable::Variable;
use crate::engine::barrier::{Arrived, Barrier, Outcome, Running};
use crate::engine::content::Content;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;
use std::time::Duration;

/// One that has arrived and waits.
struct OutcomeWait<'a> {
    variable: &'a Variable,
    number: u64,
    is_decided: bool,
    wait: Box<dyn Wait<Outcome> + 'a>,
}

impl Wait<Outcome> for OutcomeWait<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<Outcome>> {
        let outcome = self.wait.attempt(announce)?;
        self.is_decided |= outcome.is_some();
        Ok(outcome)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }

    fn withdraw(&mut self) -> Result<Option<Outcome>> {
        let outcome = self.variable.change(|state| {
            let barrier = state.barrier(self.variable.number)?;
            if !barrier.decided.contains_key(&self.number) && !barrier.is_running {
                barrier.break_it();
            }
            Ok(barrier.decided.remove(&self.number))
        })?;
        self.is_decided |= outcome.is_some();
        Ok(outcome)
    }
}

impl Drop for OutcomeWait<'_> {
    fn drop(&mut self) {
        if !self.is_decided {
            // It fails when the engine is closed, and then no thread waits any more.
            let _ = self.variable.change(|state| {
                state.barrier(self.variable.number)?.leave(self.number);
                Ok(())
            });
        }
    }
}

impl Variable {
    fn arrive(&self, state: &mut State) -> Result<Option<Arrival>> {
        let client = state.client;
        Ok(state.barrier(self.number)?.try_arrive(client))
    }

    /// An arrival of which the client has learnt.
    fn arrived(&self, arrival: Arrival) -> Arrived<'_> {
        match arrival {
            Arrival::Over(outcome) => Arrived::Over(outcome),
            Arrival::Wait(number) => {
                let wait =
                    self.wait_for(move |state, _| Ok(state.barrier(self.number)?.decided.remove(&number)));
                Arrived::Wait(Box::new(OutcomeWait { variable: self, number, is_decided: false, wait }))
            }
            Arrival::Run(number) => {
                Arrived::Run(Box::new(Running::until(move |well| self.end_action(number, well))))
            }
        }
    }

    fn end_action(&self, number: u64, well: bool) -> Result<Outcome> {
        self.change(|state| {
            let barrier = state.barrier(self.number)?;
            // It may have been broken or reset meanwhile.
            if barrier.arrived.contains_key(&number) {
                if well {
                    barrier.decide(Outcome::Released);
                } else {
                    barrier.break_it();
                }
            }
            Ok(barrier.decided.remove(&number).unwrap_or(Outcome::Broken))
        })
    }
}

impl Barrier for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn parties(&self) -> Result<u64> {
        self.ask(|state| Ok(state.barrier(self.number)?.parties))
    }

    fn limit(&self) -> Result<Option<f64>> {
        self.ask(|state| Ok(state.barrier(self.number)?.limit))
    }

    fn action(&self) -> Result<Content> {
        self.ask(|state| {
            let action = state.barrier(self.number)?.action.clone();
            self.content(state, action)
        })
    }

    fn waiting(&self) -> Result<u64> {
        self.ask(|state| Ok(state.barrier(self.number)?.arrived.len() as u64))
    }

    fn is_broken(&self) -> Result<bool> {
        self.ask(|state| Ok(state.barrier(self.number)?.is_broken))
    }

    fn try_arrive(&self) -> Result<Option<Arrived<'_>>> {
        let arrival = self.change(|state| self.arrive(state))?;
        Ok(arrival.map(|arrival| self.arrived(arrival)))
    }

    fn arrive_wait(&self) -> Box<dyn Wait<Arrived<'_>> + '_> {
        self.wait_then(|state, _| self.arrive(state), |arrival| self.arrived(arrival))
    }

    fn abort(&self) -> Result<()> {
        self.change(|state| {
            state.barrier(self.number)?.break_it();
            Ok(())
        })
    }

    fn reset(&self) -> Result<()> {
        self.change(|state| {
            let barrier = state.barrier(self.number)?;
            barrier.decide(|_| Outcome::Broken);
            barrier.is_broken = false;
            Ok(())
        })
    }
}
