//! Where a walk reads from: a variable under its lock, or without it.

use sharevar_arena::{Participant, Reader, Result, Transaction, Variable};

/// Reading words of one variable.
pub(crate) trait Source {
    /// A word of the pages.
    fn load(&self, offset: u64) -> Result<u64>;
    /// A word of the variable's body.
    fn body(&self, index: usize) -> u64;
    /// Whether all that was read up to now is of one state.
    fn is_valid(&self) -> bool;
    /// For copying bytes.
    fn participant(&self) -> &Participant;
}

impl Source for Reader<'_> {
    #[inline(always)]
    fn load(&self, offset: u64) -> Result<u64> {
        Reader::load(self, offset)
    }

    #[inline(always)]
    fn body(&self, index: usize) -> u64 {
        Reader::body(self, index)
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        self.is_still_valid()
    }

    fn participant(&self) -> &Participant {
        Reader::participant(self)
    }
}

/// A variable whose lock a transaction holds.
pub(crate) struct Locked<'a, 'p>(pub(crate) &'a Transaction<'p>, pub(crate) Variable);

impl Source for Locked<'_, '_> {
    #[inline(always)]
    fn load(&self, offset: u64) -> Result<u64> {
        self.0.load(offset)
    }

    #[inline(always)]
    fn body(&self, index: usize) -> u64 {
        self.0.body(self.1, index)
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        true
    }

    fn participant(&self) -> &Participant {
        self.0.participant()
    }
}

/// A variable that is read at one moment: under its lock, or in a process that may only read.
pub(crate) enum AtOnce<'a, 'p> {
    /// With the lock.
    Locked(Locked<'a, 'p>),
    /// Without it. What is read is thrown away if the variable has changed meanwhile.
    ReadOnly(&'a Reader<'p>),
}

impl Source for AtOnce<'_, '_> {
    #[inline(always)]
    fn load(&self, offset: u64) -> Result<u64> {
        match self {
            Self::Locked(locked) => locked.load(offset),
            Self::ReadOnly(reader) => reader.load(offset),
        }
    }

    #[inline(always)]
    fn body(&self, index: usize) -> u64 {
        match self {
            Self::Locked(locked) => locked.body(index),
            Self::ReadOnly(reader) => reader.body(index),
        }
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        match self {
            Self::Locked(_) => true,
            Self::ReadOnly(reader) => reader.is_still_valid(),
        }
    }

    fn participant(&self) -> &Participant {
        match self {
            Self::Locked(locked) => locked.participant(),
            Self::ReadOnly(reader) => Reader::participant(reader),
        }
    }
}
