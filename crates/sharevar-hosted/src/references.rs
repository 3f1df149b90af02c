//! The references of client processes on the objects of a host.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// References on objects, counted for each session, so that the end of a session
/// releases those that it still holds.
///
/// It knows numbers only. Its owner keeps it under the same lock as the objects: no session may
/// retain an object between the release of its last reference and its removal.
///
/// ```
/// use sharevar::hosted::References;
///
/// let mut references = References::new();
/// references.retain("a client", 7);
/// references.retain("another", 7);
/// assert!(!references.release(&"a client", 7, 1));
/// assert_eq!(references.end(&"another"), [7]);        // that was the last of all
/// assert_eq!(references.objects(), 0);
/// ```
#[derive(Debug, Clone)]
pub struct References<S> {
    /// The number of references of each session on each object, none of them zero.
    sessions: HashMap<S, HashMap<u64, u64>>,
    /// The number of references of all sessions on each object, none of them zero.
    totals: HashMap<u64, u64>,
}

impl<S> Default for References<S> {
    fn default() -> Self {
        Self { sessions: HashMap::new(), totals: HashMap::new() }
    }
}

impl<S: Eq + Hash> References<S> {
    /// Makes one without references.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reference of `session` on `object`.
    pub fn retain(&mut self, session: S, object: u64) {
        *self.sessions.entry(session).or_default().entry(object).or_default() += 1;
        *self.totals.entry(object).or_default() += 1;
    }

    /// Releases `count` references of `session` on `object`, or as many as it has. Returns whether
    /// the last reference of all was among them, and the object is to be dropped.
    pub fn release(&mut self, session: &S, object: u64, count: u64) -> bool {
        let Some(held) = self.sessions.get_mut(session) else { return false };
        let Entry::Occupied(mut entry) = held.entry(object) else { return false };
        let released = count.min(*entry.get());
        *entry.get_mut() -= released;
        if *entry.get() == 0 {
            entry.remove();
        }
        if held.is_empty() {
            self.sessions.remove(session);
        }
        self.lessen(object, released)
    }

    /// Releases all references of `session`. Returns the objects whose last references were among
    /// them, and which are to be dropped.
    pub fn end(&mut self, session: &S) -> Vec<u64> {
        let held = self.sessions.remove(session).unwrap_or_default();
        held.into_iter()
            .filter(|(object, count)| self.lessen(*object, *count))
            .map(|(object, _)| object)
            .collect()
    }

    /// The number of references that all sessions have on `object`.
    pub fn count(&self, object: u64) -> u64 {
        self.totals.get(&object).copied().unwrap_or_default()
    }

    /// The number of objects that have references.
    pub fn objects(&self) -> usize {
        self.totals.len()
    }

    /// The number of sessions that have references.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    fn lessen(&mut self, object: u64, count: u64) -> bool {
        let Entry::Occupied(mut total) = self.totals.entry(object) else { return false };
        *total.get_mut() -= count;
        let is_last = *total.get() == 0;
        if is_last {
            total.remove();
        }
        is_last
    }
}
