//! The references of this process, and the counts of the handles that share them.

use crate::variables::variable::Variable;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The table of a participant's references. Python objects and Rust handles count here.
#[derive(Debug, Default, Clone)]
pub(crate) struct ReferenceTable {
    /// Variable to its entry's offset and the handles that share it.
    pub(crate) entries: HashMap<Variable, (u64, u64), BuildHasherDefault<VariableHasher>>,
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

/// Hashes the two numbers of a variable. No other process chooses them so that they collide: headers are
/// given one after the other.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct VariableHasher(u64);

impl Hasher for VariableHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // Headers differ in the middle bits, the table takes its highest and its lowest ones.
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
