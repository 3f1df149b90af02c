//! The objects of a host, by number and by name, and their holders.

use super::references::References;
use sharevar_os::random_bytes;
use sharevar_transport::Session;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The holder of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    /// A client process.
    Client(Session),
    /// A name by which it is published.
    Name,
    /// The host's own process.
    Host,
}

/// Objects that were removed from a table. They are dropped once the table is not locked any more: an
/// object's destructor is the user's.
pub(super) type Removed<O> = Vec<Arc<O>>;

/// The objects of a host, each an `O`. It is kept under one lock, under which no code of the
/// user's runs.
pub struct Table<O: ?Sized> {
    objects: HashMap<u64, Arc<O>>,
    /// The numbers of all of them, by where they are: an object that is given twice has one.
    numbers: HashMap<usize, u64>,
    names: HashMap<String, u64>,
    references: References<Holder>,
}

impl<O: ?Sized> fmt::Debug for Table<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} objects)", self.objects.len())
    }
}

impl<O: ?Sized> Default for Table<O> {
    fn default() -> Self {
        Self {
            objects: HashMap::new(),
            numbers: HashMap::new(),
            names: HashMap::new(),
            references: References::new(),
        }
    }
}

impl<O: ?Sized> Table<O> {
    /// Adds a reference of `session` on an object, which may be a new one, and returns its number.
    pub(super) fn insert(&mut self, session: Session, object: Arc<O>) -> u64 {
        let number = self.number_of(object);
        self.references.retain(Holder::Client(session), number);
        number
    }

    /// Adds a new object of a new number, on which `session` has the first reference.
    pub fn insert_as(&mut self, number: u64, object: Arc<O>, session: Session) {
        self.keep(number, object);
        self.references.retain(Holder::Client(session), number);
    }

    /// Publishes an object of the table by a name, which keeps it in the place of the one before.
    /// Returns that one if it has gone with its name; `None` if there is no object of this number.
    pub fn publish(&mut self, name: &str, number: u64) -> Option<Removed<O>> {
        if !self.objects.contains_key(&number) {
            return None;
        }
        self.references.retain(Holder::Name, number);
        let replaced = self.remove(name).unwrap_or_default();
        self.names.insert(name.to_owned(), number);
        Some(replaced)
    }

    /// Publishes a new object by a name. Its number is `earlier`, the one in the host before this one,
    /// unless another object has that now.
    pub(super) fn publish_new(
        &mut self,
        name: &str,
        object: Arc<O>,
        earlier: Option<u64>,
    ) -> (u64, Removed<O>) {
        let earlier = earlier.filter(|number| !self.objects.contains_key(number));
        let number = earlier.unwrap_or_else(|| self.unused());
        self.keep(number, object);
        (number, self.publish(name, number).unwrap_or_default())
    }

    /// Adds a reference of this process on an object, which may be a new one.
    pub(super) fn hold(&mut self, object: Arc<O>) -> u64 {
        let number = self.number_of(object);
        self.references.retain(Holder::Host, number);
        number
    }

    /// Releases a reference of this process.
    pub(super) fn release_own(&mut self, number: u64) -> Vec<Arc<O>> {
        let is_last = self.references.release(&Holder::Host, number, 1);
        self.take(is_last.then_some(number))
    }

    /// Removes a name; `None` if there is no such name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Removed<O>> {
        let number = self.names.remove(name)?;
        let is_last = self.references.release(&Holder::Name, number, 1);
        Some(self.take(is_last.then_some(number)))
    }

    /// The object of a number.
    pub fn get(&self, number: u64) -> Option<&Arc<O>> {
        self.objects.get(&number)
    }

    pub(super) fn find(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// Adds a reference of `session`, if there is the object.
    pub fn retain(&mut self, session: Session, number: u64) -> Option<&Arc<O>> {
        let object = self.objects.get(&number)?;
        self.references.retain(Holder::Client(session), number);
        Some(object)
    }

    /// Releases references of `session`, and returns the objects of which they were the last.
    pub fn release(&mut self, session: Session, references: impl Iterator<Item = (u64, u32)>) -> Vec<Arc<O>> {
        let mut last = Vec::new();
        for (number, count) in references {
            if self.references.release(&Holder::Client(session), number, count.into()) {
                last.push(number);
            }
        }
        self.take(last)
    }

    /// Releases all references of a session, and returns the objects of which they were the last.
    pub fn end(&mut self, session: Session) -> Vec<Arc<O>> {
        let last = self.references.end(&Holder::Client(session));
        self.take(last)
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The numbers of the objects, and of the references on each.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let mut counts: Vec<_> =
            self.objects.keys().map(|number| (*number, self.references.count(*number))).collect();
        counts.sort_unstable();
        counts
    }

    /// Removes all objects, at the host's end.
    pub(super) fn clear(&mut self) -> Vec<Arc<O>> {
        std::mem::take(self).objects.into_values().collect()
    }

    /// Returns the number of an object, which may be a new one.
    fn number_of(&mut self, object: Arc<O>) -> u64 {
        let known = self.numbers.get(&address(&object)).copied();
        known.unwrap_or_else(|| {
            let number = self.unused();
            self.keep(number, object);
            number
        })
    }

    /// Returns a number that no object has.
    pub fn unused(&self) -> u64 {
        loop {
            let number = u64::from_le_bytes(random_bytes());
            // 64 random bits make it unlikely that a number returns in the time of a host; this one
            // is that of no object at the moment, and not that of the host.
            if number != super::protocol::HOST && !self.objects.contains_key(&number) {
                return number;
            }
        }
    }

    fn keep(&mut self, number: u64, object: Arc<O>) {
        self.numbers.insert(address(&object), number);
        self.objects.insert(number, object);
    }

    fn take(&mut self, numbers: impl IntoIterator<Item = u64>) -> Vec<Arc<O>> {
        let removed: Removed<O> =
            numbers.into_iter().filter_map(|number| self.objects.remove(&number)).collect();
        for object in &removed {
            self.numbers.remove(&address(object));
        }
        removed
    }
}

/// Drops removed objects or references. A destructor that panics does not end the host.
pub(super) fn drop_all<T>(removed: Vec<T>) {
    for object in removed {
        // The panic hook has reported it, and no caller waits for a reply.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
    }
}

/// The address of an object. No other is there while the table has it.
fn address<O: ?Sized>(object: &Arc<O>) -> usize {
    Arc::as_ptr(object).addr()
}
