//! The heap's own transaction: a handful of notes, one or two leaf locks.

use crate::error::{Error, Result};
use crate::locks::futex_wake::FutexWake;
use crate::locks::lock_context::LockContext;
use crate::locks::short_lock;
use crate::mapping::layout::lane as layout;
use crate::process::identity::Identity;
use crate::proof::crash::put;
use crate::sync::Ordering;
use crate::transactions::lane::Lane;
use crate::transactions::undo;

/// A heap transaction under way in a lane. It is undone when it is dropped uncommitted.
pub(crate) struct HeapTransaction<'a> {
    lane: Lane<'a>,
    by: Identity,
    notes: u64,
    locks: usize,
}

impl<'a> HeapTransaction<'a> {
    /// Begins in `lane`, on behalf of `by`: the lane's owner or its recoverer.
    #[inline]
    pub(crate) fn begin(lane: Lane<'a>, by: Identity) -> Self {
        debug_assert_eq!(lane.inner().load(Ordering::Relaxed), 0);
        Self { lane, by, notes: 0, locks: 0 }
    }

    #[inline]
    pub(crate) fn lane(&self) -> Lane<'a> {
        self.lane
    }

    /// Takes a leaf lock. Order: a variable's (for its references), the variable table's; or a
    /// size class's, then that of the page runs.
    #[inline]
    pub(crate) fn lock(&mut self, lock: u64) -> Result<()> {
        assert!(self.locks < layout::MAX_INNER_LOCKS);
        // Noted before it is taken, so that a lock that is held is always found.
        put(self.lane.inner_lock_note(self.locks), lock);
        let word = self.lane.arena.table_word32(lock);
        if short_lock::try_take(word, self.lane.lock_id()).is_err() {
            let contender = LockContext { arena: self.lane.arena, by: self.by };
            short_lock::take_contended(word, self.lane.lock_id(), &contender)?;
        }
        self.locks += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn load(&self, offset: u64) -> Result<u64> {
        Ok(self.lane.arena.any_word(offset)?.load(Ordering::Acquire))
    }

    /// Notes the old word at `offset`, then stores `value`.
    #[inline]
    pub(crate) fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        let word = self.lane.arena.any_word(offset)?;
        if self.notes == layout::MAX_INNER_NOTES {
            return Err(Error::corrupt("a heap transaction grows beyond its bound", offset));
        }
        let (at, old) = self.lane.inner_note(self.notes);
        put(at, offset);
        put(old, word.load(Ordering::Relaxed));
        self.notes += 1;
        put(self.lane.inner(), self.notes);
        put(word, value);
        Ok(())
    }

    /// Stores into memory that is not reachable unless this commits.
    #[inline]
    pub(crate) fn put(&self, offset: u64, value: u64) -> Result<()> {
        put(self.lane.arena.any_word(offset)?, value);
        Ok(())
    }

    /// Commits and releases the locks.
    #[inline]
    pub(crate) fn commit(mut self) {
        if self.notes > 0 {
            put(self.lane.inner(), 0);
            self.notes = 0;
        }
        self.unlock();
    }

    fn unlock(&mut self) {
        for index in (0..std::mem::take(&mut self.locks)).rev() {
            let lock = self.lane.inner_lock_note(index).load(Ordering::Relaxed);
            short_lock::release(self.lane.arena.table_word32(lock), &FutexWake);
        }
    }
}

impl Drop for HeapTransaction<'_> {
    fn drop(&mut self) {
        if self.notes > 0 {
            undo::undo_heap(self.lane);
        }
        self.unlock();
    }
}
