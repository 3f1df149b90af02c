//! Keys that only Python can compare: they are looked for without the lock, and the result counts if
//! no key came or went meanwhile.

use crate::encoding::foreign_key;
use crate::encoding::key::{AnyDict, Wanted, opaque_key};
use crate::encoding::key_hashing;
use crate::encoding::key_lookup;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use sharevar::Content;
use sharevar::shm::{RawDict, Selection};
use sharevar_value::{Encoded, Key};

/// How often an operation starts again because keys came or went during it, before it takes the
/// dict's long lock.
const ATTEMPTS: u32 = 4;
/// How often it starts again then: nearly all changes are those of the comparisons themselves.
const ATTEMPTS_WITH_LOCK: u32 = 64;

/// The result of a search for a key.
pub(crate) struct Search {
    /// The key in the dict that equals the wanted one.
    pub(crate) found: Option<Key>,
    /// The stamp at which this holds: of the dict's keys in shared memory, else of the dict.
    pub(crate) stamp: u64,
}

/// Looks for the key that equals `object` among a selection. Calls `__hash__` and `__eq__`.
pub(crate) fn search(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    selection: Selection,
    store: &Py<Store>,
) -> PyResult<Search> {
    let hash = object.hash()?;
    let Some(raw) = dict.shm() else {
        let (found, stamp) = foreign_key::search(dict.any(), object, hash, selection, store)?;
        return Ok(Search { found, stamp: stamp.changes() });
    };
    attempt(dict, object.py(), || search_once(raw, object, hash, selection, store))
}

/// Retries an operation that fails with `None` when the dict changes meanwhile.
///
/// After a few attempts it takes the long lock, so that other threads' changes wait. From then on the
/// dict is changed only by the operation's own code: an `__eq__`, `__hash__` or `__setstate__` that
/// uses the dict. If these changes never end, it raises.
pub(crate) fn attempt<R>(
    dict: &AnyDict,
    py: Python<'_>,
    mut act: impl FnMut() -> PyResult<Option<R>>,
) -> PyResult<R> {
    let Some(dict) = dict.shm() else { return foreign_key::attempt(py, act) };
    for _ in 0..ATTEMPTS {
        if let Some(done) = act()? {
            return Ok(done);
        }
    }
    let handle = dict.handle();
    let lock = handle.participant().long_lock(handle.variable()).map_err(sharevar::Error::from).or_raise()?;
    for _ in 0..ATTEMPTS_WITH_LOCK {
        py.check_signals()?;
        if let Some(done) = act()? {
            drop(lock);
            return Ok(done);
        }
    }
    drop(lock);
    Err(never_ends())
}

/// `None` if keys came or went meanwhile.
fn search_once(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    hash: isize,
    selection: Selection,
    store: &Py<Store>,
) -> PyResult<Option<Search>> {
    let Some(stamp) = key_lookup::update(dict, selection, store)? else { return Ok(None) };
    let Some(candidates) = key_lookup::candidates(dict, selection, hash, store) else { return Ok(None) };
    if candidates.is_empty() {
        return Ok(Some(Search { found: None, stamp }));
    }
    let numbers: Vec<u32> = candidates.iter().map(|candidate| candidate.number).collect();
    let (keys, now) = dict.keys_at(&numbers).or_raise()?;
    if now != stamp {
        return Ok(None);
    }
    let (mut stale, mut found) = (Vec::new(), None);
    for (candidate, stored) in candidates.into_iter().zip(keys) {
        let Some(stored) = stored else {
            stale.push(candidate);
            continue;
        };
        if stored.mark(dict.seed()) != candidate.mark {
            stale.push(candidate);
            continue;
        }
        let key = stored.to_key(dict.seed()).or_raise()?;
        let there = key_hashing::object(object.py(), stored, store)?;
        if there.is(object) || there.eq(object)? {
            // As a dict compares: the one that is stored stands on the left.
            found = Some(key);
            break;
        }
    }
    if !stale.is_empty() {
        key_lookup::forget(dict, selection, hash, &stale, store);
    }
    Ok(Some(Search { found, stamp }))
}

