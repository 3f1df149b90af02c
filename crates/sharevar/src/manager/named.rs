//! Variables by name: get it, or make it if there is none.
//!
//! The arena's root is a dict from names to variables; the Python module uses it in the same way.

use crate::engine::Handle;
use crate::error::Result;
use crate::manager::Manager;
use crate::manager::shared::Shared;
use crate::shm::{RawDict, enter_named, find_named};
use sharevar_value::Key;

/// A name, and what can stand under it. See [`Manager::named`].
///
/// Of any number of processes that ask at once, one makes the variable and all get it. A name
/// that stands for a variable of another kind is
/// [`WrongKind`](sharevar_arena::Error::WrongKind).
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Named<'a> {
    manager: &'a Manager,
    name: &'a str,
}

impl<'a> Named<'a> {
    pub(crate) fn new(manager: &'a Manager, name: &'a str) -> Self {
        Self { manager, name }
    }

    /// The variable of that name, whatever it is, if there is one.
    pub fn get(&self) -> Result<Option<Handle>> {
        Ok(find_named(self.manager.root(), &self.key()?)?.map(Handle::Shm))
    }

    /// Takes the name away. The variable lives on for those who hold it. Whether there was one.
    pub fn remove(&self) -> Result<bool> {
        Ok(self.manager.root().remove(&self.key()?)?.is_some())
    }

    /// The manager that is asked.
    pub(crate) fn manager(&self) -> &'a Manager {
        self.manager
    }

    fn key(&self) -> Result<Key> {
        Ok(Key::from_str(self.name, self.manager.root().seed())?)
    }

    pub(crate) fn get_or_make<S: Shared>(&self, create: impl FnOnce() -> Result<S>) -> Result<S> {
        named_in(self.manager.root(), self.name, create)
    }
}

/// Returns the variable of a name in an arena's root, which `create` makes if there is none.
pub(crate) fn named_in<S: Shared>(
    root: &RawDict,
    name: &str,
    create: impl FnOnce() -> Result<S>,
) -> Result<S> {
    let name = Key::from_str(name, root.seed())?;
    let found = match find_named(root, &name)? {
        Some(found) => found,
        // It is complete before another process can find it.
        None => enter_named(root, &name, &create()?.handle().into_shm()?)?,
    };
    S::from_handle(found.into())
}
