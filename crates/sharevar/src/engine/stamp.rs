//! The state of a variable at one moment.

/// Tells whether a variable was changed since: it is another one after each change.
///
/// A stamp is taken before or with the reading of what it is about, so that a change in between is
/// noticed, at worst for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// The lower bits have the count, and the others its history.
    const COUNT_BITS: u32 = 48;
    const COUNT: u64 = (1 << Self::COUNT_BITS) - 1;

    /// Returns the stamp of an engine's count of changes.
    #[inline(always)]
    pub fn new(changes: u64) -> Self {
        Self(changes)
    }

    /// Returns the stamp of a count that is only one of its history: in another one, of a number that this
    /// process has given it, the same count may stand for another state.
    pub fn in_history(history: u16, changes: u64) -> Self {
        Self((u64::from(history) << Self::COUNT_BITS) | (changes & Self::COUNT))
    }

    /// Returns the count of changes.
    pub fn changes(self) -> u64 {
        self.0 & Self::COUNT
    }

    /// Returns the number of the history; 0 where there is only one.
    pub fn history(self) -> u16 {
        (self.0 >> Self::COUNT_BITS) as u16
    }

    /// Returns the whole stamp as a number, to be compared only. [`new`](Self::new) makes the stamp of it again.
    pub fn to_bits(self) -> u64 {
        self.0
    }
}