#[cold]
fn never_ends() -> PyErr {
    PyRuntimeError::new_err(
        "comparing this key with those in the dict has put keys in or taken keys out each of 64 times; \
         the __eq__ and __hash__ of a key must not change the dict that holds it",
    )
}

/// Looks for the key that equals `object`, again until `act` succeeds with the result.
pub(crate) fn with_found<R>(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    store: &Py<Store>,
    mut act: impl FnMut(Search) -> PyResult<Option<R>>,
) -> PyResult<R> {
    attempt(dict, object.py(), || act(search(dict, object, wanted.selection(), store)?))
}

/// The key to put `object` in by.
pub(crate) fn own_key(dict: &AnyDict, object: &Bound<'_, PyAny>, wanted: &Wanted) -> PyResult<Key> {
    match wanted {
        Wanted::Known(key) => Ok(key.clone()),
        Wanted::Opaque => opaque_key(object, dict),
    }
}

/// The key to put an object in by, which is made when it is needed, and once.
#[derive(Default)]
pub(crate) struct OwnKey(Option<Key>);

impl OwnKey {
    /// The key to set: the equal one that a search has found, else the object's own.
    pub(crate) fn unless_found<'a>(
        &'a mut self,
        search: &'a Search,
        dict: &AnyDict,
        object: &Bound<'_, PyAny>,
        wanted: &Wanted,
    ) -> PyResult<&'a Key> {
        match &search.found {
            Some(found) => Ok(found),
            None => self.get(dict, object, wanted),
        }
    }

    pub(crate) fn get(
        &mut self,
        dict: &AnyDict,
        object: &Bound<'_, PyAny>,
        wanted: &Wanted,
    ) -> PyResult<&Key> {
        match &mut self.0 {
            Some(key) => Ok(key),
            none => Ok(none.insert(own_key(dict, object, wanted)?)),
        }
    }
}

/// Calls `act` with the key that equals `object`: found by its bytes where they tell, else by a
/// search. `None` if there is no such key.
#[inline]
pub(crate) fn resolve<R>(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    store: &Py<Store>,
    by_key: impl Fn(&Key) -> sharevar::Result<Option<R>>,
) -> PyResult<Option<R>> {
    if let Wanted::Known(key) = wanted {
        let found = by_key(key).or_raise()?;
        if found.is_some() || !has_opaque_keys(dict).or_raise()? {
            return Ok(found);
        }
    }
    resolve_searched(dict, object, wanted, store, by_key)
}

#[cold]
fn resolve_searched<R>(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    store: &Py<Store>,
    by_key: impl Fn(&Key) -> sharevar::Result<Option<R>>,
) -> PyResult<Option<R>> {
    with_found(dict, object, wanted, store, |search| match search.found {
        None => Ok(Some(None)),
        // One that has gone since is looked for again.
        Some(key) => Ok(by_key(&key).or_raise()?.map(Some)),
    })
}

/// Whether there are keys that only Python can compare.
#[inline]
pub(crate) fn has_opaque_keys(dict: &AnyDict) -> sharevar::Result<bool> {
    match dict.shm() {
        Some(raw) => raw.has_opaque_keys(),
        None => dict.any().has_opaque_keys(),
    }
}

/// Sets a key, unless there are opaque keys, or, with a stamp, unless anything has changed since. Whether
/// it did.
#[inline]
fn insert_compared(dict: &AnyDict, key: &Key, value: &Encoded, stamp: Option<u64>) -> sharevar::Result<bool> {
    match dict.shm() {
        Some(raw) => raw.insert_compared(key, value, stamp),
        None => foreign_key::insert_compared(dict.any(), key, value, stamp),
    }
}

/// The same, of a key that is not there; the value of one that is.
pub(crate) fn get_or_insert_compared(
    dict: &AnyDict,
    key: &Key,
    value: &Encoded,
    stamp: Option<u64>,
) -> sharevar::Result<Option<(Content, bool)>> {
    match dict.shm() {
        Some(raw) => raw.get_or_insert_compared(key, value, stamp),
        None => foreign_key::get_or_insert_compared(dict.any(), key, value, stamp),
    }
}

