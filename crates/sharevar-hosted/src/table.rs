//! The objects of a host, by number and by name, and who holds them.

use super::references::References;
use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_transport::Session;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Who holds an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    /// A client process.
    Client(Session),
    /// A name by which it is published.
    Name,
    /// The host's own process.
    Here,
}

/// What was taken out of a table. It is dropped once the table is not locked any more: an object's
/// destructor is the user's.
pub(super) type Gone<O> = Vec<Arc<O>>;

/// The objects of a host, each an `O`. It is kept under one lock, under which nothing of the user's
/// runs.
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
    /// One reference of `session` on an object, which may be a new one.
    pub(super) fn insert(&mut self, session: Session, object: Arc<O>) -> u64 {
        let number = self.enter(object);
        self.references.retain(Holder::Client(session), number);
        number
    }

    /// A new object of a new number, on which `session` has the first reference.
    pub fn insert_as(&mut self, number: u64, object: Arc<O>, session: Session) {
        self.keep(number, object);
        self.references.retain(Holder::Client(session), number);
    }

    /// Notes the number of a name, which keeps no object itself: the number before.
    pub fn set_name(&mut self, name: &str, number: u64) -> Option<u64> {
        self.names.insert(name.to_owned(), number)
    }

    /// A new object, which its name keeps in the place of the one before: its number. It is
    /// `earlier`, the one in the host before this one, unless another object has that now.
    pub(super) fn publish(&mut self, name: &str, object: Arc<O>, earlier: Option<u64>) -> (u64, Gone<O>) {
        let earlier = earlier.filter(|number| !self.objects.contains_key(number));
        let number = earlier.unwrap_or_else(|| self.unused());
        let replaced = self.remove(name).unwrap_or_default();
        self.keep(number, object);
        self.references.retain(Holder::Name, number);
        self.names.insert(name.to_owned(), number);
        (number, replaced)
    }

    /// An object that this process holds, too.
    pub(super) fn hold(&mut self, object: Arc<O>) -> u64 {
        let number = self.enter(object);
        self.references.retain(Holder::Here, number);
        number
    }

    /// This process holds it no longer.
    pub(super) fn let_go(&mut self, number: u64) -> Vec<Arc<O>> {
        let is_last = self.references.release(&Holder::Here, number, 1);
        self.take(is_last.then_some(number))
    }

    /// Takes a name away: nothing if there is no such name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Gone<O>> {
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

    /// One reference more of `session`, if there is the object.
    pub fn retain(&mut self, session: Session, number: u64) -> Option<&Arc<O>> {
        let object = self.objects.get(&number)?;
        self.references.retain(Holder::Client(session), number);
        Some(object)
    }

    /// References of `session` given back: the objects of which they were the last.
    pub fn release(&mut self, session: Session, references: impl Iterator<Item = (u64, u32)>) -> Vec<Arc<O>> {
        let mut last = Vec::new();
        for (number, count) in references {
            if self.references.release(&Holder::Client(session), number, count.into()) {
                last.push(number);
            }
        }
        self.take(last)
    }

    /// All references of a session given back: the objects of which they were the last.
    pub fn end(&mut self, session: Session) -> Vec<Arc<O>> {
        let last = self.references.end(&Holder::Client(session));
        self.take(last)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The numbers, and how many references there are on each.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let mut counts: Vec<_> =
            self.objects.keys().map(|number| (*number, self.references.count(*number))).collect();
        counts.sort_unstable();
        counts
    }

    /// Everything, at the host's end.
    pub(super) fn clear(&mut self) -> Vec<Arc<O>> {
        std::mem::take(self).objects.into_values().collect()
    }

    /// The number of an object, which may be a new one.
    fn enter(&mut self, object: Arc<O>) -> u64 {
        let known = self.numbers.get(&place(&object)).copied();
        known.unwrap_or_else(|| {
            let number = self.unused();
            self.keep(number, object);
            number
        })
    }

    fn unused(&self) -> u64 {
        loop {
            let number = random();
            // None is given twice in a host's life either, as far as 64 random bits are enough for
            // that; this one stands for no object at the moment, and not for the host.
            if number != super::protocol::HOST && !self.objects.contains_key(&number) {
                return number;
            }
        }
    }

    fn keep(&mut self, number: u64, object: Arc<O>) {
        self.numbers.insert(place(&object), number);
        self.objects.insert(number, object);
    }

    fn take(&mut self, numbers: impl IntoIterator<Item = u64>) -> Vec<Arc<O>> {
        let gone: Gone<O> = numbers.into_iter().filter_map(|number| self.objects.remove(&number)).collect();
        for object in &gone {
            self.numbers.remove(&place(object));
        }
        gone
    }
}

/// Drops what was taken out of a table, or kept. A destructor that panics is not the host's end.
pub(super) fn drop_all<T>(gone: Vec<T>) {
    for object in gone {
        // The panic was told where panics are told; nobody waits for a reply.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
    }
}

/// Where an object is. No other is there while the table has it.
fn place<O: ?Sized>(object: &Arc<O>) -> usize {
    Arc::as_ptr(object).addr()
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // So few bytes are never cut short; interrupted it can be only while the machine starts.
    while getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {}
    u64::from_le_bytes(bytes)
}
