//! Which keys of a dict have which `hash()` in this process: an index for keys that only Python
//! can compare.
//!
//! Python's hashes differ between processes that were not forked from one another, so they
//! cannot stand in the arena. Each process has an index for each dict in which it looks for such a key.
//! It is brought up to date from the end of the dict's insertion order, so that each key is
//! hashed once, and what it says is compared with the dict before it is believed.

use crate::arena::Arena;
use crate::encoding::key_hashing::{Candidate, Part, hashed_so_far};
use crate::errors::OrRaise;
use pyo3::prelude::*;
use sharevar::shm::{RawDict, Selection};
use sharevar::{Participant, Variable};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Dicts of one arena that a process has an index of before it looks which of them are no more.
const MIN_VARIABLES: usize = 64;
/// Entries of all the indexes that are kept then; those that were not used for longest go.
const MAX_ENTRIES: usize = 1 << 20;
/// Entries of keys that are gone, beyond one for each key that is there, before the index is made
/// anew.
const MAX_STALE: u64 = 1024;
/// Errors that are told apart; each costs every search one more attempt to read a key.
const MAX_ERRORS: usize = 16;

/// The keys of one selection, by hash.
#[derive(Debug, Default)]
struct Index {
    /// The stamp of the dict's keys at which none was missing. `None` if the index is empty.
    stamp: Option<u64>,
    entries: BTreeSet<(isize, Candidate)>,
    /// The entries of keys that this process could not read or hash, by the error. They equal
    /// nothing until it can: a class may come later, as in a program that is still imported.
    unread: HashMap<String, Vec<u32>>,
}

impl Index {
    fn note_unread(&mut self, unread: Vec<(String, u32)>) {
        for (error, number) in unread {
            let is_known = self.unread.len() < MAX_ERRORS || self.unread.contains_key(&error);
            self.unread.entry(if is_known { error } else { String::new() }).or_default().push(number);
        }
    }
}

#[derive(Debug, Default)]
struct Indexes {
    opaque: Index,
    all: Index,
    last_use: u64,
}

impl Indexes {
    fn len(&self) -> usize {
        self.opaque.entries.len() + self.all.entries.len()
    }

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
pub(crate) struct KeyIndexes(Mutex<ByDict>);

#[derive(Debug, Default)]
struct ByDict {
    all: HashMap<Variable, Indexes>,
    clock: u64,
    /// How many dicts there were when it was looked which of them are no more.
    kept: usize,
}

impl KeyIndexes {
    fn with<R>(&self, dict: &RawDict, act: impl FnOnce(&mut Indexes) -> R) -> R {
        let variable = dict.handle().variable();
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let by_dict = &mut *guard;
        by_dict.clock += 1;
        // When they are twice as many: of many dicts that are used in turn none is hashed anew.
        if by_dict.all.len() >= MIN_VARIABLES.max(2 * by_dict.kept) && !by_dict.all.contains_key(&variable) {
            by_dict.clean(dict.handle().participant());
        }
        let indexes = by_dict.all.entry(variable).or_default();
        indexes.last_use = by_dict.clock;
        act(indexes)
    }
}

impl ByDict {
    #[cold]
    fn clean(&mut self, participant: &Participant) {
        self.all.retain(|variable, _| participant.variable(variable.header(), variable.generation()).is_ok());
        let mut by_age: Vec<_> = self.all.iter().map(|(variable, each)| (each.last_use, *variable)).collect();
        by_age.sort_unstable_by_key(|(last_use, _)| std::cmp::Reverse(*last_use));
        let mut entries = 0;
        for (_, variable) in by_age {
            entries += self.all.get(&variable).map_or(0, Indexes::len);
            if entries > MAX_ENTRIES {
                self.all.remove(&variable);
            }
        }
        self.kept = self.all.len();
    }
}

/// Brings the index up to date, if it is not. The stamp of the dict's keys up to which it is;
/// `None` if keys came meanwhile.
///
/// A `__hash__` may look for another key in the very dict: then the rest of the keys are hashed
/// within it, and the outermost alone enters them.
pub(crate) fn update(dict: &RawDict, selection: Selection, arena: &Py<Arena>) -> PyResult<Option<u64>> {
    let indexes = arena.get().key_indexes();
    let now = dict.keys_stamp().or_raise()?;
    let (seen, has_unread) = indexes.with(dict, |indexes| {
        let index = indexes.of(selection);
        (index.stamp, !index.unread.is_empty())
    });
    if seen == Some(now) && !has_unread {
        return Ok(Some(now));
    }
    let part = Part::begin((dict.handle().variable(), selection));
    if has_unread {
        read_again(dict, selection, arena, &part)?;
        if seen == Some(now) {
            return Ok(Some(now));
        }
    }
    let new = dict.keys_since(seen, selection).or_raise()?;
    let hashed = part.hash(new.keys, dict.seed(), arena)?;
    if !part.is_outermost {
        return Ok(new.is_current.then_some(new.stamp));
    }
    Ok(indexes.with(dict, |indexes| {
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
fn read_again(dict: &RawDict, selection: Selection, arena: &Py<Arena>, part: &Part) -> PyResult<()> {
    let indexes = arena.get().key_indexes();
    let hash_at = |numbers: &[u32]| {
        let (keys, _) = dict.keys_at(numbers).or_raise()?;
        let keys = numbers.iter().zip(keys).filter_map(|(number, key)| Some((*number, key?)));
        part.hash(keys.collect(), dict.seed(), arena)
    };
    let tried: Vec<u32> = indexes.with(dict, |indexes| {
        indexes.of(selection).unread.values().filter_map(|numbers| numbers.last().copied()).collect()
    });
    if hash_at(&tried)?.unread.len() == tried.len() {
        return Ok(());
    }
    let all: Vec<u32> =
        indexes.with(dict, |indexes| indexes.of(selection).unread.values().flatten().copied().collect());
    let hashed = hash_at(&all)?;
    if part.is_outermost {
        let unread: HashSet<u32> = hashed.unread.into_iter().map(|(_, number)| number).collect();
        let read: HashSet<u32> = all.into_iter().filter(|number| !unread.contains(number)).collect();
        indexes.with(dict, |indexes| {
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
    dict: &RawDict,
    selection: Selection,
    hash: isize,
    arena: &Py<Arena>,
) -> Option<Vec<Candidate>> {
    let begun = hashed_so_far((dict.handle().variable(), selection), hash);
    arena.get().key_indexes().with(dict, |indexes| {
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
    dict: &RawDict,
    selection: Selection,
    hash: isize,
    stale: &[Candidate],
    arena: &Py<Arena>,
) {
    arena.get().key_indexes().with(dict, |indexes| {
        for candidate in stale {
            indexes.of(selection).entries.remove(&(hash, *candidate));
        }
    });
}
