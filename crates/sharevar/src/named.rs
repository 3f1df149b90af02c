//! Variables by name: get it, or make it if there is none.
//!
//! The arena's root is a dict from names to variables; the Python module uses it in the same way.

use crate::array::{Array, Element};
use crate::barrier::Barrier;
use crate::condition::Condition;
use crate::dict::Dict;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::handle::Handle;
use crate::list::List;
use crate::lock::Lock;
use crate::manager::Manager;
use crate::monitor::{Fields, Monitor};
use crate::namespace::Namespace;
use crate::queue::Queue;
use crate::recursive_lock::RLock;
use crate::rwlock::RwLock;
use crate::semaphore::Semaphore;
use crate::set::Set;
use crate::shared::Shared;
use crate::shm::Content;
use crate::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
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

    /// The dict of that name.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        self.get_or_make(|| self.manager.dict())
    }

    /// The list of that name.
    pub fn list<T: Serialize + DeserializeOwned>(&self) -> Result<List<T>> {
        self.get_or_make(|| self.manager.list())
    }

    /// The set of that name.
    pub fn set<T: Serialize + DeserializeOwned>(&self) -> Result<Set<T>> {
        self.get_or_make(|| self.manager.set())
    }

    /// The namespace of that name.
    pub fn namespace(&self) -> Result<Namespace> {
        self.get_or_make(|| self.manager.namespace())
    }

    /// The value of that name; `initial` counts for whoever makes it.
    pub fn value<T: Serialize + DeserializeOwned>(&self, initial: T) -> Result<Value<T>> {
        self.get_or_make(|| self.manager.value(initial))
    }

    /// The array of that name. One of another length is [`Error::WrongLength`].
    pub fn array<T: Element>(&self, length: usize) -> Result<Array<T>> {
        let array = self.get_or_make(|| self.manager.array(length))?;
        if array.len() == length {
            return Ok(array);
        }
        Err(Error::WrongLength { found: array.len() as u64, asked: length as u64 })
    }

    /// The lock of that name.
    pub fn lock(&self) -> Result<Lock> {
        self.get_or_make(|| self.manager.lock())
    }

    /// The recursive lock of that name.
    pub fn rlock(&self) -> Result<RLock> {
        self.get_or_make(|| self.manager.rlock())
    }

    /// The readers-writer lock of that name.
    pub fn rwlock(&self) -> Result<RwLock> {
        self.get_or_make(|| self.manager.rwlock())
    }

    /// The semaphore of that name; `units` counts for whoever makes it.
    pub fn semaphore(&self, units: u32) -> Result<Semaphore> {
        self.get_or_make(|| self.manager.semaphore(units))
    }

    /// The bounded semaphore of that name; `units` counts for whoever makes it.
    pub fn bounded_semaphore(&self, units: u32) -> Result<Semaphore> {
        self.get_or_make(|| self.manager.bounded_semaphore(units))
    }

    /// The event of that name.
    pub fn event(&self) -> Result<Event> {
        self.get_or_make(|| self.manager.event())
    }

    /// The queue of that name.
    pub fn queue<T: Serialize + DeserializeOwned>(&self) -> Result<Queue<T>> {
        self.get_or_make(|| self.manager.queue())
    }

    /// The queue of that name; `limit` counts for whoever makes it.
    pub fn bounded_queue<T: Serialize + DeserializeOwned>(&self, limit: usize) -> Result<Queue<T>> {
        self.get_or_make(|| self.manager.bounded_queue(limit))
    }

    /// The condition of that name, with its lock.
    pub fn condition(&self) -> Result<Condition> {
        self.get_or_make(|| self.manager.condition())
    }

    /// The barrier of that name. One for another number of parties is [`Error::WrongLength`].
    pub fn barrier(&self, parties: usize) -> Result<Barrier> {
        let barrier = self.get_or_make(|| self.manager.barrier(parties))?;
        if barrier.parties() == parties.max(1) {
            return Ok(barrier);
        }
        Err(Error::WrongLength { found: barrier.parties() as u64, asked: parties as u64 })
    }

    /// The monitor of that name; `state` counts for whoever makes it.
    pub fn monitor<T: Fields>(&self, state: T) -> Result<Monitor<T>> {
        self.get_or_make(|| self.manager.monitor(state))
    }

    /// The variable of that name, whatever it is, if there is one.
    pub fn get(&self) -> Result<Option<Handle>> {
        self.manager.root().get(&self.key()?)?.map(handle).transpose()
    }

    /// Takes the name away. The variable lives on for those who hold it. Whether there was one.
    pub fn remove(&self) -> Result<bool> {
        Ok(self.manager.root().remove(&self.key()?)?.is_some())
    }

    fn key(&self) -> Result<Key> {
        Ok(Key::from_str(self.name, self.manager.root().seed())?)
    }

    fn get_or_make<S: Shared>(&self, create: impl FnOnce() -> Result<S>) -> Result<S> {
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
