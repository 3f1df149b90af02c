//! Changes of several words on the fast path: what a [`Transaction`](crate::Transaction) does under one lock,
//! without its lists of blocks.
//!
//! The version is odd from the first store to the last, so that readers without the lock take no half of the
//! change for a state: this is the way of containers. `small_transaction`, which steps no version, is that of
//! locks and queues. The order is that of a transaction: version, notes, their count, stores, commit, version,
//! and then the lock is released.

use crate::error::{Error, Result};
use crate::mapping::layout::{lane as lane_layout, variable as layout};
use crate::process::participant::Participant;
use crate::proof::crash::put;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::{AtomicU64, Ordering};
use crate::transactions::journal::Journal;
use crate::transactions::lane::Lane;
use crate::transactions::single_store::SingleStore;
use crate::transactions::undo;

/// Several words of one variable under its lock. Dropped uncommitted, their old content is put back.
pub struct NotedStores<'a, 'p> {
    store: &'a SingleStore<'p>,
    lane: Lane<'p>,
    journal: Journal,
}

impl std::fmt::Debug for NotedStores<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotedStores").field("store", self.store).field("journal", &self.journal).finish()
    }
}

impl<'p> SingleStore<'p> {
    /// Begins a change of several words, as the whole of this operation.
    #[inline(always)]
    pub fn noted(&self) -> NotedStores<'_, 'p> {
        let lane = self.lane();
        debug_assert_eq!(lane.journal(), Journal::EMPTY);
        if !is_seeded(Mutation::VersionEvenBesideStores) {
            let version = version_of(self);
            put(version, version.load(Ordering::Relaxed) | 1);
        }
        NotedStores { store: self, lane, journal: Journal::EMPTY }
    }
}

impl<'p> NotedStores<'_, 'p> {
    /// The participant that changes.
    #[inline(always)]
    pub fn participant(&self) -> &'p Participant {
        self.store.participant()
    }

    /// Word `index` of the variable's body.
    #[inline(always)]
    pub fn body(&self, index: usize) -> u64 {
        self.store.body(index)
    }

    /// A word of the pages.
    #[inline(always)]
    pub fn load(&self, offset: u64) -> Result<u64> {
        Ok(self.lane.arena.word(offset)?.load(Ordering::Acquire))
    }

    /// Notes the old word at `offset` of the pages, then stores `value`.
    #[inline(always)]
    pub fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        self.expect_room(1)?;
        let word = self.lane.arena.word(offset)?;
        self.lane.note_and_store(&mut self.journal, offset, word, value)
    }

    /// Notes the old words from `offset` of the pages on, then stores `values`.
    #[inline(always)]
    pub fn set_words(&mut self, offset: u64, values: impl ExactSizeIterator<Item = u64>) -> Result<()> {
        self.expect_room(values.len())?;
        let words = self.lane.arena.words(offset, values.len() as u64)?;
        self.lane.note_and_store_all(&mut self.journal, offset, words, values);
        Ok(())
    }

    /// Notes the old words from `first` on of the body, all in its first half or all in its second, then stores
    /// `values`.
    ///
    /// # Panics
    /// If a word lies elsewhere.
    #[inline(always)]
    pub fn set_body_words<const N: usize>(&mut self, first: usize, values: [u64; N]) -> Result<()> {
        // Beyond a half, words stand that are no part of the body.
        assert!(first / 4 == (first + N - 1) / 4 && first + N <= 8);
        self.expect_room(N)?;
        let offset = self.store.variable().body(first);
        let start = ((offset - self.store.variable().header()) / 8) as usize;
        let words = &self.store.header()[start..start + N];
        self.lane.note_and_store_all(&mut self.journal, offset, words, values.into_iter());
        Ok(())
    }

    /// Stores a word of the pages that is not reached unless this commits.
    #[inline(always)]
    pub fn put(&self, offset: u64, value: u64) -> Result<()> {
        put(self.lane.arena.word(offset)?, value);
        Ok(())
    }

    /// Makes all stores final.
    #[inline(always)]
    pub fn commit(mut self) {
        if is_seeded(Mutation::VersionEvenBeforeCommit) {
            self.end_change();
        }
        if self.journal != Journal::EMPTY {
            self.journal = Journal::EMPTY;
            self.lane.set_journal(self.journal);
        }
    }

    /// Makes the version even.
    #[inline(always)]
    fn end_change(&self) {
        let version = version_of(self.store);
        let now = version.load(Ordering::Relaxed);
        let is_even_for_once = is_seeded(Mutation::VersionEvenBesideStores);
        put(version, now.wrapping_add(1 + u64::from(is_even_for_once)));
    }

    #[inline(always)]
    fn expect_room(&self, notes: usize) -> Result<()> {
        if Lane::inline_notes_from(self.journal.notes()) < notes as u64 {
            return Err(Error::TransactionTooLarge { limit: lane_layout::NOTES_INLINE });
        }
        Ok(())
    }
}

#[inline(always)]
fn version_of<'p>(store: &SingleStore<'p>) -> &'p AtomicU64 {
    &store.header()[layout::VERSION as usize / 8]
}

impl Drop for NotedStores<'_, '_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.journal != Journal::EMPTY {
            undo::undo(self.lane);
        }
        // Also of what was undone: a reader may have seen it.
        self.store.count_change();
        let is_ended = is_seeded(Mutation::VersionEvenBeforeCommit)
            && version_of(self.store).load(Ordering::Relaxed).is_multiple_of(2);
        if !is_ended {
            self.end_change();
        }
    }
}
