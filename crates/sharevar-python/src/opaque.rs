//! Keys that only Python can compare: looked for outside the lock, revalidated by the count of changes.

use crate::arena::Arena;
use crate::decode::decode_bytes;
use crate::errors::OrRaise;
use crate::key::is_opaque;
use pyo3::prelude::*;
use sharevar::shm::RawDict;
use sharevar_value::{Encoded, Key};

/// Where an opaque key was found, or that it was not.
pub(crate) struct Search {
    /// The key in the dict that equals it.
    pub(crate) found: Option<Key>,
    /// The count of changes before the search.
    pub(crate) changes: u64,
}

/// Looks for the key that equals `object`, whose own key is `key`. Calls `__eq__`.
pub(crate) fn search(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    key: &Key,
    arena: &Py<Arena>,
) -> PyResult<Search> {
    let handle = dict.handle();
    let changes = handle.participant().changes(handle.variable());
    // Of the same pickle: equal, and most searches end here.
    if dict.contains(key).or_raise()? {
        return Ok(Search { found: Some(key.clone()), changes });
    }
    let (keys, changes) = dict.opaque_keys().or_raise()?;
    let hash = object.hash()?;
    for encoding in keys {
        let other = decode_bytes(object.py(), &encoding, &[], arena)?;
        // As a dict compares: the one that is stored stands on the left.
        if other.hash()? == hash && other.eq(object)? {
            let key = Key::from_encoded(&encoding, dict.seed()).map_err(sharevar::Error::from).or_raise()?;
            return Ok(Search { found: Some(key), changes });
        }
    }
    Ok(Search { found: None, changes })
}

/// Sets the opaque key of `object`: looks for an equal one, and again if the dict has changed
/// meanwhile.
#[cold]
pub(crate) fn insert(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    key: &Key,
    value: &Encoded,
    arena: &Py<Arena>,
) -> PyResult<()> {
    loop {
        object.py().check_signals()?;
        let search = search(dict, object, key, arena)?;
        let key = search.found.as_ref().unwrap_or(key);
        if dict.insert_if_unchanged(key, value, search.changes).or_raise()? {
            return Ok(());
        }
    }
}

/// The key to read, replace or remove by; `None` if the dict has no equal one.
#[inline(always)]
pub(crate) fn resolve(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    key: Key,
    arena: &Py<Arena>,
) -> PyResult<Option<Key>> {
    if is_opaque(&key) { Ok(search(dict, object, &key, arena)?.found) } else { Ok(Some(key)) }
}
