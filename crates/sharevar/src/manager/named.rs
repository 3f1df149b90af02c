//! Variables by name: get it, or make it if there is none.
//!
//! The arena's root is a dict from names to variables; the Python module uses it in the same way.

use crate::error::Result;
use crate::manager::Manager;
use crate::manager::shared::Shared;
use crate::shm::Content;
use crate::shm::handle::Handle;
use sharevar_value::{Encoded, Key, Word};

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
        self.manager.root().get(&self.key()?)?.map(handle).transpose()
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
        if let Some(found) = self.get()? {
            return S::from_handle(found);
        }
        // Complete before anybody can find it. If somebody else is faster, it is let go again.
        let new = create()?;
        let word = Word::handle(new.handle().variable().header());
        let (found, _) = self.manager.root().get_or_insert(&self.key()?, &Encoded::Word(word))?;
        S::from_handle(handle(found)?)
    }
}

fn handle(found: Content) -> Result<Handle> {
    match found {
        Content::Handle(handle) => Ok(handle),
        Content::Word(_) | Content::Bytes(..) => {
            Err(sharevar_arena::Error::Corrupt { what: "a name stands for no variable", offset: 0 }.into())
        }
    }
}
