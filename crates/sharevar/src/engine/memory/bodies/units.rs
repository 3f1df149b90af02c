//! A semaphore, and its counts.

use crate::error::{Error, Result};
use crate::shm::RawSemaphore;

/// A semaphore.
#[derive(Debug)]
pub(crate) struct UnitsBody {
    pub(crate) free: u32,
    pub(crate) bound: u32,
    /// The units that this process holds; `None` of a signal, which keeps no holders.
    pub(crate) held: Option<u64>,
    /// Whether it never becomes a signal.
    pub(crate) is_settled: bool,
}

impl UnitsBody {
    pub(crate) fn new(units: u32, bound: Option<u32>, owned: Option<bool>) -> Result<Self> {
        let bound = bound.unwrap_or(RawSemaphore::MAX_UNITS);
        if units > bound || bound > RawSemaphore::MAX_UNITS {
            return Err(Error::TooManyUnits { limit: bound.min(RawSemaphore::MAX_UNITS) });
        }
        let held = (owned != Some(false)).then_some(0);
        Ok(Self { free: units, bound, held, is_settled: owned == Some(true) })
    }

    pub(crate) fn take(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= u32::from(is_free);
        self.held = self.held.map(|held| held + u64::from(is_free));
        is_free
    }

    pub(crate) fn give_back(&mut self, units: u32) -> Result<()> {
        let free = self.free.checked_add(units).filter(|free| *free <= self.bound);
        self.free = free.ok_or(Error::TooManyUnits { limit: self.bound })?;
        self.held = match self.held.map(|held| held.checked_sub(units.into())) {
            Some(None) if self.is_settled => Some(0),
            // Units that no process had acquired.
            Some(None) | None => None,
            Some(left) => left,
        };
        Ok(())
    }
}
