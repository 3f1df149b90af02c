//! The state that a host leaves to the host that is started when it dies.

use super::error::Result;
use std::fmt::Debug;

/// The state of a supervised host that outlives its process. All hosts in a row have the same.
pub trait SavedState: Debug + Send + Sync {
    /// Returns the address of the host before; `None` if there was none.
    fn address(&self) -> Result<Option<String>>;

    /// Returns the number that the object of this name had in the host before, if it was of this
    /// type: a proxy must not find another object by its number.
    fn number(&self, name: &str, typeid: &str) -> Result<Option<u64>>;

    /// Saves the number of a published object for the next host.
    fn remember(&self, name: &str, typeid: &str, number: u64) -> Result<()>;

    /// Notes that this process has served a call.
    fn note_call(&self);
}
