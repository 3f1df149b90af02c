//! Managers that any process of the user finds by their names.

use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::shm::{Dump, KINDS, create_root, open_root};
use sharevar_rendezvous::{Creation, Error as RendezvousError, Family, Lifetime, Name, NamedHeader, Place};
use std::path::PathBuf;

/// Settings of a manager with a name. See [`Builder::name`](crate::Builder::name).
#[derive(Debug, Clone)]
#[must_use]
pub struct NamedBuilder {
    pub(super) name: String,
    pub(super) capacity: Option<u64>,
    pub(super) lifetime: Lifetime,
    pub(super) allow_pickle: bool,
    pub(super) load: Option<PathBuf>,
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

/// Entries that a process which makes a manager looks at.
const SWEPT: usize = 64;

impl FoundManager {
    pub(super) fn of(header: &NamedHeader) -> Self {
        Self {
            name: header.name.as_str().to_owned(),
            id: crate::shm::handle::identity(header.id),
            lifetime: header.lifetime,
            header: *header,
        }
    }

    /// Whether it is that of a run: the family of `python -m sharevar` or `sharevar run`, which has
    /// a name at random.
    pub fn is_of_run(&self) -> bool {
        Family::gives(&self.name)
    }
}

impl NamedBuilder {
    /// The most memory that the variables may come to take, in bytes. See
    /// [`Builder::capacity`](crate::Builder::capacity). The process that makes the manager decides.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// How long the manager lives: [`Lifetime::WhileUsed`] without this. The process that makes the
    /// manager decides. One that asks for [`Lifetime::Keep`], and finds a manager that lives while it is
    /// used, fails with [`MadeWhileUsed`](RendezvousError::MadeWhileUsed).
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether Python processes may store values of no native type in it, as pickles: not without
    /// this. Each of them has to ask for it, too (`attach(name, pickle=True)`), since reading a pickle
    /// runs code that its writer has chosen. Rust never reads one. The process that makes the manager
    /// decides.
    pub fn allow_pickle(mut self, is_allowed: bool) -> Self {
        self.allow_pickle = is_allowed;
        self
    }

    /// Opens the manager, or makes it if there is none. Of any number of processes that do this at
    /// once, one makes it and all get it.
    pub fn build(self) -> Result<Manager> {
        let creation = self.creation();
        Ok(self.open(Some(&creation))?.0)
    }

