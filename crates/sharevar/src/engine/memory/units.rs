//! Units to take and give back.

use super::variable::Variable;
use crate::engine::handle::Handle;
use crate::engine::units::Units;
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use crate::shm::RawSemaphore;

/// A semaphore.
#[derive(Debug)]
pub(super) struct UnitsBody {
    free: u32,
    bound: u32,
    /// The units that this process holds; `None` of a signal, which keeps no holders.
    held: Option<u64>,
    /// Whether it never becomes a signal.
    is_settled: bool,
}

impl UnitsBody {
    pub(super) fn new(units: u32, bound: Option<u32>, owned: Option<bool>) -> Result<Self> {
        let bound = bound.unwrap_or(RawSemaphore::MAX_UNITS);
        if units > bound || bound > RawSemaphore::MAX_UNITS {
            return Err(Error::TooManyUnits { limit: bound.min(RawSemaphore::MAX_UNITS) });
        }
        let held = (owned != Some(false)).then_some(0);
        Ok(Self { free: units, bound, held, is_settled: owned == Some(true) })
    }

    fn take(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= u32::from(is_free);
        self.held = self.held.map(|held| held + u64::from(is_free));
        is_free
    }

    fn give_back(&mut self, units: u32) -> Result<()> {
        let free = self.free.checked_add(units).filter(|free| *free <= self.bound);
        self.free = free.ok_or(Error::TooManyUnits { limit: self.bound })?;
        self.held = match self.held.map(|held| held.checked_sub(units.into())) {
            Some(None) if self.is_settled => Some(0),
            // What nobody had acquired.
            Some(None) | None => None,
            Some(left) => left,
        };
        Ok(())
    }
}

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
