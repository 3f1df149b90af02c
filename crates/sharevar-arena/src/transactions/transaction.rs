//! A transaction: the general way to change what a lock protects. `single_store`, `noted_stores` and
//! `small_transaction` are shorter ways for changes that take and free no memory.
//!
//! Note the lock wanted, take it; before each store note the old word; commit is
//! one store. Dropped uncommitted, it undoes itself by the same code that recovers
//! the dead.

use crate::error::{Error, Result};
use crate::heap;
use crate::locks::futex_wake::FutexWake;
use crate::locks::lock_context::LockContext;
use crate::locks::long_lock;
use crate::locks::short_lock;
use crate::mapping::layout::{lane as lane_layout, variable};
use crate::process::identity::Identity;
use crate::process::participant::Participant;
use crate::proof::crash::put;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::transactions::journal::Journal;
use crate::transactions::lane::{Lane, List, is_reference};
use crate::transactions::reclaim;
use crate::transactions::undo;
use crate::variables::reference;
use crate::variables::variable::Variable;
use std::marker::PhantomData;

/// A transaction under way. It is not `Send`: it stays on the thread that began it.
pub struct Transaction<'p> {
    participant: &'p Participant,
    /// The incarnation that began this. In another one (a forked child's copy) its end touches nothing.
    by: Identity,
    lane: Lane<'p>,
    /// The journal word, as last stored.
    journal: Journal,
    /// Locks held, all noted in the lane.
    locks: usize,
    /// How many of them have their version made odd.
    odd: usize,
    /// Whether the lane's journal was committed or undone already.
    ended: bool,
    /// Whether what dies of this is reaped at its end. Not when it is itself a step of reaping:
    /// a chain of variables would be reaped in as many nested calls.
    reaps: bool,
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("lane", &self.lane.index).field("journal", &self.journal).finish()
    }
}

impl<'p> Transaction<'p> {
    #[inline(always)]
    pub(crate) fn begin(participant: &'p Participant, lane: Lane<'p>) -> Self {
        let by = participant.identity();
        Self {
            participant,
            by,
            lane,
            journal: Journal::EMPTY,
            locks: 0,
            odd: 0,
            ended: false,
            reaps: false,
            not_send: PhantomData,
        }
    }

    /// The same, reaping at its end the variables without a reference.
    #[inline(always)]
    pub(crate) fn reaping(mut self) -> Self {
        self.reaps = true;
        self
    }

