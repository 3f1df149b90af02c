//! Where words are changed: in a transaction that holds the lock, or on the fast path.

use super::source::Source;
use sharevar_arena::{NotedStores, Participant, Result, Transaction, Variable};

/// Changing words of one variable. Of a word that is set, the old content is noted.
pub(crate) trait Target: Source {
    /// Sets a word of the pages.
    fn set(&mut self, offset: u64, value: u64) -> Result<()>;
    /// Sets words of the pages that lie together.
    fn set_words<const N: usize>(&mut self, offset: u64, values: [u64; N]) -> Result<()>;
    /// Sets words of the body that lie together, in its first half or in its second.
    fn set_body<const N: usize>(&mut self, first: usize, values: [u64; N]) -> Result<()>;
    /// Stores a word of the pages without a note, since its old content is not wanted: no reader reaches it
    /// before a word is set that leads to it, nor after that is undone.
    fn put(&self, offset: u64, value: u64) -> Result<()>;
}

/// A variable whose lock a transaction holds.
pub(crate) struct LockedTarget<'a, 'p>(pub(crate) &'a mut Transaction<'p>, pub(crate) Variable);

impl Source for LockedTarget<'_, '_> {
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

impl Target for LockedTarget<'_, '_> {
    #[inline(always)]
    fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        self.0.set(offset, value)
    }

    #[inline(always)]
    fn set_words<const N: usize>(&mut self, offset: u64, values: [u64; N]) -> Result<()> {
        self.0.set_words(offset, values.into_iter())
    }

    #[inline(always)]
    fn set_body<const N: usize>(&mut self, first: usize, values: [u64; N]) -> Result<()> {
        self.0.set_body_words(self.1, first, values)
    }

    #[inline(always)]
    fn put(&self, offset: u64, value: u64) -> Result<()> {
        self.0.put(offset, value)
    }
}

impl Source for NotedStores<'_, '_> {
    #[inline(always)]
    fn load(&self, offset: u64) -> Result<u64> {
        NotedStores::load(self, offset)
    }

    #[inline(always)]
    fn body(&self, index: usize) -> u64 {
        NotedStores::body(self, index)
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        true
    }

    fn participant(&self) -> &Participant {
        NotedStores::participant(self)
    }
}

impl Target for NotedStores<'_, '_> {
    #[inline(always)]
    fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        NotedStores::set(self, offset, value)
    }

    #[inline(always)]
    fn set_words<const N: usize>(&mut self, offset: u64, values: [u64; N]) -> Result<()> {
        NotedStores::set_words(self, offset, values.into_iter())
    }

    #[inline(always)]
    fn set_body<const N: usize>(&mut self, first: usize, values: [u64; N]) -> Result<()> {
        NotedStores::set_body_words(self, first, values)
    }

    #[inline(always)]
    fn put(&self, offset: u64, value: u64) -> Result<()> {
        NotedStores::put(self, offset, value)
    }
}
