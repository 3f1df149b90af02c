//! The state of a variable at one moment.

/// Tells whether a variable was changed since: it is another one after each change.
///
/// A stamp is taken before or with the reading of what it is about, so that a change in between is
/// noticed, at worst for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// Returns the stamp of an engine's count of changes.
    #[inline(always)]
    pub fn new(changes: u64) -> Self {
        Self(changes)
    }

    /// Returns the count of changes.
    pub fn changes(self) -> u64 {
        self.0
    }
}
