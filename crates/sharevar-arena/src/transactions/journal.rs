//! The journal word of a lane: the phase of its transaction, and the counts of its notes and blocks.
//!
//! ```text
//!  63..62   61..60  59..40     39..20       19..0
//!  phase    zero    notes      allocated    to free
//! ```
//!
//! One word, so that commit is one store: it forgets the notes and the allocated
//! blocks and keeps the blocks to be freed, all at once.

/// The phase of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Under way: if its lane dies, its notes are undone and its allocated blocks given back.
    Active = 0,
    /// Committed: the blocks to free are freed, by the owner or by another.
    Committed = 1,
    /// Undone: the allocated blocks are given back.
    Undone = 2,
}

/// A journal word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Journal(pub(crate) u64);

const COUNT: u64 = (1 << 20) - 1;
/// The most entries that any of the three counts can name.
pub(crate) const MAX_ENTRIES: u64 = COUNT;

impl Journal {
    pub(crate) const EMPTY: Self = Self(0);

    #[inline(always)]
    pub(crate) fn phase(self) -> Phase {
        match self.0 >> 62 {
            0 => Phase::Active,
            1 => Phase::Committed,
            _ => Phase::Undone,
        }
    }

    #[inline(always)]
    pub(crate) fn notes(self) -> u64 {
        self.0 >> 40 & COUNT
    }

    #[inline(always)]
    pub(crate) fn allocated(self) -> u64 {
        self.0 >> 20 & COUNT
    }

    #[inline(always)]
    pub(crate) fn to_free(self) -> u64 {
        self.0 & COUNT
    }

    #[inline(always)]
    pub(crate) fn with_note(self) -> Self {
        Self(self.0 + (1 << 40))
    }

    #[inline(always)]
    pub(crate) fn with_notes(self, count: usize) -> Self {
        Self(self.0 + ((count as u64) << 40))
    }

    #[inline(always)]
    pub(crate) fn with_allocated(self) -> Self {
        Self(self.0 + (1 << 20))
    }

    #[inline(always)]
    pub(crate) fn with_to_free(self) -> Self {
        Self(self.0 + 1)
    }

    /// The word that commits.
    #[inline(always)]
    pub(crate) fn committed(self) -> Self {
        match self.to_free() {
            0 => Self::EMPTY,
            frees => Self(1 << 62 | frees),
        }
    }

    /// The word once every note is undone.
    pub(crate) fn undone(self) -> Self {
        match self.allocated() {
            0 => Self::EMPTY,
            blocks => Self(2 << 62 | blocks << 20),
        }
    }

    /// Blocks that are still to be given back, in either ended phase.
    pub(crate) fn leftover(self) -> u64 {
        match self.phase() {
            Phase::Active => 0,
            Phase::Committed => self.to_free(),
            Phase::Undone => self.allocated(),
        }
    }

    /// The word when one leftover less remains.
    pub(crate) fn less_one(self) -> Self {
        let step = if self.phase() == Phase::Committed { 1 } else { 1 << 20 };
        let rest = Self(self.0 - step);
        if rest.leftover() == 0 { Self::EMPTY } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_forgets_the_undo_and_keeps_the_frees() {
        let word = Journal::EMPTY.with_note().with_note().with_allocated().with_to_free();
        assert_eq!((word.notes(), word.allocated(), word.to_free()), (2, 1, 1));
        let done = word.committed();
        assert_eq!(
            (done.phase(), done.notes(), done.allocated(), done.leftover()),
            (Phase::Committed, 0, 0, 1)
        );
        assert_eq!(done.less_one(), Journal::EMPTY);
    }

    #[test]
    fn undone_gives_back_what_was_allocated() {
        let word = Journal::EMPTY.with_note().with_allocated().with_allocated().with_to_free();
        let undone = word.undone();
        assert_eq!((undone.phase(), undone.leftover()), (Phase::Undone, 2));
        assert_eq!(undone.less_one().leftover(), 1);
        assert_eq!(undone.less_one().less_one(), Journal::EMPTY);
        assert_eq!(Journal::EMPTY.with_note().undone(), Journal::EMPTY);
    }
}
