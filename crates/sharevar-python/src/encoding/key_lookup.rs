//! Looking keys up in the index of a dict, which is brought up to date first.
//!
//! The update goes from the end of the dict's insertion order, so that each key is hashed once. An
//! entry of the index is compared with the dict before it counts.

use crate::encoding::key::AnyDict;
use crate::encoding::key_hashing::{Hashing, hashed_so_far};
use crate::encoding::key_index::{Candidate, Indexes};
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::prelude::*;
use sharevar::engine::{LocalId, Selection};
use std::collections::HashSet;

/// Entries of keys that are gone, beyond one for each key that is there, before the index is made
/// anew.
const MAX_STALE: u64 = 1024;

/// The name of a dict inside of its home.
fn id(dict: &AnyDict) -> LocalId {
    match dict.shm() {
        Some(raw) => {
            let variable = raw.handle().variable();
            LocalId { number: variable.header(), generation: variable.generation() }
        }
        None => dict.handle().id(),
    }
}

fn with<R>(dict: &AnyDict, store: &Py<Store>, act: impl FnOnce(&mut Indexes) -> R) -> R {
    let store = store.get();
    store.key_indexes().with(id(dict), store.home(), act)
}

/// Brings the index up to date, if it is not. Returns the stamp of the dict's keys up to which it is;
/// `None` if keys came meanwhile.
///
/// A `__hash__` may look for another key in the very dict: then the rest of the keys are hashed
/// within it, and the outermost alone enters them.
pub(crate) fn update(dict: &AnyDict, selection: Selection, store: &Py<Store>) -> PyResult<Option<u64>> {
    let now = dict.any().keys_stamp().or_raise()?;
    let (seen, has_unread) = with(dict, store, |indexes| {
        let index = indexes.of(selection);
        (index.stamp, !index.unread.is_empty())
    });
    if seen == Some(now) && !has_unread {
        return Ok(Some(now));
    }
    let hashing = Hashing::begin((id(dict), selection));
    if has_unread {
        read_again(dict, selection, store, &hashing)?;
        if seen == Some(now) {
            return Ok(Some(now));
        }
    }
    let new = dict.any().keys_since(seen, selection).or_raise()?;
    let hashed = hashing.hash(new.keys, dict.any().seed(), store)?;
    if !hashing.is_outermost {
        return Ok(new.is_current.then_some(new.stamp));
    }
    Ok(with(dict, store, |indexes| {
        let index = indexes.of(selection);
        if index.stamp != seen {
            return None;
        }
        if new.all {
            index.entries.clear();
            index.unread.clear();
        }
        index.entries.extend(hashed.known);
        index.note_unread(hashed.unread);
        let is_stale = index.entries.len() as u64 > 2 * new.length + MAX_STALE;
        index.stamp = if is_stale { None } else { Some(new.stamp) };
        new.is_current.then_some(new.stamp)
    }))
}

/// Tries one key of each error; if any can be read now, or is gone, all of them.
fn read_again(dict: &AnyDict, selection: Selection, store: &Py<Store>, hashing: &Hashing) -> PyResult<()> {
    let hash_at = |numbers: &[u64]| {
        let (keys, _) = dict.any().keys_at(numbers).or_raise()?;
        let keys = numbers.iter().zip(keys).filter_map(|(number, key)| Some((*number, key?)));
        hashing.hash(keys.collect(), dict.any().seed(), store)
    };
    let tried: Vec<u64> = with(dict, store, |indexes| {
        indexes.of(selection).unread.values().filter_map(|numbers| numbers.last().copied()).collect()
    });
    if hash_at(&tried)?.unread.len() == tried.len() {
        return Ok(());
    }
    let all: Vec<u64> =
        with(dict, store, |indexes| indexes.of(selection).unread.values().flatten().copied().collect());
    let hashed = hash_at(&all)?;
    if hashing.is_outermost {
        let unread: HashSet<u64> = hashed.unread.into_iter().map(|(_, number)| number).collect();
        let read: HashSet<u64> = all.into_iter().filter(|number| !unread.contains(number)).collect();
        with(dict, store, |indexes| {
            let index = indexes.of(selection);
            index.entries.extend(hashed.known);
            index.unread.retain(|_, numbers| {
                numbers.retain(|number| !read.contains(number));
                !numbers.is_empty()
            });
        });
    }
    Ok(())
}

/// The entries of the keys that may have this hash. `None` if the index has to be made first.
pub(crate) fn candidates(
    dict: &AnyDict,
    selection: Selection,
    hash: isize,
    store: &Py<Store>,
) -> Option<Vec<Candidate>> {
    let begun = hashed_so_far((id(dict), selection), hash);
    with(dict, store, |indexes| {
        let index = indexes.of(selection);
        if index.stamp.is_none() && begun.is_none() {
            // Another thread has used so many dicts meanwhile that this one's index was given up.
            return None;
        }
        let least = Candidate { number: 0, mark: 0 };
        let entries = index.entries.range((hash, least)..).take_while(|(same, _)| *same == hash);
        let mut candidates: Vec<Candidate> = entries.map(|(_, candidate)| *candidate).collect();
        candidates.extend(begun.unwrap_or_default());
        Some(candidates)
    })
}

/// Forgets candidates in whose entries there are other keys by now.
pub(crate) fn forget(
    dict: &AnyDict,
    selection: Selection,
    hash: isize,
    stale: &[Candidate],
    store: &Py<Store>,
) {
    with(dict, store, |indexes| {
        for candidate in stale {
            indexes.of(selection).entries.remove(&(hash, *candidate));
        }
    });
}
