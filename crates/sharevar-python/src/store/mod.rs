//! The store's object: one home of variables, as this process sees it. It knows no variables, so that the
//! files below them may import it; `methods` and `lookup` know them.

mod lookup;
mod methods;

use crate::encoding::key_index::KeyIndexes;
use pyo3::prelude::*;
use sharevar::engine::{Backed, Home, Names};
use sharevar::shm::RawDict;
use sharevar::{Manager, Participant};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A home of variables: an arena, or what another engine keeps.
#[pyclass(subclass, frozen, weakref, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Store {
    home: Home,
    names: Backed<RawDict, dyn Names>,
    /// The name by which any process of the user finds it.
    name: Option<String>,
    /// Whether variables that are made without a manager are in this home.
    is_of_family: AtomicBool,
    key_indexes: KeyIndexes,
}

impl Store {
    pub(crate) fn of_arena(participant: Arc<Participant>, root: RawDict, name: Option<String>) -> Self {
        Self::of(Home::Shm(participant), Backed::Shm(root), name)
    }

    pub(crate) fn of_engine(manager: &Manager) -> Self {
        Self::of(manager.home().clone(), manager.root_of_names().clone(), None)
    }

    fn of(home: Home, names: Backed<RawDict, dyn Names>, name: Option<String>) -> Self {
        let is_of_family = AtomicBool::new(false);
        Self { home, names, name, is_of_family, key_indexes: KeyIndexes::default() }
    }

    /// The indexes that this process has of the keys of dicts.
    pub(crate) fn key_indexes(&self) -> &KeyIndexes {
        &self.key_indexes
    }

    /// Whether variables that are made without a manager are in this home.
    #[inline(always)]
    pub(crate) fn is_of_family(&self) -> bool {
        self.is_of_family.load(Ordering::Relaxed)
    }

    pub(crate) fn become_family(&self) {
        self.is_of_family.store(true, Ordering::Relaxed);
    }

    /// The variables that have names.
    pub(crate) fn root(&self) -> &Backed<RawDict, dyn Names> {
        &self.names
    }

    /// Where the variables are.
    #[inline(always)]
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }
}