/// Adds to the integer of a key, unless there are opaque keys. `None` then.
pub(crate) fn increment_compared(dict: &AnyDict, key: &Key, by: i64) -> sharevar::Result<Option<i64>> {
    match dict.shm() {
        Some(raw) => raw.increment_compared(key, by, None),
        None if dict.any().has_opaque_keys()? => Ok(None),
        None => dict.any().increment(key, by).map(Some),
    }
}

/// Sets the key that equals `object`, or puts it in.
#[inline]
pub(crate) fn insert(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    value: &Encoded,
    store: &Py<Store>,
) -> PyResult<()> {
    if let Wanted::Known(key) = wanted
        && insert_compared(dict, key, value, None).or_raise()?
    {
        return Ok(());
    }
    insert_searched(dict, object, wanted, value, store)
}

#[cold]
fn insert_searched(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    value: &Encoded,
    store: &Py<Store>,
) -> PyResult<()> {
    let mut own = OwnKey::default();
    with_found(dict, object, wanted, store, |search| {
        let key = own.unless_found(&search, dict, object, wanted)?;
        Ok(insert_compared(dict, key, value, Some(search.stamp)).or_raise()?.then_some(()))
    })
}

/// A key to be set, with its value.
pub(crate) struct Pair<'py> {
    pub(crate) object: Bound<'py, PyAny>,
    pub(crate) wanted: Wanted,
    pub(crate) value: Encoded,
}

/// Sets all pairs, no two of which have equal keys: in one step, unless there are more than
/// [`RawDict::MAX_ATOMIC_UPDATE`] and the dict is not empty.
pub(crate) fn update(dict: &AnyDict, pairs: Vec<Pair<'_>>, store: &Py<Store>) -> PyResult<()> {
    let mut items = Vec::with_capacity(pairs.len());
    let mut searched = Vec::with_capacity(pairs.len());
    for Pair { object, wanted, value } in pairs {
        let selection = wanted.selection();
        let key = match wanted {
            Wanted::Known(key) => key,
            Wanted::Opaque => opaque_key(&object, dict)?,
        };
        items.push((key, value));
        searched.push((object, selection));
    }
    if items.len() > RawDict::MAX_ATOMIC_UPDATE
        && let Some(raw) = dict.shm()
        && raw.fill(&items).or_raise()?
    {
        return Ok(());
    }
    let chunks = items.chunks(RawDict::MAX_ATOMIC_UPDATE);
    for (items, searched) in chunks.zip(searched.chunks(RawDict::MAX_ATOMIC_UPDATE)) {
        if !update_compared(dict, items, None).or_raise()? {
            update_searched(dict, items, searched, store)?;
        }
    }
    Ok(())
}

/// Sets keys, unless there are opaque keys, or, with a stamp, unless anything has changed since. Whether it
/// did.
fn update_compared(dict: &AnyDict, items: &[(Key, Encoded)], stamp: Option<u64>) -> sharevar::Result<bool> {
    match dict.shm() {
        Some(raw) => raw.update_compared(items, stamp),
        None => foreign_key::update_compared(dict.any(), items, stamp),
    }
}

#[cold]
fn update_searched(
    dict: &AnyDict,
    items: &[(Key, Encoded)],
    searched: &[(Bound<'_, PyAny>, Selection)],
    store: &Py<Store>,
) -> PyResult<()> {
    let Some((object, _)) = searched.first() else { return Ok(()) };
    attempt(dict, object.py(), || {
        let stamp = match dict.shm() {
            Some(raw) => raw.keys_stamp().or_raise()?,
            None => dict.any().stamp().or_raise()?.changes(),
        };
        let mut used = Vec::with_capacity(items.len());
        for ((own, value), (object, selection)) in items.iter().zip(searched) {
            let search = search(dict, object, *selection, store)?;
            if search.stamp != stamp {
                return Ok(None);
            }
            used.push((search.found.unwrap_or_else(|| own.clone()), value.clone()));
        }
        Ok(update_compared(dict, &used, Some(stamp)).or_raise()?.then_some(()))
    })
}
