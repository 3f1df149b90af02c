//! Units to take and give back.

use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on semaphores.
pub trait Units: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Takes a unit, if one is free. Returns whether it has.
    fn try_acquire(&self) -> Result<bool>;

    /// Returns a wait until a unit is taken.
    fn acquire_wait(&self) -> Box<dyn Wait<()> + '_>;

    /// Gives so many units back, whichever process took them, all in one step.
    ///
    /// # Errors
    /// [`TooManyUnits`](crate::Error::TooManyUnits) if more would be free than may be; nothing has
    /// changed then.
    fn release(&self, units: u32) -> Result<()>;

    /// Returns the number of free units.
    fn available(&self) -> Result<u32>;

    /// Returns the most units that may be free, if the semaphore was made with a bound.
    fn bound(&self) -> Result<Option<u32>>;

    /// Returns the number of units that this process holds; `None` if no holders are counted.
    fn held(&self) -> Result<Option<u64>>;
}
