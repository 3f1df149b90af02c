//! Variables by name: get it, or make it if there is none.
//!
//! An arena's root is a dict from names to variables; the Python module uses it in the same way.

use crate::engine::{Backed, ENTRIES, Handle, LOCK_OF, Map, Names, RESERVED};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::manager::Manager;
use crate::manager::shared::Shared;
use crate::shm::RawDict;
use sharevar_value::Key;

/// A name, and what can stand under it. See [`Manager::named`].
///
/// Of any number of processes that ask at once, one makes the variable and all get it. A name
/// that stands for a variable of another kind is [`WrongKind`](Error::WrongKind). A variable has no
/// types of its own, since Python puts in what it likes; but if the first item of what is found is not
/// of the types that are asked for, that is [`WrongTypes`](Error::WrongTypes). Names that begin with
/// `sharevar:` are the Python package's own ([`ReservedName`](Error::ReservedName)).
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
        if is_reserved(self.name) { Ok(None) } else { self.manager.directory().find(self.name) }
    }

    /// Takes the name away. The variable lives on for those that hold it. Whether there was one.
    pub fn remove(&self) -> Result<bool> {
        if is_reserved(self.name) {
            Ok(false)
        } else {
            remove_with_notes(self.manager.directory(), self.name)
        }
    }

    /// The manager that is asked.
    pub(crate) fn manager(&self) -> &'a Manager {
        self.manager
    }

    pub(crate) fn get_or_make<S: Shared>(&self, create: impl FnOnce() -> Result<S>) -> Result<S> {
        if is_reserved(self.name) {
            return Err(Error::ReservedName { name: self.name.to_owned() });
        }
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

/// Whether the Python package keeps the variable of that name for itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}

/// Takes a name away, with what the Python package has noted of it. Returns whether there was something.
fn remove_with_notes(names: &dyn Names, name: &str) -> Result<bool> {
    // Before the name: without a name it would stand for nothing.
    let has_entry = match names.find(ENTRIES)? {
        Some(entries) => {
            let entries = Backed::<RawDict, dyn Map>::open(entries, Kind::Dict)?;
            entries.any().discard(&Key::from_str(name, entries.any().seed())?)?
        }
        None => false,
    };
    let had_name = names.remove(name)?;
    names.remove(&format!("{LOCK_OF}{name}"))?;
    Ok(had_name || has_entry)
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
