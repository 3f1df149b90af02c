//! What a host leaves to the host that is started when it dies.

use super::error::Result;
use std::fmt::Debug;

/// The state of a supervised host that outlives its process. All hosts in a row have the same.
pub trait SavedState: Debug + Send + Sync {
    /// Where the host before has listened; none if there was none.
    fn address(&self) -> Result<Option<String>>;

    /// The number that the object of this name had in the host before, if it was of this type: a
    /// proxy must not find another under its number.
    fn number(&self, name: &str, typeid: &str) -> Result<Option<u64>>;

    /// Keeps the number of a published object for the next host.
    fn remember(&self, name: &str, typeid: &str, number: u64) -> Result<()>;

    /// Says that this process has served a call.
    fn note_call(&self);
}
