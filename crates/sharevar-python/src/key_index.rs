//! Which keys of a dict have which `hash()` in this process: an index for keys that only Python
//! can compare.
//!
//! Python's hashes differ between processes that were not forked from one another, so they
//! cannot stand in the arena. Each process has an index for each dict in which it looks for such a key.
//! It is brought up to date from the end of the dict's insertion order, so that each key is
//! hashed once, and what it says is compared with the dict before it is believed.

use crate::arena::Arena;
use crate::decode::decode_bytes;
use crate::errors::{OrRaise, is_ours};
use pyo3::exceptions::{PyException, PyMemoryError, PyRecursionError};
use pyo3::prelude::*;
use sharevar::Variable;
use sharevar::shm::{RawDict, Selection, StoredKey};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Dicts of one arena that a process has an index of; the one that was not used for longest goes.
const MAX_VARIABLES: usize = 64;
/// Entries of keys that are gone, beyond one for each key that is there, before the index is made
/// anew.
const MAX_STALE: u64 = 1024;

/// The keys of one selection, by hash.
#[derive(Debug, Default)]
struct Index {
    /// The stamp of the dict's keys at which none was missing. `None` if the index is empty.
    stamp: Option<u64>,
    /// Hash and number of the entry. The entry may hold another key by now.
    entries: BTreeSet<(isize, u32)>,
}

#[derive(Debug, Default)]
struct Indexes {
    opaque: Index,
    all: Index,
    last_use: u64,
}

impl Indexes {
    fn of(&mut self, selection: Selection) -> &mut Index {
        match selection {
            Selection::Opaque => &mut self.opaque,
            Selection::All => &mut self.all,
        }
    }
}

/// The indexes of the dicts of one arena. Nothing of Python's runs under the lock, so that it is
/// free in a forked child.
#[derive(Debug, Default)]
pub(crate) struct KeyIndexes(Mutex<(HashMap<Variable, Indexes>, u64)>);

impl KeyIndexes {
    fn with<R>(&self, dict: &RawDict, act: impl FnOnce(&mut Indexes) -> R) -> R {
        let variable = dict.handle().variable();
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, clock) = &mut *guard;
        *clock += 1;
        if !all.contains_key(&variable) && all.len() >= MAX_VARIABLES {
            let participant = dict.handle().participant();
            all.retain(|variable, _| participant.variable(variable.header(), variable.generation()).is_ok());
            if all.len() >= MAX_VARIABLES
                && let Some(oldest) = all.iter().min_by_key(|(_, indexes)| indexes.last_use)
            {
                let oldest = *oldest.0;
                all.remove(&oldest);
            }
        }
        let indexes = all.entry(variable).or_default();
        indexes.last_use = *clock;
        act(indexes)
    }
}

thread_local! {
    /// The dicts whose keys this thread is hashing.
    static UNDER_WAY: RefCell<Vec<(Variable, Selection)>> = const { RefCell::new(Vec::new()) };
}

/// One of those, until it is dropped.
struct UnderWay;

impl UnderWay {
    fn begin(place: (Variable, Selection)) -> Self {
        UNDER_WAY.with_borrow_mut(|all| all.push(place));
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(Vec::pop);
    }
}

/// Whether this thread is hashing the dict's keys.
fn is_under_way(dict: &RawDict, selection: Selection) -> bool {
    UNDER_WAY.with_borrow(|all| all.contains(&(dict.handle().variable(), selection)))
}

/// Brings the index up to date, if it is not. The stamp of the dict's keys up to which it is;
/// `None` if keys came meanwhile.
///
/// A `__hash__` that looks for a key in the very dict gets the index without the keys that are
/// being hashed.
pub(crate) fn update(dict: &RawDict, selection: Selection, arena: &Py<Arena>) -> PyResult<Option<u64>> {
    let indexes = arena.get().key_indexes();
    let now = dict.keys_stamp().or_raise()?;
    let seen = indexes.with(dict, |indexes| indexes.of(selection).stamp);
    if seen == Some(now) || is_under_way(dict, selection) {
        return Ok(Some(now));
    }
    let new = dict.keys_since(seen, selection).or_raise()?;
    let under_way = UnderWay::begin((dict.handle().variable(), selection));
    let hashed = hash_all(new.keys, arena)?;
    drop(under_way);
    Ok(indexes.with(dict, |indexes| {
        let index = indexes.of(selection);
        if index.stamp != seen {
            return None;
        }
        if new.all {
            index.entries.clear();
        }
        index.entries.extend(hashed);
        let is_stale = index.entries.len() as u64 > 2 * new.length + MAX_STALE;
        index.stamp = if is_stale { None } else { Some(new.stamp) };
        new.is_current.then_some(new.stamp)
    }))
}

fn hash_all(keys: Vec<(u32, StoredKey)>, arena: &Py<Arena>) -> PyResult<Vec<(isize, u32)>> {
    Python::attach(|py| {
        let mut hashed = Vec::with_capacity(keys.len());
        for (number, key) in keys {
            let hash = object(py, key, arena).and_then(|key| key.hash());
            match hash {
                Ok(hash) => hashed.push((hash, number)),
                Err(error) if equals_nothing(py, &error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(hashed)
    })
}

/// The key as an object.
pub(crate) fn object<'py>(py: Python<'py>, key: StoredKey, arena: &Py<Arena>) -> PyResult<Bound<'py, PyAny>> {
    decode_bytes(py, &key.into_encoding().or_raise()?, &[], arena)
}

/// Whether a key that gives this error is one that no object of this process can equal: its class
/// is not there, or it has no hash.
fn equals_nothing(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
        && !error.is_instance_of::<PyMemoryError>(py)
        && !error.is_instance_of::<PyRecursionError>(py)
        && !is_ours(py, error)
}

/// The entries of the keys that may have this hash. `None` if the index has to be made first.
pub(crate) fn candidates(
    dict: &RawDict,
    selection: Selection,
    hash: isize,
    arena: &Py<Arena>,
) -> Option<Vec<u32>> {
    let is_under_way = is_under_way(dict, selection);
    arena.get().key_indexes().with(dict, |indexes| {
        let index = indexes.of(selection);
        if index.stamp.is_none() && !is_under_way {
            // Another thread has used so many dicts meanwhile that this one's index was given up.
            return None;
        }
        let entries = index.entries.range((hash, 0)..=(hash, u32::MAX));
        Some(entries.map(|(_, number)| *number).collect())
    })
}

/// Forgets entries whose keys have another hash by now.
pub(crate) fn forget(dict: &RawDict, selection: Selection, hash: isize, stale: &[u32], arena: &Py<Arena>) {
    arena.get().key_indexes().with(dict, |indexes| {
        for number in stale {
            indexes.of(selection).entries.remove(&(hash, *number));
        }
    });
}
