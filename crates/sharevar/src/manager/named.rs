//! Variables by name: get it, or make it if there is none.
//!
//! An arena's root is a dict from names to variables; the Python module uses it in the same way.

use crate::engine::{Handle, Names};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::shared::Shared;

/// A name, and what can stand under it. See [`Manager::named`].
///
/// Of any number of processes that ask at once, one makes the variable and all get it. A name
/// that stands for a variable of another kind is [`WrongKind`](Error::WrongKind). A variable has no
/// types of its own, since Python puts in what it likes; but if the first item of what is found is not
/// of the types that are asked for, that is [`WrongTypes`](Error::WrongTypes).
///
/// ```
/// use sharevar::Error;
///
/// let manager = sharevar::Manager::new()?;
/// manager.named("stock").dict::<String, i64>()?.insert("apples", &3)?;
/// let other = manager.named("stock").dict::<u64, i64>();
/// assert!(matches!(other, Err(Error::WrongTypes { .. })));
/// # Ok::<(), Error>(())
/// ```
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
        self.manager.directory().find(self.name)
    }

    /// Takes the name away. The variable lives on for those that hold it. Whether there was one.
    pub fn remove(&self) -> Result<bool> {
        self.manager.directory().remove(self.name)
    }

    /// The manager that is asked.
    pub(crate) fn manager(&self) -> &'a Manager {
        self.manager
    }

    pub(crate) fn get_or_make<S: Shared>(&self, create: impl FnOnce() -> Result<S>) -> Result<S> {
        named_in(self.manager.directory(), self.name, create)
    }

    /// As [`Self::get_or_make`], for a variable with items: `first` reads the first one, if there is one.
    pub(crate) fn get_or_make_typed<S: Shared, T>(
        &self,
        create: impl FnOnce() -> Result<S>,
        first: impl FnOnce(&S) -> Result<T>,
    ) -> Result<S> {
        let variable = self.get_or_make(create)?;
        match first(&variable) {
            Err(Error::Decode(cause)) if cause.is_of_type() => {
                Err(Error::WrongTypes { name: self.name.to_owned(), cause })
            }
            // Whatever else keeps the item from being read, as a writer's death does where this process may
            // not repair, the first operation says.
            _ => Ok(variable),
        }
    }
}

/// Returns the variable of a name, which `create` makes if there is none.
pub(crate) fn named_in<S: Shared>(
    names: &dyn Names,
    name: &str,
    create: impl FnOnce() -> Result<S>,
) -> Result<S> {
    let found = match names.find(name)? {
        Some(found) => found,
        // It is complete before another process can find it.
        None => names.enter(name, &create()?.handle())?,
    };
    S::from_handle(found)
}
