//! The manager: one home of variables, as this process sees it.

pub(crate) mod attached;
pub(crate) mod connect;
mod family;
pub(crate) mod info;
pub(crate) mod lock_info;
pub(crate) mod named;
pub(crate) mod open;
pub(crate) mod shared;
pub(crate) mod shown;
pub(crate) mod unnamed;
pub(crate) mod variable_id;

use crate::engine::{Backed, Home, Names};
use crate::error::{Error, Result};
use crate::manager::named::{Named, is_reserved};
use crate::manager::open::NamedBuilder;
use crate::shm::{KINDS, RawDict, create_root, open_root, save_dump};
use sharevar_arena::{Participant, Report};
use sharevar_rendezvous::Lifetime;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// Makes shared variables. Clones are the same manager.
///
/// There is no server process: the variables are memory that every process maps, and the
/// memory is given back when the last of these processes ends, however it ends.
///
/// ```
/// use sharevar::Manager;
///
/// let manager = Manager::new()?;
/// let stock = manager.dict::<String, i64>()?;
/// stock.insert("apples", &3)?;
/// assert_eq!(stock.increment("apples", 2)?, 5);
/// # Ok::<(), sharevar::Error>(())
/// ```
#[derive(Clone)]
pub struct Manager {
    inner: Arc<Inner>,
}

struct Inner {
    home: Home,
    /// The variables that have names: in shared memory a dict that lives as long as the arena.
    names: Backed<RawDict, dyn Names>,
    /// By which any process of the user finds it.
    name: Option<String>,
}

/// Settings of a new manager. See [`Manager::builder`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    capacity: Option<u64>,
}

impl Builder {
    /// The most memory that the variables may come to take, in bytes. It is a limit and no
    /// allocation. Without it, half of what this process may use, or less where its limits of
    /// address space or file size say so: [`Manager::capacity`] tells. A capacity that was asked
    /// for and cannot be had is an error.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// The name by which any process of this user finds the manager. See [`Manager::open`].
    ///
    /// ```
    /// use sharevar::{Lifetime, Manager};
    ///
    /// // It stays when the last process ends, until it is removed or the machine is restarted.
    /// let shop = Manager::builder().name("doc-long").lifetime(Lifetime::Keep).build()?;
    /// assert_eq!(shop.name(), Some("doc-long"));
    /// Manager::remove("doc-long")?;
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn name(self, name: impl Into<String>) -> NamedBuilder {
        let (capacity, lifetime) = (self.capacity, Lifetime::WhileUsed);
        NamedBuilder { name: name.into(), capacity, lifetime, allow_pickle: false, load: None }
    }

    /// Makes the manager.
    pub fn build(self) -> Result<Manager> {
        let participant = Participant::create_arena(self.capacity, KINDS)?;
        let root = create_root(&participant)?;
        Manager::remembered(participant, root, None)
    }
}

impl Manager {
    /// A manager with the usual settings.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// A manager with settings of your own.
    ///
    /// ```
    /// let manager = sharevar::Manager::builder().capacity(64 << 20).build()?;
    /// assert_eq!(manager.capacity()?, 64 << 20);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Attaches to the manager whose arena `descriptor` leads to: one that came over a socket,
    /// for example. A child takes [`Manager::inherited`].
    pub fn attach(descriptor: OwnedFd) -> Result<Self> {
        let participant = Participant::attach(descriptor, KINDS)?;
        let root = open_root(&participant)?;
        Self::remembered(participant, root, None)
    }

    fn remembered(participant: Arc<Participant>, root: RawDict, name: Option<String>) -> Result<Self> {
        Self::of_home(Home::Shm(participant), Backed::Shm(root), name)
    }

    fn of_home(home: Home, names: Backed<RawDict, dyn Names>, name: Option<String>) -> Result<Self> {
        attached::remember(&home)?;
        Ok(Self { inner: Arc::new(Inner { home, names, name }) })
    }

    /// The name by which any process of the user finds the manager, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// Whether this process may only read the manager.
    pub fn is_read_only(&self) -> bool {
        matches!(&self.inner.home, Home::Shm(participant) if participant.is_read_only())
    }

