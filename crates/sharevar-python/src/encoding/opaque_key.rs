//! Keys that only Python can compare: they are looked for without the lock, and the result counts if
//! no key came or went meanwhile.

use crate::encoding::key::{AnyDict, Wanted, opaque_key};
use crate::encoding::key_hashing;
use crate::encoding::key_lookup;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use sharevar::engine::{Lookup, Selection};
use sharevar::shm::RawDict;
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
    /// The stamp of the dict's keys at which this holds.
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
    attempt(dict, object.py(), || search_once(dict, object, hash, selection, store))
}

/// Retries an operation that fails with `None` when the dict changes meanwhile.
///
/// After a few attempts it takes the long lock, where the engine has one, so that other threads' changes
/// wait. From then on the dict is changed only by the operation's own code: an `__eq__`, `__hash__` or
/// `__setstate__` that uses the dict. If these changes never end, it raises.
pub(crate) fn attempt<R>(
    dict: &AnyDict,
    py: Python<'_>,
    mut act: impl FnMut() -> PyResult<Option<R>>,
) -> PyResult<R> {
    for _ in 0..ATTEMPTS {
        if let Some(done) = act()? {
            return Ok(done);
        }
    }
    let handle = dict.shm().map(RawDict::handle);
    let lock = handle.map(|handle| handle.participant().long_lock(handle.variable())).transpose();
    let lock = lock.map_err(sharevar::Error::from).or_raise()?;
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
    dict: &AnyDict,
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
    let numbers: Vec<u64> = candidates.iter().map(|candidate| candidate.number).collect();
    let (keys, now) = dict.any().keys_at(&numbers).or_raise()?;
    if now != stamp {
        return Ok(None);
    }
    let (mut stale, mut found) = (Vec::new(), None);
    for (candidate, stored) in candidates.into_iter().zip(keys) {
        let Some(stored) = stored else {
            stale.push(candidate);
            continue;
        };
        if stored.mark(dict.any().seed()) != candidate.mark {
            stale.push(candidate);
            continue;
        }
        let key = stored.to_key(dict.any().seed()).or_raise()?;
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
        "keys have come or gone each of 64 times that this key was compared with those in the dict; the __eq__ and __hash__ of a key must not change the dict that holds it",
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

/// Calls a method of the engine with the key that equals `object`: found by its bytes where they tell, which
/// `by_key` says, else by a search. `None` if there is no such key.
#[inline]
pub(crate) fn resolve<R>(
    dict: &AnyDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    store: &Py<Store>,
    by_key: impl Fn(&Key) -> sharevar::Result<Lookup<R>>,
) -> PyResult<Option<R>> {
    if let Wanted::Known(key) = wanted {
        match by_key(key).or_raise()? {
            Lookup::Found(found) => return Ok(Some(found)),
            Lookup::Absent => return Ok(None),
            Lookup::Unknown => {}
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
    by_key: impl Fn(&Key) -> sharevar::Result<Lookup<R>>,
) -> PyResult<Option<R>> {
    with_found(dict, object, wanted, store, |search| match search.found {
        None => Ok(Some(None)),
        // One that has gone since is looked for again.
        Some(key) => Ok(by_key(&key).or_raise()?.found().map(Some)),
    })
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
        && match dict.shm() {
            Some(raw) => raw.insert_compared(key, value, None),
            None => dict.any().insert_compared(key, value, None),
        }
        .or_raise()?
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
        Ok(dict.any().insert_compared(key, value, Some(search.stamp)).or_raise()?.then_some(()))
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
        if !dict.any().update_compared(items, None).or_raise()? {
            update_searched(dict, items, searched, store)?;
        }
    }
    Ok(())
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
        let stamp = dict.any().keys_stamp().or_raise()?;
        let mut used = Vec::with_capacity(items.len());
        for ((own, value), (object, selection)) in items.iter().zip(searched) {
            let search = search(dict, object, *selection, store)?;
            if search.stamp != stamp {
                return Ok(None);
            }
            used.push((search.found.unwrap_or_else(|| own.clone()), value.clone()));
        }
        Ok(dict.any().update_compared(&used, Some(stamp)).or_raise()?.then_some(()))
    })
}
