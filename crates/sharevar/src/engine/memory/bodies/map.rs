//! Keys with values, in the order in which they were put in.

use sharevar_value::{Encoded, Key};
use std::collections::{BTreeMap, HashMap};

/// Keys by their canonical bytes, and what was put in, in order.
#[derive(Debug, Default)]
pub(crate) struct MapBody {
    places: HashMap<Vec<u8>, u64>,
    pub(crate) items: BTreeMap<u64, Entry>,
    /// How often keys came or went. A key that comes takes this number for its place, so that no place is
    /// another key's later on.
    pub(crate) structure: u64,
    /// How many keys are opaque.
    opaque: u64,
}

#[derive(Debug)]
pub(crate) struct Entry {
    /// As it was put in.
    pub(crate) key: Key,
    pub(crate) value: Encoded,
}

impl MapBody {
    pub(crate) fn has_opaque_keys(&self) -> bool {
        self.opaque > 0
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Encoded> {
        self.places.get(&key.to_canonical()).map(|place| &self.items[place].value)
    }

    /// Returns whether keys may be set: those that are not there were compared with all keys of the stamp
    /// `compared`, or there is nothing to compare.
    pub(crate) fn may_set<'a>(&self, keys: impl IntoIterator<Item = &'a Key>, compared: Option<u64>) -> bool {
        let mut new = keys.into_iter().filter(|key| self.get(key).is_none());
        match compared {
            Some(stamp) => stamp == self.structure || new.next().is_none(),
            None => new.all(|key| !key.is_opaque() && !self.has_opaque_keys()),
        }
    }

    /// Sets a key. The old value, if there was one.
    pub(crate) fn set(&mut self, key: &Key, value: Encoded) -> Option<Encoded> {
        let canonical = key.to_canonical();
        if let Some(entry) = self.places.get(&canonical).and_then(|place| self.items.get_mut(place)) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.structure += 1;
        self.opaque += u64::from(key.is_opaque());
        self.places.insert(canonical, self.structure);
        self.items.insert(self.structure, Entry { key: key.clone(), value });
        None
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Encoded> {
        let place = *self.places.get(&key.to_canonical())?;
        let entry = self.items.remove(&place)?;
        self.forget(&entry.key);
        Some(entry.value)
    }

    pub(crate) fn pop_last(&mut self) -> Option<Entry> {
        let (_, entry) = self.items.pop_last()?;
        self.forget(&entry.key);
        Some(entry)
    }

    /// Sees to the rest of a key whose entry is out.
    fn forget(&mut self, key: &Key) {
        self.structure += 1;
        self.places.remove(&key.to_canonical());
        self.opaque -= u64::from(key.is_opaque());
    }

    /// Takes all out.
    pub(crate) fn take_all(&mut self) -> Vec<Encoded> {
        let structure = self.structure + 1;
        std::mem::replace(self, Self { structure, ..Self::default() }).into_values()
    }

    pub(crate) fn into_values(self) -> Vec<Encoded> {
        self.items.into_values().map(|entry| entry.value).collect()
    }
}
