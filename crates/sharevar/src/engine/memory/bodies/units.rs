//! A semaphore, and its holders.

use crate::error::{Error, Result};
use crate::shm::RawSemaphore;
use std::collections::BTreeMap;

/// A semaphore.
#[derive(Debug)]
pub(crate) struct UnitsBody {
    pub(crate) free: u32,
    pub(crate) bound: u32,
    /// The units that each client holds; `None` of a signal, which keeps no holders.
    held: Option<BTreeMap<u64, u32>>,
    /// Whether it never becomes a signal.
    is_settled: bool,
}

impl UnitsBody {
    pub(crate) fn new(units: u32, bound: Option<u32>, owned: Option<bool>) -> Result<Self> {
        let bound = bound.unwrap_or(RawSemaphore::MAX_UNITS);
        if units > bound || bound > RawSemaphore::MAX_UNITS {
            return Err(Error::TooManyUnits { limit: bound.min(RawSemaphore::MAX_UNITS) });
        }
        let held = (owned != Some(false)).then(BTreeMap::new);
        Ok(Self { free: units, bound, held, is_settled: owned == Some(true) })
    }

    /// The units of a client; `None` of a signal.
    pub(crate) fn held(&self, client: u64) -> Option<u64> {
        self.held.as_ref().map(|held| held.get(&client).copied().unwrap_or(0).into())
    }

    pub(crate) fn take(&mut self, client: u64) -> bool {
        if self.free == 0 {
            return false;
        }
        self.free -= 1;
        if let Some(held) = &mut self.held {
            *held.entry(client).or_default() += 1;
        }
        true
    }

    /// Gives units back, first those of the client itself.
    pub(crate) fn give_back(&mut self, client: u64, units: u32) -> Result<()> {
        let free = self.free.checked_add(units).filter(|free| *free <= self.bound);
        self.free = free.ok_or(Error::TooManyUnits { limit: self.bound })?;
        let Some(held) = &mut self.held else { return Ok(()) };
        let mut left = units;
        let others = held.keys().copied().filter(|other| *other != client);
        for holder in std::iter::once(client).chain(others).collect::<Vec<_>>() {
            let Some(count) = held.get_mut(&holder) else { continue };
            let given = left.min(*count);
            (left, *count) = (left - given, *count - given);
            if *count == 0 {
                held.remove(&holder);
            }
        }
        if left > 0 && !self.is_settled {
            // Units that no client had acquired.
            self.held = None;
        }
        Ok(())
    }

    /// The lease of a client has ended.
    pub(crate) fn end(&mut self, client: u64) {
        // They were taken out of the free ones, and a release that makes room for more has taken them along.
        self.free += self.held.as_mut().and_then(|held| held.remove(&client)).unwrap_or(0);
    }
}
