//! The index of a dict's keys by their `hash()` in this process, for keys that only Python can
//! compare.
//!
//! Python's hashes differ between processes that were not forked from one another, so they
//! cannot stand beside the keys. Each process has an index for each dict in which it looks for such a key.
//! `key_lookup` brings it up to date.

use sharevar::engine::{Home, LocalId, Selection};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// The number of indexed dicts of one home from which on a process removes those of freed dicts.
const MIN_VARIABLES: usize = 64;
/// Entries of all the indexes that are kept then; those that were not used for longest go.
const MAX_ENTRIES: usize = 1 << 20;
/// Errors that are told apart; each costs every search one more attempt to read a key.
const MAX_ERRORS: usize = 16;

/// A key that may be the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Candidate {
    /// The number of its place, which may hold another key by now.
    pub(crate) number: u64,
    /// The hash of its bytes, by which that is seen: its `__hash__` runs once, as
    /// for a dict.
    pub(crate) mark: u64,
}

/// The keys of one selection, by hash.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The stamp of the dict's keys at which none was missing. `None` if the index is empty.
    pub(super) stamp: Option<u64>,
    pub(super) entries: BTreeSet<(isize, Candidate)>,
    /// The entries of keys that this process could not read or hash, by the error. They equal
    /// nothing until it can: a class may come later, as in a program that is still imported.
    pub(super) unread: HashMap<String, Vec<u64>>,
}

impl Index {
    pub(super) fn note_unread(&mut self, unread: Vec<(String, u64)>) {
        for (error, number) in unread {
            let is_known = self.unread.len() < MAX_ERRORS || self.unread.contains_key(&error);
            self.unread.entry(if is_known { error } else { String::new() }).or_default().push(number);
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Indexes {
    opaque: Index,
    all: Index,
    last_use: u64,
}

impl Indexes {
    fn len(&self) -> usize {
        self.opaque.entries.len() + self.all.entries.len()
    }

    pub(super) fn of(&mut self, selection: Selection) -> &mut Index {
        match selection {
            Selection::Opaque => &mut self.opaque,
            Selection::All => &mut self.all,
        }
    }
}

/// The indexes of the dicts of one home. Nothing of Python's runs under the lock, so that it is
/// free in a forked child.
#[derive(Debug, Default)]
pub(crate) struct KeyIndexes(Mutex<ByDict>);

#[derive(Debug, Default)]
struct ByDict {
    all: HashMap<LocalId, Indexes>,
    clock: u64,
    /// The number of dicts after the last removal of freed ones.
    kept: usize,
}

impl KeyIndexes {
    pub(super) fn with<R>(&self, dict: LocalId, home: &Home, act: impl FnOnce(&mut Indexes) -> R) -> R {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let by_dict = &mut *guard;
        by_dict.clock += 1;
        // When they are twice as many: of many dicts that are used in turn none is hashed anew.
        if by_dict.all.len() >= MIN_VARIABLES.max(2 * by_dict.kept) && !by_dict.all.contains_key(&dict) {
            by_dict.clean(home);
        }
        let indexes = by_dict.all.entry(dict).or_default();
        indexes.last_use = by_dict.clock;
        act(indexes)
    }
}

impl ByDict {
    #[cold]
    fn clean(&mut self, home: &Home) {
        // To ask another engine would take a message for each.
        if let Home::Shm(participant) = home {
            self.all.retain(|dict, _| participant.variable(dict.number, dict.generation).is_ok());
        }
        let mut by_age: Vec<_> = self.all.iter().map(|(dict, each)| (each.last_use, *dict)).collect();
        by_age.sort_unstable_by_key(|(last_use, _)| std::cmp::Reverse(*last_use));
        let mut entries = 0;
        for (_, dict) in by_age {
            // One for itself, since those of freed dicts may be here still.
            entries += self.all.get(&dict).map_or(0, |each| each.len() + 1);
            if entries > MAX_ENTRIES {
                self.all.remove(&dict);
            }
        }
        self.kept = self.all.len();
    }
}
