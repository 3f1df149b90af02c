//! Keys with values, in the order in which they were put in.

use super::content::{Content, Item};
use super::handle::Handle;
use super::lookup::Lookup;
use super::page::Page;
use super::stamp::Stamp;
use super::stored_keys::{NewKeys, Selection, StoredKey};
use crate::error::Result;
use sharevar_value::{Encoded, HashSeed, Key};
use std::fmt::Debug;

/// The operations of an engine on dicts, sets (of which only the keys count) and namespaces. Each method is
/// one operation for all processes.
///
/// Two keys are one if their canonical bytes are equal. Whether an [opaque](Key::is_opaque) key equals another
/// is for Python to say, which no engine calls: methods with `compared` set a key that is there, and another
/// one only if no key came or went since that stamp of the keys, at which the caller had compared it with all
/// of them; without a stamp, only if there is nothing to compare, since neither it nor any other is opaque.
pub trait Map: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns what this process hashes the keys with.
    fn seed(&self) -> &HashSeed;

    /// Returns the state now. It is taken before what it is about is read.
    fn stamp(&self) -> Result<Stamp>;

    /// Returns the number of keys.
    fn len(&self) -> Result<u64>;

    /// Returns whether there are no keys.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Returns the value of `key`.
    fn get(&self, key: &Key) -> Result<Option<Content>>;

    /// Returns the value of `key`, and the state at that moment or before.
    fn get_stamped(&self, key: &Key) -> Result<(Option<Content>, Stamp)>;

    /// Returns whether `key` is there.
    fn contains(&self, key: &Key) -> Result<bool>;

    /// Sets `key` to `value`. A key that is there keeps its place and its form.
    fn insert(&self, key: &Key, value: &Encoded) -> Result<()>;

    /// Sets `key` to `value` if nothing was changed since `stamp`. Returns whether it did.
    fn insert_if_unchanged(&self, key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool>;

    /// Returns the value of `key`, which is set to `value` first if it is not there, and whether it was
    /// set.
    fn get_or_insert(&self, key: &Key, value: &Encoded) -> Result<(Content, bool)>;

    /// Removes `key` and returns its value.
    fn remove(&self, key: &Key) -> Result<Option<Content>>;

    /// Removes `key` without a look at its value. Returns whether it was there.
    fn discard(&self, key: &Key) -> Result<bool> {
        Ok(self.remove(key)?.is_some())
    }

    /// Removes the key that was put in last, and returns it with its value.
    fn pop_last(&self) -> Result<Option<Item>>;

    /// Adds `by` to the integer at `key`, 0 if it is not there. Returns the sum.
    ///
    /// # Errors
    /// [`NotANumber`](crate::Error::NotANumber) if it is none, or the sum has more than 62 bits.
    fn increment(&self, key: &Key, by: i64) -> Result<i64>;

    /// Sets all of `items`. [`RawDict::MAX_ATOMIC_UPDATE`](crate::shm::RawDict::MAX_ATOMIC_UPDATE) of
    /// them are one operation in every engine.
    fn update(&self, items: &[(Key, Encoded)]) -> Result<()>;

    /// Removes the keys `removed` and sets `added` if nothing was changed since `stamp`. Returns whether
    /// it did. Together they are as many as [`update`](Self::update) sets at once.
    fn change_if_unchanged(&self, removed: &[Key], added: &[(Key, Encoded)], stamp: Stamp) -> Result<bool>;

    /// Makes `items` the whole content if nothing was changed since `stamp`. Returns whether it did.
    fn replace_if_unchanged(&self, items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool>;

    /// Removes all keys.
    fn clear(&self) -> Result<()>;

    /// Returns all keys, with their values if `with_values` (else the values are absent).
    fn items(&self, with_values: bool) -> Result<Vec<Item>>;

    /// Returns the keys behind a place, or the first ones: as many as the engine reads at a time. Those that
    /// come later are behind the others.
    fn page(&self, after: Option<u64>) -> Result<Page> {
        let keys: Vec<_> = match after {
            None => self.items(false)?.into_iter().map(|item| item.key).collect(),
            // An engine that reads all at a time has no place behind which there are more.
            Some(_) => Vec::new(),
        };
        Ok(Page { length: keys.len() as u64, keys, last: None })
    }

    /// Returns what [`get_compared`](Self::get_compared) returns for each of `keys`, whose values may be of
    /// different moments.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup<Content>>> {
        keys.iter().map(|key| self.get_compared(key)).collect()
    }

    /// Returns whether there are opaque keys.
    fn has_opaque_keys(&self) -> Result<bool>;

    /// Returns the value of `key`, or whether an opaque key may equal it.
    fn get_compared(&self, key: &Key) -> Result<Lookup<Content>> {
        lookup(self, self.get(key)?)
    }

    /// Returns whether `key` is there, or whether an opaque key may equal it.
    fn contains_compared(&self, key: &Key) -> Result<Lookup<()>> {
        lookup(self, self.contains(key)?.then_some(()))
    }

    /// Removes `key`. Returns its value, or whether an opaque key may equal it.
    fn remove_compared(&self, key: &Key) -> Result<Lookup<Content>> {
        lookup(self, self.remove(key)?)
    }

    /// Removes `key` without a look at its value. Returns whether it was there, or an opaque key may equal it.
    fn discard_compared(&self, key: &Key) -> Result<Lookup<()>> {
        Ok(self.remove_compared(key)?.map(drop))
    }

    /// Sets `key` to `value`. Returns whether it did.
    fn insert_compared(&self, key: &Key, value: &Encoded, compared: Option<u64>) -> Result<bool>;

    /// Does as [`get_or_insert`](Self::get_or_insert); `None` where
    /// [`insert_compared`](Self::insert_compared) sets nothing.
    fn get_or_insert_compared(
        &self,
        key: &Key,
        value: &Encoded,
        compared: Option<u64>,
    ) -> Result<Option<(Content, bool)>>;

    /// Does as [`increment`](Self::increment) with a key that has nothing to be compared with; else `None`.
    fn increment_compared(&self, key: &Key, by: i64) -> Result<Option<i64>>;

    /// Sets all of `items`, no more than [`update`](Self::update) sets at once. Returns whether it did.
    fn update_compared(&self, items: &[(Key, Encoded)], compared: Option<u64>) -> Result<bool>;

    /// Returns the stamp of the keys, which changes when one comes or goes, and not with a value.
    fn keys_stamp(&self) -> Result<u64>;

    /// Returns the keys that came since a stamp of the keys, or all, with their places.
    fn keys_since(&self, since: Option<u64>, selection: Selection) -> Result<NewKeys>;

    /// Returns the keys in these places, `None` where there is none, and the stamp at that moment.
    fn keys_at(&self, places: &[u64]) -> Result<(Vec<Option<StoredKey>>, u64)>;
}

/// The answer about a key of which that was found by its bytes.
fn lookup<T>(map: &(impl Map + ?Sized), found: Option<T>) -> Result<Lookup<T>> {
    let is_unknown = found.is_none() && map.has_opaque_keys()?;
    Ok(Lookup::of(found, is_unknown))
}
