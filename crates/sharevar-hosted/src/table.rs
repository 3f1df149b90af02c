//! The objects of a host, by number and by name, and who holds them.

use super::object::Callable;
use super::references::References;
use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_transport::Session;
use std::collections::HashMap;
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
pub(super) type Gone = Vec<Arc<dyn Callable>>;

#[derive(Default)]
pub(super) struct Table {
    objects: HashMap<u64, Arc<dyn Callable>>,
    /// The numbers of all of them, by where they are: an object that is given twice has one.
    numbers: HashMap<usize, u64>,
    names: HashMap<String, u64>,
    references: References<Holder>,
}

impl Table {
    /// One reference of `session` on an object, which may be a new one.
    pub(super) fn insert(&mut self, session: Session, object: Arc<dyn Callable>) -> u64 {
        let number = self.enter(object);
        self.references.retain(Holder::Client(session), number);
        number
    }

    /// A new object, which its name keeps in the place of the one before: its number. It is
    /// `earlier`, the one in the host before this one, unless another object has that now.
    pub(super) fn publish(
        &mut self,
        name: &str,
        object: Arc<dyn Callable>,
        earlier: Option<u64>,
    ) -> (u64, Gone) {
        let earlier = earlier.filter(|number| !self.objects.contains_key(number));
        let number = earlier.unwrap_or_else(|| self.unused());
        let replaced = self.remove(name).unwrap_or_default();
        self.keep(number, object);
        self.references.retain(Holder::Name, number);
        self.names.insert(name.to_owned(), number);
        (number, replaced)
    }

    /// An object that this process holds, too.
    pub(super) fn hold(&mut self, object: Arc<dyn Callable>) -> u64 {
        let number = self.enter(object);
        self.references.retain(Holder::Here, number);
        number
    }

    /// This process holds it no longer.
    pub(super) fn let_go(&mut self, number: u64) -> Gone {
        let is_last = self.references.release(&Holder::Here, number, 1);
        self.take(is_last.then_some(number))
    }

    /// Takes a name away: nothing if there is no such name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Gone> {
        let number = self.names.remove(name)?;
        let is_last = self.references.release(&Holder::Name, number, 1);
        Some(self.take(is_last.then_some(number)))
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<dyn Callable>> {
        self.objects.get(&number)
    }

    pub(super) fn find(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// One reference more of `session`, if there is the object.
    pub(super) fn retain(&mut self, session: Session, number: u64) -> Option<&Arc<dyn Callable>> {
        let object = self.objects.get(&number)?;
        self.references.retain(Holder::Client(session), number);
        Some(object)
    }

    pub(super) fn release(&mut self, session: Session, references: impl Iterator<Item = (u64, u32)>) -> Gone {
        let mut last = Vec::new();
        for (number, count) in references {
            if self.references.release(&Holder::Client(session), number, count.into()) {
                last.push(number);
            }
        }
        self.take(last)
    }

    pub(super) fn end(&mut self, session: Session) -> Gone {
        let last = self.references.end(&Holder::Client(session));
        self.take(last)
    }

    /// How many objects there are.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Everything, at the host's end.
    pub(super) fn clear(&mut self) -> Gone {
        std::mem::take(self).objects.into_values().collect()
    }

    /// The number of an object, which may be a new one.
    fn enter(&mut self, object: Arc<dyn Callable>) -> u64 {
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

    fn keep(&mut self, number: u64, object: Arc<dyn Callable>) {
        self.numbers.insert(place(&object), number);
        self.objects.insert(number, object);
    }

    fn take(&mut self, numbers: impl IntoIterator<Item = u64>) -> Gone {
        let gone: Gone = numbers.into_iter().filter_map(|number| self.objects.remove(&number)).collect();
        for object in &gone {
            self.numbers.remove(&place(object));
        }
        gone
    }
}

/// Drops objects. A destructor that panics is not the host's end.
pub(super) fn drop_all(gone: Gone) {
    for object in gone {
        // The panic was told where panics are told; nobody waits for a reply.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
    }
}

/// Where an object is. No other is there while the table has it.
fn place(object: &Arc<dyn Callable>) -> usize {
    Arc::as_ptr(object).addr()
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // So few bytes are never cut short; interrupted it can be only while the machine starts.
    while getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {}
    u64::from_le_bytes(bytes)
}
