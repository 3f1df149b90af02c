//! Putting in keys that only Python can compare, or beside such.
//!
//! Two keys of other classes are one if their canonical bytes are equal, which is found out under
//! the lock. Whether an opaque key equals another is for Python to say, which is never called
//! under a lock: the caller compares first, and a key that is not there goes in only if no key
//! came or went since the stamp at which it had been compared with all.

use super::RawDict;
use super::layout::{LENGTH, STRUCTURE};
use crate::error::Result;
use crate::shm::items::content::Content;
use crate::shm::items::source::{Locked, Source};
use sharevar_value::{Encoded, Key};

impl RawDict {
    /// The stamp of the keys: it changes when one comes or goes, and not when a value changes.
    pub fn keys_stamp(&self) -> Result<u64> {
        self.body_word(STRUCTURE)
    }

    /// Sets `key` to `value`. One that is not there goes in only if it was compared with all keys
    /// of the stamp `compared`, which is still that of the dict; or if nothing has to be compared.
    /// Whether it was set.
    #[inline]
    pub fn insert_compared(&self, key: &Key, value: &Encoded, compared: Option<u64>) -> Result<bool> {
        self.insert_where(key, value, |source| may_add(source, key.is_opaque(), compared))
    }

    /// The value of `key`, and whether it was set; `None` where [`Self::insert_compared`] sets nothing.
    pub fn get_or_insert_compared(
        &self,
        key: &Key,
        value: &Encoded,
        compared: Option<u64>,
    ) -> Result<Option<(Content, bool)>> {
        self.get_or_insert_where(key, value, |source| may_add(source, key.is_opaque(), compared))
    }

    /// [`Self::increment`]; `None` where [`Self::insert_compared`] sets nothing.
    pub fn increment_compared(&self, key: &Key, by: i64) -> Result<Option<i64>> {
        self.increment_where(key, by, |source| may_add(source, key.is_opaque(), None))
    }

    /// Sets all of `items`, at most [`Self::MAX_ATOMIC_UPDATE`], as one operation, under the
    /// condition of [`Self::insert_compared`]. Whether they were set.
    pub fn update_compared(&self, items: &[(Key, Encoded)], compared: Option<u64>) -> Result<bool> {
        let opaque = items.iter().any(|(key, _)| key.is_opaque());
        self.update_where(items, |source| may_add(source, opaque, compared))
    }
}

fn may_add(source: &Locked<'_, '_>, opaque: bool, compared: Option<u64>) -> bool {
    match compared {
        Some(stamp) => source.body(STRUCTURE) == stamp,
        None => !opaque && source.body(LENGTH) >> 32 == 0,
    }
}
