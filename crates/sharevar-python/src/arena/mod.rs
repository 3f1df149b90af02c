//! The arena's object: one attachment of this process. It knows no variables, so that the files
//! below them may import it; `methods` and `lookup` know them.

mod lookup;
mod methods;

pub(crate) use methods::{manager_names, remove_manager};

use crate::encoding::key_index::KeyIndexes;
use pyo3::prelude::*;
use sharevar::Participant;
use sharevar::shm::RawDict;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One shared mapping, and this process's attachment to it.
#[pyclass(frozen, weakref, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Arena {
    participant: Arc<Participant>,
    root: RawDict,
    /// The name by which any process of the user finds it.
    name: Option<String>,
    /// Whether variables that are made without a manager are in this arena.
    is_of_family: AtomicBool,
    key_indexes: KeyIndexes,
}

impl Arena {
    fn of(participant: Arc<Participant>, root: RawDict, name: Option<String>) -> Self {
        // A thread that changes variables by this object holds the interpreter's lock, if there is one.
        #[cfg(not(Py_GIL_DISABLED))]
        participant.assume_one_at_a_time();
        let is_of_family = AtomicBool::new(false);
        Self { participant, root, name, is_of_family, key_indexes: KeyIndexes::default() }
    }

    /// The indexes that this process has of the keys of dicts.
    pub(crate) fn key_indexes(&self) -> &KeyIndexes {
        &self.key_indexes
    }

    /// Whether variables that are made without a manager are in this arena.
    #[inline(always)]
    pub(crate) fn is_of_family(&self) -> bool {
        self.is_of_family.load(Ordering::Relaxed)
    }

    /// The dict of the variables that have names.
    pub(crate) fn root(&self) -> &RawDict {
        &self.root
    }

    /// This process as a participant of the arena.
    #[inline(always)]
    pub(crate) fn participant(&self) -> &Arc<Participant> {
        &self.participant
    }
}

/// Tell every arena that this process ends in order: a lock that it still holds becomes a signal.
#[pyfunction]
pub(crate) fn depart() {
    sharevar::settle_all_at_exit();
}
