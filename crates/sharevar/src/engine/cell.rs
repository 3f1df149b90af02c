//! One value.

use super::content::Content;
use super::handle::Handle;
use super::stamp::Stamp;
use crate::error::Result;
use sharevar_value::Encoded;
use std::fmt::Debug;

/// The operations of an engine on single values. Each method is one operation for all processes.
pub trait Cell: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns the value; `None` if it was never set.
    fn get(&self) -> Result<Option<Content>>;

    /// Returns the value, and the state at that moment or before.
    fn get_stamped(&self) -> Result<(Option<Content>, Stamp)>;

    /// Sets the value.
    fn set(&self, value: &Encoded) -> Result<()>;

    /// Sets the value if it was not changed since `stamp`. Returns whether it did.
    fn set_if_unchanged(&self, value: &Encoded, stamp: Stamp) -> Result<bool>;

    /// Adds `by` to an integer. Returns the sum.
    ///
    /// # Errors
    /// [`NotANumber`](crate::Error::NotANumber) if it is none, or the sum has more than 62 bits.
    fn increment(&self, by: i64) -> Result<i64>;
}
