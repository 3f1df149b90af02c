//! Units to take and give back. Those of a client come back when its lease ends.

use super::state::State;
use super::variable::Variable;
use crate::engine::handle::Handle;
use crate::engine::units::Units;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::shm::RawSemaphore;

impl Variable {
    fn take_unit(&self, state: &mut State) -> Result<bool> {
        let client = state.client;
        Ok(state.units(self.number)?.take(client))
    }
}

impl Units for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_acquire(&self) -> Result<bool> {
        self.ask(|state| self.take_unit(state))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<()> + '_> {
        self.wait_for(|state, _| Ok(self.take_unit(state)?.then_some(())))
    }

    fn release(&self, units: u32) -> Result<()> {
        self.change(|state| {
            let client = state.client;
            state.units(self.number)?.give_back(client, units)
        })
    }

    fn available(&self) -> Result<u32> {
        self.ask(|state| Ok(state.units(self.number)?.free))
    }

    fn bound(&self) -> Result<Option<u32>> {
        let bound = self.ask(|state| Ok(state.units(self.number)?.bound))?;
        Ok(Some(bound).filter(|bound| *bound < RawSemaphore::MAX_UNITS))
    }

    fn held(&self) -> Result<Option<u64>> {
        self.ask(|state| {
            let client = state.client;
            Ok(state.units(self.number)?.held(client))
        })
    }
}
