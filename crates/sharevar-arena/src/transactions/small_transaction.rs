//! The fast path for changes of a few words of one variable: semaphores, events and queues are
//! made of these.
//!
//! A transaction without the lists of blocks: the lane, one lock, notes. Nothing is
//! allocated or given up, so commit is the one store that forgets the notes, and when one
//! word is the whole change there is none.
//!
//! The version is not stepped. So kinds whose words are changed in this way are read
//! without the lock one word at a time only. Containers, of which readers without the lock take
//! several words, are changed by `noted_stores`.

use crate::error::{Error, Result};
use crate::locks::futex_wake::FutexWake;
use crate::locks::lock_context::LockContext;
use crate::locks::short_lock;
use crate::mapping::layout::{lane as lane_layout, variable as layout};
use crate::process::identity::{Claim, State};
use crate::process::participant::Participant;
use crate::proof::crash::put;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::transactions::journal::Journal;
use crate::transactions::lane::Lane;
use crate::transactions::undo;
use crate::variables::variable::Variable;

/// One variable under its lock.
pub struct SmallTransaction<'p> {
    participant: &'p Participant,
    variable: Variable,
    lane: Lane<'p>,
    lock: &'p AtomicU32,
    journal: Journal,
    /// The state to leave the lane in.
    idle: u64,
}

impl<'p> SmallTransaction<'p> {
    /// Word `index` (0 to 7) of the variable's body.
    #[inline(always)]
    pub fn body(&self, index: usize) -> u64 {
        self.body_word(index).load(Ordering::Acquire)
    }

    /// A word of the pages.
    #[inline(always)]
    pub fn load(&self, offset: u64) -> Result<u64> {
        Ok(self.participant.arena().word(offset)?.load(Ordering::Acquire))
    }

    /// Notes the old word `index` of the body, then stores `value`.
    #[inline(always)]
    pub fn set_body(&mut self, index: usize, value: u64) -> Result<()> {
        self.note_and_store(self.variable.body(index), self.body_word(index), value)
    }

    /// Notes the old word at `offset` of the pages, then stores `value`.
    #[inline(always)]
    pub fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        self.note_and_store(offset, self.participant.arena().word(offset)?, value)
    }

    /// Stores word `index` of the body as the whole of this change.
    #[inline(always)]
    pub fn change_body(&self, index: usize, value: u64) {
        debug_assert_eq!(self.journal, Journal::EMPTY);
        put(self.body_word(index), value);
    }

    /// Stores element `index` of `size` bytes in the block of an array, as the whole of this change.
    pub fn change_element(&self, block: u64, size: u64, index: u64, bits: u64) -> Result<()> {
        debug_assert_eq!(self.journal, Journal::EMPTY);
        self.participant.store_element(block, size, index, bits)
    }

    /// Stores word `index` of the body, which is not read before the store that follows.
    #[inline(always)]
    pub fn put_body(&self, index: usize, value: u64) {
        put(self.body_word(index), value);
    }

    /// Stores a word of the pages that is not read before the store that follows; or as the
    /// whole of this change.
    #[inline(always)]
    pub fn put(&self, offset: u64, value: u64) -> Result<()> {
        put(self.participant.arena().word(offset)?, value);
        Ok(())
    }

    /// The participant that changes.
    #[inline(always)]
    pub fn participant(&self) -> &'p Participant {
        self.participant
    }

    #[inline(always)]
    fn body_word(&self, index: usize) -> &'p AtomicU64 {
        self.participant.arena().table_word(self.variable.body(index))
    }

    #[inline(always)]
    fn note_and_store(&mut self, offset: u64, word: &AtomicU64, value: u64) -> Result<()> {
        let index = self.journal.notes();
        if index >= lane_layout::NOTES_INLINE {
            return Err(Error::TransactionTooLarge { limit: lane_layout::NOTES_INLINE });
        }
        self.lane.note_and_store(&mut self.journal, offset, word, value)
    }

    #[inline(always)]
    fn commit(&mut self) {
        if self.journal != Journal::EMPTY {
            self.journal = Journal::EMPTY;
            self.lane.set_journal(self.journal);
        }
    }
}

impl std::fmt::Debug for SmallTransaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmallTransaction")
            .field("variable", &self.variable)
            .field("journal", &self.journal)
            .finish()
    }
}

impl Drop for SmallTransaction<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.journal != Journal::EMPTY {
            undo::undo(self.lane);
        }
        short_lock::release_soon(self.lock, &FutexWake);
        put(self.lane.state(), self.idle);
    }
}

impl Participant {
    /// Runs `body` with the lock of `variable`, which is waited for. Its stores are all there
    /// once this returns, or, if it fails or this process dies, as it was.
    ///
    /// # Errors
    /// `body`'s own; closed arena; [`Error::HandleExpired`] if the variable is another by now.
    #[inline(always)]
    pub fn change<R>(
        &self,
        variable: Variable,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> Result<R>,
    ) -> Result<R> {
        if self.arena().is_closed() {
            return Err(Error::Closed);
        }
        if self.has_pending_releases() {
            self.flush_releases()?;
        }
        match self.enter_first() {
            Some((_, number, idle)) => {
                self.change_in(Lane::new(self.arena(), number - 1), idle, variable, body)
            }
            None => self.change_in_any(variable, body),
        }
    }

    /// The same for a caller that cannot rely on [`Self::assume_one_at_a_time`]: any thread may call
    /// `exit`.
    pub fn change_at_exit<R>(
        &self,
        variable: Variable,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> Result<R>,
    ) -> Result<R> {
        self.change_in_any(variable, body)
    }

    #[inline(always)]
    fn change_in_any<R>(
        &self,
        variable: Variable,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> Result<R>,
    ) -> Result<R> {
        let idle = Claim::new(State::Idle, self.identity()).0;
        self.change_in(self.enter()?, idle, variable, body)
    }

    #[inline(always)]
    fn change_in<R>(
        &self,
        lane: Lane<'_>,
        idle: u64,
        variable: Variable,
        body: impl FnOnce(&mut SmallTransaction<'_>) -> Result<R>,
    ) -> Result<R> {
        let lock = self.arena().table_word32(variable.header() + layout::LOCK);
        // Noted before it is taken, so that a lock that is held is always found.
        if !is_seeded(Mutation::LockNotedAfterTaken) {
            put(lane.lock_note(0), variable.header());
        }
        if short_lock::try_take(lock, lane.lock_id()).is_err() {
            self.take_contended(lane, lock)?;
        }
        if is_seeded(Mutation::LockNotedAfterTaken) {
            put(lane.lock_note(0), variable.header());
        }
        let mut change =
            SmallTransaction { participant: self, variable, lane, lock, journal: Journal::EMPTY, idle };
        let generation = self.arena().table_word(variable.header() + layout::GENERATION);
        if generation.load(Ordering::Relaxed) != variable.generation() {
            return Err(Error::HandleExpired);
        }
        let done = body(&mut change)?;
        change.commit();
        Ok(done)
    }

    /// Word `index` of the body of `variable`, without its lock: for words that say something
    /// each by itself.
    #[inline(always)]
    pub fn body(&self, variable: Variable, index: usize) -> u64 {
        self.arena().table_word(variable.body(index)).load(Ordering::Acquire)
    }

    #[cold]
    fn take_contended(&self, lane: Lane<'_>, lock: &AtomicU32) -> Result<()> {
        let contender = LockContext { arena: self.arena(), by: self.identity() };
        let taken = short_lock::take_contended(lock, lane.lock_id(), &contender);
        if taken.is_err() {
            self.leave(lane);
        }
        taken
    }
}