    /// The participant that this is done for.
    pub fn participant(&self) -> &'p Participant {
        self.participant
    }

    /// Takes the short lock of `variable` for a change, and makes sure that it is still the same
    /// variable. While another thread holds its [long lock](crate::LongLock), this waits.
    #[inline]
    pub fn lock(&mut self, variable: Variable) -> Result<()> {
        self.lock_short(variable)?;
        // The short lock shows a long lock that was taken before. Acquire: what a holder has read
        // without the short lock comes before what is changed once it has released.
        if self.lane.arena.table_word(variable.header() + variable::LONG).load(Ordering::Acquire) != 0 {
            return self.wait_for_long_lock(variable);
        }
        Ok(())
    }

    #[cold]
    fn wait_for_long_lock(&mut self, variable: Variable) -> Result<()> {
        // Under another short lock nothing is waited for. Operations take two only to exchange
        // contents with a variable that no other process knows.
        while self.locks == 1 && !long_lock::is_mine(self.participant, variable) {
            self.unlock();
            long_lock::wait(self.participant, variable)?;
            if self.is_foreign() {
                // A signal's handler has forked, and this is the child's copy.
                self.ended = true;
                return Err(Error::ForeignProcess);
            }
            self.lock_short(variable)?;
            let long = self.lane.arena.table_word(variable.header() + variable::LONG);
            if long.load(Ordering::Acquire) == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Takes the short lock of `variable` and makes sure that it is still the same variable: for
    /// reading, and for stores that change no value, which do not wait for a long lock.
    #[inline]
    pub fn lock_short(&mut self, variable: Variable) -> Result<()> {
        if self.locks == lane_layout::MAX_LOCKS {
            return Err(Error::TransactionTooLarge { limit: lane_layout::MAX_LOCKS as u64 });
        }
        let note = self.lane.lock_note(self.locks);
        let word = self.lane.arena.table_word32(variable.header() + variable::LOCK);
        if is_seeded(Mutation::LockNotedAfterTaken) {
            self.take(word)?;
            put(note, variable.header());
        } else {
            // Noted before it is taken, so that a lock that is held is always found.
            put(note, variable.header());
            self.take(word)?;
        }
        self.locks += 1;
        if self.lane.arena.table_word(variable.header() + variable::GENERATION).load(Ordering::Relaxed)
            != variable.generation()
        {
            return Err(Error::HandleExpired);
        }
        Ok(())
    }

    #[inline(always)]
    fn take(&self, word: &crate::sync::AtomicU32) -> Result<()> {
        if short_lock::try_take(word, self.lane.lock_id()).is_ok() {
            return Ok(());
        }
        let contender = LockContext { arena: self.lane.arena, by: self.participant.identity() };
        short_lock::take_contended(word, self.lane.lock_id(), &contender)
    }

    /// Reads a word of the pages.
    #[inline(always)]
    pub fn load(&self, offset: u64) -> Result<u64> {
        Ok(self.lane.arena.word(offset)?.load(Ordering::Acquire))
    }

    /// Reads word `index` (0 to 7) of a variable's body.
    #[inline(always)]
    pub fn body(&self, variable: Variable, index: usize) -> u64 {
        self.lane.arena.table_word(variable.body(index)).load(Ordering::Acquire)
    }

    /// Notes the old word at `offset` of the pages, then stores `value`.
    #[inline]
    pub fn set(&mut self, offset: u64, value: u64) -> Result<()> {
        let word = self.lane.arena.word(offset)?;
        self.note_and_store(offset, word, value)
    }

    /// Notes the old word `index` of a variable's body, then stores `value`.
    #[inline]
    pub fn set_body(&mut self, variable: Variable, index: usize, value: u64) -> Result<()> {
        let offset = variable.body(index);
        self.note_and_store(offset, self.lane.arena.table_word(offset), value)
    }

    /// Notes the old words from `offset` of the pages on, then stores `values`. The notes count together, so
    /// that this is cheaper than one [`Self::set`] for each word.
    #[inline]
    pub fn set_words(&mut self, offset: u64, values: impl ExactSizeIterator<Item = u64>) -> Result<()> {
        let words = self.lane.arena.words(offset, values.len() as u64)?;
        if Lane::inline_notes_from(self.journal.notes()) < words.len() as u64 {
            // Their notes go to a block of the lane, each with a check that it has room.
            for (index, value) in values.enumerate() {
                self.set(offset + index as u64 * 8, value)?;
            }
            return Ok(());
        }
        self.announce_change();
        self.lane.note_and_store_all(&mut self.journal, offset, words, values);
        Ok(())
    }

    /// Notes the old words from `first` on of a variable's body, of which none lies beyond word 7, and all in the
    /// first half or all in the second; then stores `values`. See [`Self::set_words`].
    ///
    /// # Panics
    /// If a word lies elsewhere.
    #[inline]
    pub fn set_body_words<const N: usize>(
        &mut self,
        variable: Variable,
        first: usize,
        values: [u64; N],
    ) -> Result<()> {
        // Beyond a half, words stand that are no part of the body.
        assert!(first / 4 == (first + N - 1) / 4 && first + N <= 8);
        if Lane::inline_notes_from(self.journal.notes()) < N as u64 {
            for (index, value) in values.into_iter().enumerate() {
                self.set_body(variable, first + index, value)?;
            }
            return Ok(());
        }
        let offset = variable.body(first);
        let words = self.lane.arena.table_line::<N>(offset);
        self.announce_change();
        self.lane.note_and_store_all(&mut self.journal, offset, words, values.into_iter());
        Ok(())
    }

    /// Reads a word of the tables.
    pub(crate) fn load_table(&self, offset: u64) -> u64 {
        self.lane.arena.table_word(offset).load(Ordering::Acquire)
    }

    /// Notes and stores a word of the tables that only this participant writes.
    pub(crate) fn set_table(&mut self, offset: u64, value: u64) -> Result<()> {
        self.note_and_store(offset, self.lane.arena.table_word(offset), value)
    }

    #[inline(always)]
    fn note_and_store(&mut self, offset: u64, word: &crate::sync::AtomicU64, value: u64) -> Result<()> {
        let index = self.journal.notes();
        if index >= lane_layout::NOTES_INLINE {
            self.make_room_for_note(index)?;
        }
        self.announce_change();
        self.lane.note_and_store(&mut self.journal, offset, word, value)
    }

    /// Makes the versions of all locked variables odd: readers without the lock see that before
    /// they can see a change. On machines that reorder stores, too, since each store of a change, of
    /// bytes and of elements as well, is a release, and a reader's loads are behind an acquire fence.
    #[inline(always)]
    pub(crate) fn announce_change(&mut self) {
        while self.odd < self.locks {
            let header = self.lane.lock_note(self.odd).load(Ordering::Relaxed);
            let version = self.lane.arena.table_word(header + variable::VERSION);
            put(version, version.load(Ordering::Relaxed) | 1);
            self.odd += 1;
        }
    }

    /// Notes `old` for `at`, to be undone unless this commits. It counts before the stores that
    /// follow.
    pub(crate) fn note(&mut self, at: u64, old: u64) -> Result<()> {
        let number = self.journal.notes();
        if number >= lane_layout::NOTES_INLINE {
            self.make_room_for_note(number)?;
        }
        let (at_word, old_word) = self.lane.note(number)?;
        put(at_word, at);
        put(old_word, old);
        self.journal = self.journal.with_note();
        self.lane.set_journal(self.journal);
        Ok(())
    }

    #[cold]
    fn make_room_for_note(&mut self, index: u64) -> Result<()> {
        if let Some(word) = self.lane.note_needs_block(index) {
            heap::continue_list(self.lane, self.participant.identity(), word)?;
        }
        Ok(())
    }

    /// Stores into a block that this transaction has allocated and that is not reachable before it
    /// commits; no note is needed.
    #[inline(always)]
    pub fn put(&self, offset: u64, value: u64) -> Result<()> {
        put(self.lane.arena.word(offset)?, value);
        Ok(())
    }

    /// Makes a whole change of one aligned word of the pages: one store, which needs no note
    /// and no step of the version. Nothing else may be changed in the same transaction.
    #[inline(always)]
    pub fn change_word(&self, offset: u64, value: u64) -> Result<()> {
        debug_assert_eq!(self.journal, Journal::EMPTY);
        self.put(offset, value)
    }

    /// The same for word `index` of a variable's body.
    #[inline(always)]
    pub fn change_body(&self, variable: Variable, index: usize, value: u64) {
        debug_assert_eq!(self.journal, Journal::EMPTY);
        put(self.lane.arena.table_word(variable.body(index)), value);
    }

    /// Counts a change of `variable`, whose lock is held. An operation that has computed from the
    /// variable without its lock compares the counts. Never journaled: it may count too much.
    #[inline(always)]
    pub fn count_change(&self, variable: Variable) {
        undo::count_change(self.lane.arena, variable.header());
    }

    /// Allocates a block of at least `bytes`, 16-aligned (64 if it is a multiple of that), its
    /// content undefined. It is given back unless the transaction commits.
    #[inline]
    pub fn allocate(&mut self, bytes: u64) -> Result<u64> {
        let block = match heap::allocate(self.lane, self.participant.identity(), bytes) {
            Err(Error::OutOfSharedMemory { .. }) if self.locks == 0 => self.allocate_after_sweep(bytes)?,
            block => block?,
        };
        self.journal = self.lane.journal();
        Ok(block)
    }

    /// The dead may hold what is missing. Only without a lock: the sweep takes locks of its own.
    #[cold]
    fn allocate_after_sweep(&self, bytes: u64) -> Result<u64> {
        self.participant.sweep()?;
        heap::allocate(self.lane, self.participant.identity(), bytes)
    }

    /// Gives up a block, or the reference to a variable in a handle word, once this commits.
    #[inline]
    pub fn free_on_commit(&mut self, entry: u64) -> Result<()> {
        let index = self.journal.to_free();
        if index >= lane_layout::LIST_INLINE
            && let Some(word) = self.lane.entry_needs_block(List::ToFree, index)
        {
            heap::continue_list(self.lane, self.participant.identity(), word)?;
        }
        put(self.lane.entry(List::ToFree, index)?, entry);
        self.journal = self.journal.with_to_free();
        self.lane.set_journal(self.journal);
        if is_seeded(Mutation::FreeBeforeCommit) && !is_reference(entry) {
            // Freed at once and still used: a roll-back brings a freed block back to life.
            return heap::free_before_commit(self.lane, self.participant.identity(), entry).map(|()| {
                self.journal = self.lane.journal();
            });
        }
        Ok(())
    }

    /// Takes a reference to `variable` for a place in a container, given back unless this
    /// commits. It takes the lock of `variable` for a moment.
    ///
    /// # Panics
    /// If this transaction has taken a lock already: two could wait for each other.
    pub fn add_reference(&mut self, variable: Variable) -> Result<()> {
        assert_eq!(self.locks, 0, "references are taken before locks");
        reference::add_for_transaction(self.lane, self.participant.identity(), variable)?;
        self.journal = self.lane.journal();
        Ok(())
    }

    /// Makes all stores final, releases the locks, and frees the blocks that were given up.
    #[inline]
    pub fn commit(mut self) -> Result<()> {
        if self.is_foreign() {
            self.ended = true;
            return Err(Error::ForeignProcess);
        }
        if is_seeded(Mutation::UnlockBeforeCommit) {
            self.unlock();
        }
        let noted = self.journal != Journal::EMPTY;
        if noted {
            self.journal = self.journal.committed();
            if is_seeded(Mutation::CommitDropsFrees) {
                self.journal = Journal::EMPTY;
            }
            self.lane.set_journal(self.journal);
        }
        self.ended = true;
        self.finish(noted)
    }

    /// Whether this is a copy in a process that did not begin it: the lane is the parent's.
    #[inline(always)]
    fn is_foreign(&self) -> bool {
        self.participant.identity() != self.by
    }

    fn roll_back(&mut self) -> Result<()> {
        undo::undo(self.lane);
        // A reader without the lock may have seen a word that is undone by now.
        for index in 0..self.odd {
            let header = self.lane.lock_note(index).load(Ordering::Relaxed);
            undo::count_change(self.lane.arena, header);
        }
        self.journal = self.lane.journal();
        self.ended = true;
        self.finish(true)
    }

    #[inline(always)]
    fn finish(&mut self, noted: bool) -> Result<()> {
        self.unlock();
        if self.journal == Journal::EMPTY && (!noted || self.lane.is_plain()) {
            self.participant.leave(self.lane);
            return Ok(());
        }
        self.reclaim()
    }

    fn reclaim(&mut self) -> Result<()> {
        let given_back = reclaim::reclaim_leftover(self.lane, self.participant.identity());
        if let Err(Error::OwnerUnknown { .. }) = given_back {
            // A participant of which nothing can be known may hold the heap's lock. The lane's next transaction would forget
            // what this one has to give back.
            undo::leave_to_sweep(self.lane);
        } else {
            self.participant.leave(self.lane);
        }
        given_back?;
        if self.reaps { self.participant.reap() } else { Ok(()) }
    }

    #[inline(always)]
    fn unlock(&mut self) {
        for index in (0..std::mem::take(&mut self.locks)).rev() {
            let header = self.lane.lock_note(index).load(Ordering::Relaxed);
            undo::settle_version(self.lane.arena, header);
            short_lock::release(self.lane.arena.table_word32(header + variable::LOCK), &FutexWake);
        }
        self.odd = 0;
    }
}

impl Participant {
    /// Begins a transaction on this thread.
    #[inline(always)]
    pub fn begin(&self) -> Result<Transaction<'_>> {
        if self.arena().is_closed() {
            return Err(Error::Closed);
        }
        if self.has_pending_releases() {
            self.flush_releases()?;
        }
        Ok(Transaction::begin(self, self.enter()?).reaping())
    }

    /// Begins a transaction even if the arena was closed: the remains are still cleaned up.
    pub fn begin_last(&self) -> Result<Transaction<'_>> {
        Ok(Transaction::begin(self, self.enter()?))
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.ended && !self.is_foreign() {
            // An error here means a damaged arena; the lane stays as it is and is swept later.
            let _ = self.roll_back();
        }
    }
}
