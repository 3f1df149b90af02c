//! Managers that any process of the user finds by their names.

use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::shm::{KINDS, create_root, open_root};
use sharevar_rendezvous::{Creation, Error as RendezvousError, Lifetime, Name, NamedHeader, Place};

/// Settings of a manager with a name. See [`Builder::name`](crate::Builder::name).
#[derive(Debug, Clone)]
#[must_use]
pub struct NamedBuilder {
    pub(super) name: String,
    pub(super) capacity: Option<u64>,
    pub(super) lifetime: Lifetime,
}

/// A manager with a name, as [`Manager::find_all`] finds it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FoundManager {
    /// Its name.
    pub name: String,
    /// The identity that no other manager has.
    pub id: u128,
    /// How long it lives.
    pub lifetime: Lifetime,
    pub(super) header: NamedHeader,
}

impl NamedBuilder {
    /// The most memory that the variables may come to take, in bytes. See
    /// [`Builder::capacity`](crate::Builder::capacity). The process that makes the manager decides.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// How long the manager lives: [`Lifetime::WhileUsed`] without this. The process that makes the
    /// manager decides.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Opens the manager, or makes it if there is none. Of any number of processes that do this at
    /// once, one makes it and all get it.
    pub fn build(self) -> Result<Manager> {
        let creation = Creation { capacity: self.capacity, lifetime: self.lifetime, allow_pickle: false };
        self.open(Some(&creation))
    }

    /// Opens the manager if there is one.
    ///
    /// # Errors
    /// [`NoSuchManager`](RendezvousError::NoSuchManager), in [`Error::Rendezvous`].
    ///
    /// ```
    /// use sharevar::{Error, Manager, RendezvousError};
    ///
    /// let absent = Manager::builder().name("doc-absent").attach();
    /// assert!(matches!(absent, Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. }))));
    /// ```
    pub fn attach(self) -> Result<Manager> {
        self.open(None)
    }

    pub(super) fn open(self, creation: Option<&Creation>) -> Result<Manager> {
        let name = parse(&self.name)?;
        let opened =
            sharevar_rendezvous::open(&Place::of_this_user(), &name, creation, KINDS, |participant| {
                create_root(participant).map(drop)
            })?;
        let root = open_root(&opened.participant)?;
        Manager::remembered(opened.participant, root, Some(self.name))
    }
}

impl Manager {
    /// Opens the manager of that name on this machine, or makes it if there is none.
    ///
    /// Any process of the same user finds it, in Rust or Python, however it was started. It lives as
    /// long as some process has it, however the last one ends; [`Builder::name`](crate::Builder::name)
    /// has other settings. A name has 1 to 64 of the letters, digits and `_`, after the first also
    /// `.` and `-`.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let shop = Manager::open("doc-shop")?;
    /// let stock = shop.named("stock").dict::<String, i64>()?;
    /// stock.insert("apples", &3)?;
    ///
    /// // In any other process:
    /// let shop = Manager::builder().name("doc-shop").attach()?;
    /// let stock = shop.named("stock").dict::<String, i64>()?;
    /// assert_eq!(stock.get("apples")?, Some(3));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`RendezvousError`], in [`Error::Rendezvous`], and those of an arena that cannot be
    /// made.
    pub fn open(name: &str) -> Result<Self> {
        Self::builder().name(name).build()
    }

    /// Ends the manager of that name for all processes: their operations fail from now on, and the
    /// name is free. The memory goes with the last process that has it mapped.
    ///
    /// # Errors
    /// [`NoSuchManager`](RendezvousError::NoSuchManager) if there is none.
    ///
    /// ```
    /// use sharevar::{Error, Manager};
    ///
    /// let kept = Manager::builder().name("doc-kept").lifetime(sharevar::Lifetime::Keep).build()?;
    /// Manager::remove("doc-kept")?;
    /// assert_eq!(kept.dict::<String, i64>().err(), Some(Error::Closed));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn remove(name: &str) -> Result<()> {
        Ok(sharevar_rendezvous::remove(&Place::of_this_user(), &parse(name)?)?)
    }

    /// Returns the managers with names that processes of this user have, by name.
    pub fn find_all() -> Result<Vec<FoundManager>> {
        let found = sharevar_rendezvous::list()?;
        Ok(found
            .into_iter()
            .map(|header| FoundManager {
                name: header.name.as_str().to_owned(),
                id: crate::shm::handle::identity(header.id),
                lifetime: header.lifetime,
                header,
            })
            .collect())
    }
}

fn parse(text: &str) -> Result<Name> {
    let invalid = || Error::Rendezvous(RendezvousError::InvalidName { text: text.to_owned() });
    Name::new(text).ok_or_else(invalid)
}
