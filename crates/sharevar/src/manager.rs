//! The manager: one arena, as this process sees it.

use crate::array::{Array, Element};
use crate::attached;
use crate::barrier::Barrier;
use crate::condition::Condition;
use crate::dict::Dict;
use crate::error::Result;
use crate::event::Event;
use crate::handle::Handle;
use crate::list::List;
use crate::lock::Lock;
use crate::monitor::{Fields, Monitor};
use crate::named::Named;
use crate::namespace::Namespace;
use crate::queue::Queue;
use crate::recursive_lock::RLock;
use crate::rwlock::RwLock;
use crate::semaphore::Semaphore;
use crate::set::Set;
use crate::shared::Shared;
use crate::shm::{KINDS, RawDict};
use crate::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_arena::{Participant, Report};
use std::fmt;
use std::os::fd::OwnedFd;
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
    participant: Arc<Participant>,
    /// The dict of the named variables, which lives as long as the arena.
    root: RawDict,
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

    /// Makes the manager.
    pub fn build(self) -> Result<Manager> {
        let participant = Participant::create_arena(self.capacity, KINDS)?;
        let root = RawDict::create(&participant)?;
        // Nobody else knows of the arena yet.
        participant.set_root(root.handle().variable())?;
        Manager::remembered(participant, root)
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
    /// assert_eq!(manager.capacity(), 64 << 20);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Attaches to the manager whose arena `descriptor` leads to: one that came over a socket,
    /// for example. A child takes [`Manager::inherited`].
    pub fn attach(descriptor: OwnedFd) -> Result<Self> {
        let participant = Participant::attach(descriptor, KINDS)?;
        let root = participant.variable_at(participant.root())?;
        let root = RawDict::from_handle(Handle::open(&participant, root)?)?;
        Self::remembered(participant, root)
    }

    fn remembered(participant: Arc<Participant>, root: RawDict) -> Result<Self> {
        attached::remember(&participant)?;
        Ok(Self { inner: Arc::new(Inner { participant, root }) })
    }

    /// A duplicate of the arena's descriptor, to be handed to another process.
    pub fn descriptor(&self) -> Result<OwnedFd> {
        Ok(self.inner.participant.descriptor()?)
    }

    /// The identity that no other manager has.
    pub fn id(&self) -> u128 {
        attached::identity(&self.inner.participant)
    }

    /// An empty dict.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        Dict::create(&self.inner.participant)
    }

    /// An empty list.
    pub fn list<T: Serialize + DeserializeOwned>(&self) -> Result<List<T>> {
        List::create(&self.inner.participant)
    }

    /// An empty set.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        Set::create(&self.inner.participant)
    }

    /// A namespace without attributes.
    pub fn namespace(&self) -> Result<Namespace> {
        Namespace::create(&self.inner.participant)
    }

    /// One value.
    #[allow(clippy::needless_pass_by_value)] // `manager.value(0)` reads better than with a reference.
    pub fn value<T: Serialize + DeserializeOwned>(&self, initial: T) -> Result<Value<T>> {
        Value::create(&self.inner.participant, &initial)
    }

    /// An array of `length` zeros.
    pub fn array<T: Element>(&self, length: usize) -> Result<Array<T>> {
        Array::create(&self.inner.participant, length)
    }

    /// A free lock.
    pub fn lock(&self) -> Result<Lock> {
        Lock::create(&self.inner.participant, None)
    }

    /// A lock that is always given to the next one when its holder ends, or never (`owned` is
    /// false): a signal.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let ready = manager.settled_lock(false)?;
    /// std::mem::forget(ready.lock()?); // taken here, given back by another process
    /// ready.release()?;
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn settled_lock(&self, owned: bool) -> Result<Lock> {
        Lock::create(&self.inner.participant, Some(owned))
    }

    /// A free recursive lock.
    pub fn rlock(&self) -> Result<RLock> {
        RLock::create(&self.inner.participant)
    }

    /// A readers-writer lock that is free.
    pub fn rwlock(&self) -> Result<RwLock> {
        RwLock::create(&self.inner.participant)
    }

    /// A semaphore with so many free units.
    pub fn semaphore(&self, units: u32) -> Result<Semaphore> {
        Semaphore::create(&self.inner.participant, units, None, None)
    }

    /// A semaphore that never has more free units than these: to release what was not acquired
    /// is [`TooManyUnits`](crate::Error::TooManyUnits).
    pub fn bounded_semaphore(&self, units: u32) -> Result<Semaphore> {
        Semaphore::create(&self.inner.participant, units, Some(units), None)
    }

    /// A semaphore whose units are given back for processes that are killed, whoever releases
    /// them, or never (`owned` is false).
    pub fn settled_semaphore(&self, units: u32, owned: bool) -> Result<Semaphore> {
        Semaphore::create(&self.inner.participant, units, None, Some(owned))
    }

    /// An event that is not set.
    pub fn event(&self) -> Result<Event> {
        Event::create(&self.inner.participant)
    }

    /// An empty queue.
    pub fn queue<T: Serialize + DeserializeOwned>(&self) -> Result<Queue<T>> {
        Queue::create(&self.inner.participant, 0)
    }

    /// An empty queue of at most `limit` items at a time; 0 is no limit.
    pub fn bounded_queue<T: Serialize + DeserializeOwned>(&self, limit: usize) -> Result<Queue<T>> {
        Queue::create(&self.inner.participant, limit)
    }

    /// A condition with a lock of its own.
    pub fn condition(&self) -> Result<Condition> {
        self.condition_of(&self.lock()?)
    }

    /// A condition for those who hold `lock`, a [`Lock`] or an [`RLock`] of this manager, which may
    /// have several.
    pub fn condition_of(&self, lock: &impl Shared) -> Result<Condition> {
        Condition::create(&self.inner.participant, lock.handle())
    }

    /// A barrier for `parties` threads, of any processes. None at all count as one.
    pub fn barrier(&self, parties: usize) -> Result<Barrier> {
        Barrier::create(&self.inner.participant, parties)
    }

    /// A monitor with these fields.
    #[allow(clippy::needless_pass_by_value)] // As `value`.
    pub fn monitor<T: Fields>(&self, state: T) -> Result<Monitor<T>> {
        Monitor::create(&self.inner.participant, &state)
    }

    /// Variables that every process finds by name: made by whoever asks first.
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
        let items = self.inner.root.items(false)?;
        items.iter().map(|item| Ok(sharevar_value::from_bytes(&item.key)?)).collect()
    }

    /// Ends the manager for every process: from now on all operations fail.
    ///
    /// Without it the variables live until the last process that has the manager ends.
    pub fn shutdown(&self) {
        self.inner.participant.close();
    }

    /// Whether somebody has shut the manager down.
    pub fn is_shut_down(&self) -> bool {
        self.inner.participant.is_closed()
    }

    /// Looks at the whole arena for contradictions and leaks. For tests and `sharevar check`;
    /// it is exact only while nobody changes anything.
    pub fn check(&self) -> Result<Report> {
        self.inner.participant.drain_dropped()?;
        Ok(self.inner.participant.check())
    }

    /// Repairs what dead processes left behind, which otherwise is done by whoever meets it.
    /// How many interrupted operations were found.
    pub fn sweep(&self) -> Result<u64> {
        Ok(self.inner.participant.sweep()?)
    }

    /// Bytes of memory that are or once were in use by variables.
    pub fn used(&self) -> u64 {
        self.inner.participant.used()
    }

    /// Bytes of memory that variables may come to use.
    pub fn capacity(&self) -> u64 {
        self.inner.participant.capacity()
    }

    /// This process as a participant of the arena, for the layers beside this one.
    pub fn participant(&self) -> &Arc<Participant> {
        &self.inner.participant
    }

    pub(crate) fn root(&self) -> &RawDict {
        &self.inner.root
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({:032x})", self.id())
    }
}
