//! The state of a barrier, in one word.
//!
//! ```text
//!  63        28   27      4    3     2        1         0
//!  generation     arrivals     -     owed     running   broken
//! ```
//!
//! **Broken*: this generation is broken, and stays so until a reset. *Running*: all
//! have arrived, and the last of them runs the action. **Owed*: the waiter that decided has not
//! yet woken the others; a waiter that finds that when it leaves does it instead.

pub(super) const BROKEN: u64 = 1;
pub(super) const RUNNING: u64 = 1 << 1;
pub(super) const OWED: u64 = 1 << 2;
const ARRIVALS: u32 = 4;
const GENERATION: u32 = 28;
/// More threads than a kernel has do not arrive.
const MOST_ARRIVALS: u64 = (1 << (GENERATION - ARRIVALS)) - 1;
/// The stamp of those that waited at a reset.
pub(super) const WAS_RESET: u64 = u64::MAX;

/// The state word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u64);

impl State {
    pub(super) fn generation(self) -> u64 {
        self.0 >> GENERATION
    }

    pub(super) fn arrivals(self) -> u64 {
        self.0 >> ARRIVALS & MOST_ARRIVALS
    }

    pub(super) fn is(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn with(self, flag: u64) -> Self {
        Self(self.0 | flag)
    }

    pub(super) fn without(self, flag: u64) -> Self {
        Self(self.0 & !flag)
    }

    pub(super) fn with_arrivals(self, arrivals: u64) -> Self {
        Self(self.0 & !(MOST_ARRIVALS << ARRIVALS) | arrivals << ARRIVALS)
    }

    /// The state in which the next generation begins.
    pub(super) fn next(self) -> Self {
        Self(self.generation().wrapping_add(1) << GENERATION)
    }

    /// The stamp of arrival `index` of this generation.
    pub(super) fn stamp(self, index: u64) -> u64 {
        self.generation() << GENERATION | index
    }

    /// Whether a stamp is of this generation.
    pub(super) fn is_of(self, stamp: u64) -> bool {
        stamp != WAS_RESET && stamp >> GENERATION == self.generation()
    }
}

/// The index in a stamp.
pub(super) fn index(stamp: u64) -> u64 {
    stamp & MOST_ARRIVALS
}
