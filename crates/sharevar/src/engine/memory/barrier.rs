//! Where a number of threads wait for each other.

use super::state::State;
use super::variable::Variable;
use crate::engine::barrier::{Arrived, Barrier, Outcome, Ticket};
use crate::engine::content::Content;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;
use sharevar_value::Encoded;
use std::collections::BTreeMap;
use std::time::Duration;

/// A barrier.
#[derive(Debug)]
pub(super) struct BarrierBody {
    parties: u64,
    limit: Option<f64>,
    /// The action; absent if there is none.
    pub(super) action: Encoded,
    is_broken: bool,
    /// All have arrived, and the last of them runs the action.
    is_running: bool,
    last: u64,
    /// Those of this generation that wait, by their numbers: their indices.
    arrived: BTreeMap<u64, u64>,
    /// What became of those of earlier ones that have not looked yet.
    decided: BTreeMap<u64, Outcome>,
}

impl BarrierBody {
    pub(super) fn new(parties: u64, action: Encoded, limit: Option<f64>) -> Self {
        let (arrived, decided) = (BTreeMap::new(), BTreeMap::new());
        Self { parties, limit, action, is_broken: false, is_running: false, last: 0, arrived, decided }
    }

    /// Lets all that wait go, by what became of each.
    fn decide(&mut self, outcome: impl Fn(u64) -> Outcome) {
        self.is_running = false;
        let decided = std::mem::take(&mut self.arrived).into_iter();
        self.decided.extend(decided.map(|(number, index)| (number, outcome(index))));
    }

    fn break_it(&mut self) {
        self.is_broken = true;
        self.decide(|_| Outcome::Broken);
    }

    fn try_arrive(&mut self) -> Option<Arrival> {
        if self.is_broken {
            return Some(Arrival::Over(Outcome::Broken));
        }
        if self.is_running {
            return None;
        }
        let index = self.arrived.len() as u64;
        let is_last = index + 1 >= self.parties;
        let has_action = !matches!(&self.action, Encoded::Word(word) if word.is_absent());
        if is_last && !has_action {
            self.decide(Outcome::Released);
            return Some(Arrival::Over(Outcome::Released(index)));
        }
        self.last += 1;
        self.arrived.insert(self.last, index);
        self.is_running = is_last;
        Some(if is_last { Arrival::Run(self.last) } else { Arrival::Wait(self.last) })
    }

    /// Takes one that has not been let go out, as if it had not arrived.
    fn leave(&mut self, number: u64) {
        self.decided.remove(&number);
        let Some(index) = self.arrived.remove(&number) else { return };
        // Indices have no gaps: the last to arrive gets its index.
        let last = self.arrived.len() as u64;
        if let Some(other) = self.arrived.values_mut().find(|other| **other == last) {
            *other = index;
        }
    }
}

enum Arrival {
    Over(Outcome),
    Wait(u64),
    Run(u64),
}

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
            // It fails when the engine is closed, and then nobody waits any more.
            let _ = self.variable.change(|state| {
                state.barrier(self.variable.number)?.leave(self.number);
                Ok(())
            });
        }
    }
}

/// The one that runs the action.
struct Runner<'a> {
    variable: &'a Variable,
    number: u64,
    has_ended: bool,
}

impl Runner<'_> {
    fn end(&mut self, well: bool) -> Result<Outcome> {
        self.has_ended = true;
        self.variable.change(|state| {
            let barrier = state.barrier(self.variable.number)?;
            // It may have been broken or reset meanwhile.
            if barrier.arrived.contains_key(&self.number) {
                if well {
                    barrier.decide(Outcome::Released);
                } else {
                    barrier.break_it();
                }
            }
            Ok(barrier.decided.remove(&self.number).unwrap_or(Outcome::Broken))
        })
    }
}

impl Ticket for Runner<'_> {
    fn finish(mut self: Box<Self>, well: bool) -> Result<Outcome> {
        self.end(well)
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            // As above.
            let _ = self.end(false);
        }
    }
}

impl Variable {
    fn arrive(&self, state: &mut State) -> Result<Option<Arrived<'_>>> {
        Ok(state.barrier(self.number)?.try_arrive().map(|arrival| match arrival {
            Arrival::Over(outcome) => Arrived::Over(outcome),
            Arrival::Wait(number) => {
                let wait =
                    self.wait_for(move |state, _| Ok(state.barrier(self.number)?.decided.remove(&number)));
                Arrived::Wait(Box::new(OutcomeWait { variable: self, number, is_decided: false, wait }))
            }
            Arrival::Run(number) => {
                Arrived::Run(Box::new(Runner { variable: self, number, has_ended: false }))
            }
        }))
    }
}

impl Barrier for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn parties(&self) -> Result<u64> {
        Ok(self.begin()?.barrier(self.number)?.parties)
    }

    fn limit(&self) -> Result<Option<f64>> {
        Ok(self.begin()?.barrier(self.number)?.limit)
    }

    fn action(&self) -> Result<Content> {
        let mut state = self.begin()?;
        let action = state.barrier(self.number)?.action.clone();
        self.content(&mut state, action)
    }

    fn waiting(&self) -> Result<u64> {
        Ok(self.begin()?.barrier(self.number)?.arrived.len() as u64)
    }

    fn is_broken(&self) -> Result<bool> {
        Ok(self.begin()?.barrier(self.number)?.is_broken)
    }

    fn try_arrive(&self) -> Result<Option<Arrived<'_>>> {
        self.change(|state| self.arrive(state))
    }

    fn arrive_wait(&self) -> Box<dyn Wait<Arrived<'_>> + '_> {
        self.wait_for(|state, _| self.arrive(state))
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
