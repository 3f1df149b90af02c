//! A flag that is waited for.

use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on events.
pub trait Event: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns whether the event is set.
    fn is_set(&self) -> Result<bool>;

    /// Sets the event. All waits end, also if it is cleared before their threads have looked.
    fn set(&self) -> Result<()>;

    /// Takes the flag away.
    fn clear(&self) -> Result<()>;

    /// Returns a wait, which begins with this call, until the event is set.
    fn set_wait(&self) -> Result<Box<dyn Wait<()> + '_>>;
}
