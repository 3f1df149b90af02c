//! Units to take and give back.

use super::variable::Variable;
use crate::engine::handle::Handle;
use crate::engine::units::Units;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::shm::RawSemaphore;

impl Units for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_acquire(&self) -> Result<bool> {
        Ok(self.begin()?.units(self.number)?.take())
    }

    fn acquire_wait(&self) -> Box<dyn Wait<()> + '_> {
        self.wait_for(|state, _| Ok(state.units(self.number)?.take().then_some(())))
    }

    fn release(&self, units: u32) -> Result<()> {
        self.change(|state| state.units(self.number)?.give_back(units))
    }

    fn available(&self) -> Result<u32> {
        Ok(self.begin()?.units(self.number)?.free)
    }

    fn bound(&self) -> Result<Option<u32>> {
        let bound = self.begin()?.units(self.number)?.bound;
        Ok(Some(bound).filter(|bound| *bound < RawSemaphore::MAX_UNITS))
    }

    fn held(&self) -> Result<Option<u64>> {
        Ok(self.begin()?.units(self.number)?.held)
    }
}
