//! Keys with values, in the order in which they were put in.

use sharevar_value::{Encoded, Key};
use std::collections::{BTreeMap, HashMap};

/// Keys by their canonical bytes, and what was put in, in order.
#[derive(Debug, Default)]
pub(crate) struct MapBody {
    pub(crate) places: HashMap<Vec<u8>, u64>,
    pub(crate) items: BTreeMap<u64, Entry>,
    pub(crate) put_in: u64,
    /// How many keys are opaque.
    pub(crate) opaque: u64,
}

#[derive(Debug)]
pub(crate) struct Entry {
    /// As it was put in.
    pub(crate) key: Key,
    pub(crate) value: Encoded,
}

impl MapBody {
    pub(crate) fn get(&self, key: &Key) -> Option<&Encoded> {
        self.places.get(&key.to_canonical()).map(|place| &self.items[place].value)
    }

    /// Sets a key. The old value, if there was one.
    pub(crate) fn set(&mut self, key: &Key, value: Encoded) -> Option<Encoded> {
        let canonical = key.to_canonical();
        if let Some(entry) = self.places.get(&canonical).and_then(|place| self.items.get_mut(place)) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.put_in += 1;
        self.opaque += u64::from(key.is_opaque());
        self.places.insert(canonical, self.put_in);
        self.items.insert(self.put_in, Entry { key: key.clone(), value });
        None
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Encoded> {
        let place = self.places.remove(&key.to_canonical())?;
        let entry = self.items.remove(&place)?;
        self.opaque -= u64::from(entry.key.is_opaque());
        Some(entry.value)
    }

    pub(crate) fn pop_last(&mut self) -> Option<Entry> {
        let (_, entry) = self.items.pop_last()?;
        self.places.remove(&entry.key.to_canonical());
        self.opaque -= u64::from(entry.key.is_opaque());
        Some(entry)
    }

    pub(crate) fn into_values(self) -> Vec<Encoded> {
        self.items.into_values().map(|entry| entry.value).collect()
    }
}
