//! The references of this process, and the counts of the handles that share them.

use crate::variables::variable::Variable;
use std::collections::HashMap;

/// The table of a participant's references. Python objects and Rust handles count here.
#[derive(Debug, Default, Clone)]
pub(crate) struct ReferenceTable {
    /// Variable to its entry's offset and the handles that share it.
    pub(crate) entries: HashMap<Variable, (u64, u64)>,
    /// Entries that are zero.
    pub(crate) free: Vec<u64>,
    /// Handles that were dropped and are not yet counted off.
    pub(crate) dropped: Vec<Variable>,
}

impl ReferenceTable {
    /// The variables held, each with its number of handles.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (Variable, u64)> {
        self.entries.iter().map(|(variable, (_, handles))| (*variable, *handles))
    }

    pub(crate) fn insert(&mut self, variable: Variable, entry: u64, handles: u64) {
        self.entries.insert(variable, (entry, handles));
    }

    /// Whether no dropped handle waits to be counted off.
    pub(crate) fn is_settled(&self) -> bool {
        self.dropped.is_empty()
    }
}
