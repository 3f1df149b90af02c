//! The variables of a home that have names, and what the Python package keeps beside them.

use super::handle::Handle;
use crate::error::Result;
use std::fmt::Debug;

/// In front of the names of variables that the Python package keeps for itself.
pub const RESERVED: &str = "sharevar:";
/// The name of the dict in which the Python package notes the classes of the variables that have names, and
/// files and other objects that are no variables of the home.
pub const ENTRIES: &str = "sharevar:filled";
/// In front of the name of an object of ctypes: the name of its lock.
pub const LOCK_OF: &str = "sharevar:lock of ";

/// The operations of an engine on names. A named variable lives until its name is removed.
pub trait Names: Debug + Send + Sync {
    /// Returns the variable of a name, if there is one.
    fn find(&self, name: &str) -> Result<Option<Handle>>;

    /// Enters a complete variable under a name. Returns the one that is there, if another process was
    /// faster.
    fn enter(&self, name: &str, made: &Handle) -> Result<Handle>;

    /// Takes a name away. Returns whether it was there.
    fn remove(&self, name: &str) -> Result<bool>;

    /// Returns the names in use, in the order in which they were made, but for those of Python programs that
    /// are no Unicode text.
    fn all(&self) -> Result<Vec<String>>;
}
