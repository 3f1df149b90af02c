//! Keys with values, in the order in which they were put in.

use super::content::{Content, Item};
use super::handle::Handle;
use super::stamp::Stamp;
use crate::error::Result;
use sharevar_value::{Encoded, HashSeed, Key};
use std::fmt::Debug;

/// The operations of an engine on dicts, sets (of which only the keys count) and namespaces. Each method is
/// one operation for all processes.
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

    /// Returns the keys, or only the [opaque](Key::is_opaque) ones, which an engine cannot compare, and the
    /// state at that moment or before.
    fn keys(&self, only_opaque: bool) -> Result<(Vec<Key>, Stamp)>;

    /// Returns whether there are opaque keys.
    fn has_opaque_keys(&self) -> Result<bool> {
        Ok(!self.keys(true)?.0.is_empty())
    }

    /// Returns all keys, with their values if `with_values` (else the values are absent).
    fn items(&self, with_values: bool) -> Result<Vec<Item>>;
}
