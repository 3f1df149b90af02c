//! The variables of a home that have names.

use super::handle::Handle;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on names. A named variable lives until its name is removed.
pub trait Names: Debug + Send + Sync {
    /// Returns the variable of a name, if there is one.
    fn find(&self, name: &str) -> Result<Option<Handle>>;

    /// Enters a complete variable under a name. Returns the one that is there, if another process was
    /// faster.
    fn enter(&self, name: &str, made: &Handle) -> Result<Handle>;

    /// Takes a name away. Returns whether it was there.
    fn remove(&self, name: &str) -> Result<bool>;

    /// Returns the names in use, in the order in which they were made.
    fn all(&self) -> Result<Vec<String>>;
}