    /// Makes the manager; `None` if there is one of that name, which stays as it is. Of any number of
    /// processes that do this at once, one makes it.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let made = Manager::builder().name("doc-new").build_new()?;
    /// assert!(made.is_some());
    /// assert!(Manager::builder().name("doc-new").build_new()?.is_none());
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn build_new(self) -> Result<Option<Manager>> {
        let creation = self.creation();
        match self.open(Some(&creation)) {
            Ok((manager, is_new)) => Ok(is_new.then_some(manager)),
            Err(Error::Rendezvous(RendezvousError::MadeWhileUsed { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn creation(&self) -> Creation {
        Creation { capacity: self.capacity, lifetime: self.lifetime, allow_pickle: self.allow_pickle }
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
        Ok(self.open(None)?.0)
    }

    /// Opens the manager for reading only, if there is one. The memory is mapped without the right to
    /// change it, so that whatever would change something, take a lock or wait is
    /// [`ReadOnly`](sharevar_arena::Error::ReadOnly).
    ///
    /// Without a lock a read starts again when the variable changes meanwhile. One that is changed all
    /// the time is [`Contended`](sharevar_arena::Error::Contended) after some hundred attempts. Without
    /// a reference nothing keeps a variable: one that the others have given up is
    /// [`HandleExpired`](sharevar_arena::Error::HandleExpired).
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let shop = Manager::open("doc-read-only")?;
    /// shop.named("stock").dict::<String, i64>()?.insert("apples", &3)?;
    ///
    /// let reading = Manager::builder().name("doc-read-only").attach_read_only()?;
    /// let stock = reading.named("stock").dict::<String, i64>()?;
    /// assert_eq!(stock.get("apples")?, Some(3));
    /// assert!(stock.insert("apples", &4).is_err());
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn attach_read_only(self) -> Result<Manager> {
        let name = parse(&self.name)?;
        let participant = sharevar_rendezvous::open_for_reading(&Place::of_this_user(), &name, KINDS)?;
        let root = open_root(&participant)?;
        Manager::remembered(participant, root, Some(self.name))
    }

    /// Has the manager, if there is none and it is made, begin with the variables of a dump
    /// ([`Manager::dump`]). Others find it when they all are there, and wait ten seconds for that. Where
    /// there is a manager, the file may be missing.
    ///
    /// # Errors
    /// The call that opens the manager has them: [`File`](Error::File), [`NotADump`](Error::NotADump), and
    /// [`PickleInDump`](Error::PickleInDump) if the dump has pickles and [`allow_pickle`](Self::allow_pickle)
    /// was not said. Python's entries of open files are pickles, too; these alone are left out then.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let file = std::env::temp_dir().join(format!("doc-{}.dump", std::process::id()));
    /// let shop = Manager::open("doc-dump")?;
    /// shop.named("stock").dict::<String, i64>()?.insert("apples", &3)?;
    /// shop.dump(&file)?;
    ///
    /// let copy = Manager::builder().name("doc-loaded").load(&file).build()?;
    /// assert_eq!(copy.named("stock").dict::<String, i64>()?.get("apples")?, Some(3));
    /// # std::fs::remove_file(file).unwrap();
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn load(mut self, path: impl Into<PathBuf>) -> Self {
        self.load = Some(path.into());
        self
    }

    /// The manager, and whether this call has made it.
    pub(super) fn open(self, creation: Option<&Creation>) -> Result<(Manager, bool)> {
        let name = parse(&self.name)?;
        let place = Place::of_this_user();
        let open = |creation, dump: Option<&Dump>| {
            sharevar_rendezvous::open(&place, &name, creation, KINDS, |participant| {
                let root = create_root(participant)?;
                dump.map_or(Ok(()), |dump| dump.restore(participant, &root))
            })
        };
        // Before others could wait for it.
        let opened = match self.load.as_deref().map(Dump::read).transpose() {
            Ok(dump) => open(creation, dump.as_ref())?,
            // A manager that is there needs no file.
            Err(unreadable) => match open(None, None) {
                Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. })) => return Err(unreadable),
                opened => opened?,
            },
        };
        if self.lifetime == Lifetime::Keep && opened.lifetime == Lifetime::WhileUsed {
            return Err(RendezvousError::MadeWhileUsed { name: self.name }.into());
        }
        let root = open_root(&opened.participant)?;
        if opened.is_new {
            // Names that no process uses again would keep their entries. One that cannot be removed
            // harms nothing.
            let _ = sharevar_rendezvous::sweep(&place, SWEPT);
        }
        Ok((Manager::remembered(opened.participant, root, Some(self.name))?, opened.is_new))
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

    /// Removes the files of names that have no manager any more, and returns how many there were. A
    /// process that ends without leaving its manager keeps no memory, but it leaves such a file.
    ///
    /// It need not be called: whichever process makes a manager with a name does this for some.
    ///
    /// ```
    /// let shop = sharevar::Manager::open("doc-swept")?;
    /// sharevar::Manager::sweep_names()?;
    /// assert!(sharevar::Manager::find_all()?.iter().any(|found| found.name == "doc-swept"));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn sweep_names() -> Result<usize> {
        Ok(sharevar_rendezvous::sweep(&Place::of_this_user(), usize::MAX)?)
    }

    /// Returns the managers with names that processes of this user have, by name.
    pub fn find_all() -> Result<Vec<FoundManager>> {
        Ok(sharevar_rendezvous::list()?.iter().map(FoundManager::of).collect())
    }
}

fn parse(text: &str) -> Result<Name> {
    let invalid = || Error::Rendezvous(RendezvousError::InvalidName { text: text.to_owned() });
    Name::new(text).ok_or_else(invalid)
}
