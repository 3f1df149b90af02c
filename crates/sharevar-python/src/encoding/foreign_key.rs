//! Keys that only Python can compare, in dicts of other engines than shared memory.
//!
//! No index is kept of them: each search asks the engine for the keys, which are few where a program has
//! any of this kind.

use crate::encoding::decode::decode_bytes;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::prelude::*;
use sharevar::Content;
use sharevar::engine::{Map, Stamp};
use sharevar::shm::{Attempts, Selection};
use sharevar_value::{Encoded, Key};

/// Looks for the key that equals `object`, whose hash that is. Returns it, and the state at which this
/// holds. Calls `__hash__` and `__eq__`.
pub(super) fn search(
    dict: &dyn Map,
    object: &Bound<'_, PyAny>,
    hash: isize,
    selection: Selection,
    store: &Py<Store>,
) -> PyResult<(Option<Key>, Stamp)> {
    let (keys, stamp) = dict.keys(selection == Selection::Opaque).or_raise()?;
    for key in keys {
        let encoding = key.to_original().map_err(sharevar::Error::from).or_raise()?;
        let there = decode_bytes(object.py(), &encoding, &[], store)?;
        // As a dict compares: the one that is stored stands on the left.
        if there.is(object) || (there.hash()? == hash && there.eq(object)?) {
            return Ok((Some(key), stamp));
        }
    }
    Ok((None, stamp))
}

/// Retries an operation that fails with `None` when the dict changes meanwhile.
pub(super) fn attempt<R>(py: Python<'_>, mut act: impl FnMut() -> PyResult<Option<R>>) -> PyResult<R> {
    let mut attempts = Attempts::at(None);
    loop {
        py.check_signals()?;
        if let Some(done) = act()? {
            return Ok(done);
        }
        attempts.fail().or_raise()?;
    }
}

/// Sets a key, unless there are opaque keys, or, with a stamp, unless anything has changed since. Whether
/// it did.
pub(super) fn insert_compared(
    dict: &dyn Map,
    key: &Key,
    value: &Encoded,
    stamp: Option<u64>,
) -> sharevar::Result<bool> {
    match stamp {
        Some(stamp) => dict.insert_if_unchanged(key, value, Stamp::new(stamp)),
        None if dict.has_opaque_keys()? => Ok(false),
        None => dict.insert(key, value).map(|()| true),
    }
}

/// The same, of a key that is not there; the value of one that is.
pub(super) fn get_or_insert_compared(
    dict: &dyn Map,
    key: &Key,
    value: &Encoded,
    stamp: Option<u64>,
) -> sharevar::Result<Option<(Content, bool)>> {
    let Some(stamp) = stamp else {
        return if dict.has_opaque_keys()? { Ok(None) } else { dict.get_or_insert(key, value).map(Some) };
    };
    if let Some(content) = dict.get(key)? {
        return Ok(Some((content, false)));
    }
    if dict.insert_if_unchanged(key, value, Stamp::new(stamp))? {
        // One that is gone again is put in once more.
        return Ok(dict.get(key)?.map(|content| (content, true)));
    }
    Ok(None)
}

/// Sets keys, unless there are opaque keys, or, with a stamp, unless anything has changed since. Whether it
/// did.
pub(super) fn update_compared(
    dict: &dyn Map,
    items: &[(Key, Encoded)],
    stamp: Option<u64>,
) -> sharevar::Result<bool> {
    match stamp {
        Some(stamp) => dict.change_if_unchanged(&[], items, Stamp::new(stamp)),
        None if dict.has_opaque_keys()? || items.iter().any(|(key, _)| key.is_opaque()) => Ok(false),
        None => dict.update(items).map(|()| true),
    }
}