    /// A duplicate of the arena's descriptor, to be handed to another process. A manager with a
    /// name has none: other processes [open](Manager::open) it.
    pub fn descriptor(&self) -> Result<OwnedFd> {
        Ok(self.participant()?.descriptor()?)
    }

    /// The identity that no other manager has.
    pub fn id(&self) -> u128 {
        self.inner.home.id()
    }

    /// Variables that every process finds by name; the first that asks for one makes it.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// manager.named("queue").list::<String>()?.push("first")?;
    /// assert_eq!(manager.named("queue").list::<String>()?.len()?, 1);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn named<'a>(&'a self, name: &'a str) -> Named<'a> {
        Named::new(self, name)
    }

    /// The names in use, in the order in which they were made.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = self.directory().all()?;
        names.retain(|name| !is_reserved(name));
        Ok(names)
    }

    /// Ends the manager for every process: from now on all operations fail.
    ///
    /// Without it the variables live until the last process that has the manager ends. A manager
    /// with a name belongs to no process: this leaves it as it is, and [`Manager::remove`] ends it.
    pub fn shutdown(&self) {
        if self.name().is_none() {
            self.inner.home.close();
        }
    }

    /// Whether a process has shut the manager down.
    pub fn is_shut_down(&self) -> bool {
        self.inner.home.is_closed()
    }

    /// Writes all variables that have names, and those in them, into a file, from which a manager
    /// [can be made](NamedBuilder::load). A reader of the path finds the old file or the whole new one.
    ///
    /// Others go on meanwhile: a writer waits while one piece is copied, of up to 1,024 entries of a dict or a
    /// queue, 16,384 items of a list, or 64 KiB of an array. Each value, and each variable that fits a
    /// piece, is of one moment. So is a queue, and any larger variable that does not change while it is
    /// read; of a dict that does, each key that stays is in the dump once. Different variables are of
    /// different moments. `docs/named-managers.md` has the rules of each kind.
    ///
    /// No process is in it: locks are free, semaphores have all their units, and there are no waiters.
    ///
    /// # Errors
    /// [`File`](Error::File), also for a path that leads to something else than a file;
    /// [`NotDumpable`](Error::NotDumpable) for a pickle that refers to a variable or a manager.
    pub fn dump(&self, path: impl AsRef<Path>) -> Result<()> {
        save_dump(self.root()?, path.as_ref())
    }

    /// Looks at the whole arena for contradictions and leaks. For tests, and after an
    /// error that tells of damage; it is exact only while no process changes anything.
    pub fn check(&self) -> Result<Report> {
        let participant = self.participant()?;
        participant.flush_releases()?;
        Ok(participant.check())
    }

    /// Repairs the remains of dead processes, as the next process that meets them would.
    /// How many interrupted operations were found.
    pub fn sweep(&self) -> Result<u64> {
        Ok(self.participant()?.sweep()?)
    }

    /// Bytes of memory that are or once were in use by variables.
    pub fn used(&self) -> Result<u64> {
        Ok(self.participant()?.used())
    }

    /// Bytes of memory that variables may come to use.
    pub fn capacity(&self) -> Result<u64> {
        Ok(self.participant()?.capacity())
    }

    /// Where the variables are.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// This process as a participant of the arena, for the layers beside this one.
    ///
    /// # Errors
    /// [`Unsupported`](Error::Unsupported) if the variables are in no shared memory.
    pub fn participant(&self) -> Result<&Arc<Participant>> {
        match &self.inner.home {
            Home::Shm(participant) => Ok(participant),
            Home::Other(_) => Err(self.unsupported()),
        }
    }

    /// The dict of the named variables in shared memory.
    pub(crate) fn root(&self) -> Result<&RawDict> {
        self.inner.names.shm().ok_or_else(|| self.unsupported())
    }

    #[cold]
    fn unsupported(&self) -> Error {
        Error::Unsupported { operation: "shared memory", engine: self.inner.home.engine_name() }
    }

    /// The names in use.
    pub(crate) fn directory(&self) -> &dyn Names {
        match &self.inner.names {
            Backed::Shm(root) => root,
            Backed::Other(names) => &**names,
        }
    }

    /// The variables that have names, for the layers beside this one.
    #[doc(hidden)]
    pub fn root_of_names(&self) -> &Backed<RawDict, dyn Names> {
        &self.inner.names
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({:032x})", self.id())
    }
}
