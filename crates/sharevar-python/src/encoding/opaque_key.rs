//! Keys that only Python can compare: they are looked for without the lock, and the result counts if
//! no key came or went meanwhile.

use crate::arena::Arena;
use crate::encoding::key::{Wanted, opaque_key};
use crate::encoding::key_hashing;
use crate::encoding::key_lookup;
use crate::errors::OrRaise;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
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
    /// The stamp of the dict's keys at which this holds.
    pub(crate) stamp: u64,
}

/// Looks for the key that equals `object` among a selection. Calls `__hash__` and `__eq__`.
pub(crate) fn search(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    selection: Selection,
    arena: &Py<Arena>,
) -> PyResult<Search> {
    let hash = object.hash()?;
    attempt(dict, object.py(), || search_once(dict, object, hash, selection, arena))
}

/// Retries an operation that fails with `None` when the dict changes meanwhile.
///
/// After a few attempts it takes the long lock, so that other threads' changes wait. From then on the
/// dict is changed only by the operation's own code: an `__eq__`, `__hash__` or `__setstate__` that
/// uses the dict. If these changes never end, it raises.
pub(crate) fn attempt<R>(
    dict: &RawDict,
    py: Python<'_>,
    mut act: impl FnMut() -> PyResult<Option<R>>,
) -> PyResult<R> {
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
    arena: &Py<Arena>,
) -> PyResult<Option<Search>> {
    let Some(stamp) = key_lookup::update(dict, selection, arena)? else { return Ok(None) };
    let Some(candidates) = key_lookup::candidates(dict, selection, hash, arena) else { return Ok(None) };
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
        let there = key_hashing::object(object.py(), stored, arena)?;
        if there.is(object) || there.eq(object)? {
            // As a dict compares: the one that is stored stands on the left.
            found = Some(key);
            break;
        }
    }
    if !stale.is_empty() {
        key_lookup::forget(dict, selection, hash, &stale, arena);
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
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    arena: &Py<Arena>,
    mut act: impl FnMut(Search) -> PyResult<Option<R>>,
) -> PyResult<R> {
    attempt(dict, object.py(), || act(search(dict, object, wanted.selection(), arena)?))
}

/// The key to put `object` in by.
pub(crate) fn own_key(dict: &RawDict, object: &Bound<'_, PyAny>, wanted: &Wanted) -> PyResult<Key> {
    match wanted {
        Wanted::Known(key) => Ok(key.clone()),
        Wanted::Opaque => opaque_key(object, dict.seed(), dict.handle().participant()),
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
        dict: &RawDict,
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
        dict: &RawDict,
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
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    arena: &Py<Arena>,
    by_key: impl Fn(&Key) -> sharevar::Result<Option<R>>,
) -> PyResult<Option<R>> {
    if let Wanted::Known(key) = wanted {
        let found = by_key(key).or_raise()?;
        if found.is_some() || !dict.has_opaque_keys().or_raise()? {
            return Ok(found);
        }
    }
    resolve_searched(dict, object, wanted, arena, by_key)
}

#[cold]
fn resolve_searched<R>(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    arena: &Py<Arena>,
    by_key: impl Fn(&Key) -> sharevar::Result<Option<R>>,
) -> PyResult<Option<R>> {
    with_found(dict, object, wanted, arena, |search| match search.found {
        None => Ok(Some(None)),
        // One that has gone since is looked for again.
        Some(key) => Ok(by_key(&key).or_raise()?.map(Some)),
    })
}

/// Sets the key that equals `object`, or puts it in.
#[inline]
pub(crate) fn insert(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    value: &Encoded,
    arena: &Py<Arena>,
) -> PyResult<()> {
    if let Wanted::Known(key) = wanted
        && dict.insert_compared(key, value, None).or_raise()?
    {
        return Ok(());
    }
    insert_searched(dict, object, wanted, value, arena)
}

#[cold]
fn insert_searched(
    dict: &RawDict,
    object: &Bound<'_, PyAny>,
    wanted: &Wanted,
    value: &Encoded,
    arena: &Py<Arena>,
) -> PyResult<()> {
    let mut own = OwnKey::default();
    with_found(dict, object, wanted, arena, |search| {
        let key = own.unless_found(&search, dict, object, wanted)?;
        Ok(dict.insert_compared(key, value, Some(search.stamp)).or_raise()?.then_some(()))
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
pub(crate) fn update(dict: &RawDict, pairs: Vec<Pair<'_>>, arena: &Py<Arena>) -> PyResult<()> {
    let mut items = Vec::with_capacity(pairs.len());
    let mut searched = Vec::with_capacity(pairs.len());
    for Pair { object, wanted, value } in pairs {
        let selection = wanted.selection();
        let key = match wanted {
            Wanted::Known(key) => key,
            Wanted::Opaque => opaque_key(&object, dict.seed(), dict.handle().participant())?,
        };
        items.push((key, value));
        searched.push((object, selection));
    }
    if items.len() > RawDict::MAX_ATOMIC_UPDATE && dict.fill(&items).or_raise()? {
        return Ok(());
    }
    let chunks = items.chunks(RawDict::MAX_ATOMIC_UPDATE);
    for (items, searched) in chunks.zip(searched.chunks(RawDict::MAX_ATOMIC_UPDATE)) {
        if !dict.update_compared(items, None).or_raise()? {
            update_searched(dict, items, searched, arena)?;
        }
    }
    Ok(())
}

#[cold]
fn update_searched(
    dict: &RawDict,
    items: &[(Key, Encoded)],
    searched: &[(Bound<'_, PyAny>, Selection)],
    arena: &Py<Arena>,
) -> PyResult<()> {
    let Some((object, _)) = searched.first() else { return Ok(()) };
    attempt(dict, object.py(), || {
        let stamp = dict.keys_stamp().or_raise()?;
        let mut used = Vec::with_capacity(items.len());
        for ((own, value), (object, selection)) in items.iter().zip(searched) {
            let search = search(dict, object, *selection, arena)?;
            if search.stamp != stamp {
                return Ok(None);
            }
            used.push((search.found.unwrap_or_else(|| own.clone()), value.clone()));
        }
        Ok(dict.update_compared(&used, Some(stamp)).or_raise()?.then_some(()))
    })
}
