//! A lane's words, by name. `docs/arena-format.md` gives their meaning.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::lane;
use crate::proof::crash::put;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::{AtomicU64, Ordering};
use crate::transactions::journal::Journal;

/// One lane of an arena.
#[derive(Clone, Copy)]
pub(crate) struct Lane<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) index: u32,
    /// All its words: one check of bounds when the lane is entered, and none for each access.
    words: &'a [AtomicU64; WORDS],
}

const WORDS: usize = lane::SIZE as usize / 8;

impl std::fmt::Debug for Lane<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lane").field(&self.index).finish()
    }
}

/// The low four bits that mark a handle word, as in the value word.
pub(crate) const REFERENCE_MARK: u64 = 8;

/// Whether an entry of a block list is a reference to a variable.
#[inline(always)]
pub(crate) fn is_reference(entry: u64) -> bool {
    entry & 15 == REFERENCE_MARK
}

/// Which of a lane's two block lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    Allocated,
    ToFree,
}

impl List {
    fn words(self) -> (u64, u64) {
        match self {
            Self::Allocated => (lane::ALLOCATED, lane::MORE_ALLOCATED),
            Self::ToFree => (lane::TO_FREE, lane::MORE_TO_FREE),
        }
    }
}

impl<'a> Lane<'a> {
    #[inline(always)]
    pub(crate) fn new(arena: &'a Arena, index: u32) -> Self {
        Self { arena, index, words: arena.table_line(lane::START + u64::from(index) * lane::SIZE) }
    }

    #[inline(always)]
    fn word(&self, at: u64) -> &'a AtomicU64 {
        &self.words[at as usize / 8]
    }

    /// Where in the arena the lane begins.
    #[inline(always)]
    fn start(&self) -> u64 {
        lane::START + u64::from(self.index) * lane::SIZE
    }

    /// The value of the lock words that this lane owns.
    #[inline(always)]
    pub(crate) fn lock_id(&self) -> u32 {
        self.index + 1
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> &'a AtomicU64 {
        self.word(lane::STATE)
    }

    pub(crate) fn thread(&self) -> &'a AtomicU64 {
        self.word(lane::THREAD)
    }

    #[inline(always)]
    pub(crate) fn journal_word(&self) -> u64 {
        self.start() + lane::JOURNAL
    }

    #[inline(always)]
    pub(crate) fn journal(&self) -> Journal {
        Journal(self.word(lane::JOURNAL).load(Ordering::Acquire))
    }

    #[inline(always)]
    pub(crate) fn set_journal(&self, journal: Journal) {
        put(self.word(lane::JOURNAL), journal.0);
    }

    #[inline(always)]
    pub(crate) fn inner(&self) -> &'a AtomicU64 {
        self.word(lane::INNER)
    }

    #[inline(always)]
    pub(crate) fn inner_note(&self, index: u64) -> (&'a AtomicU64, &'a AtomicU64) {
        let at = lane::INNER_NOTES + index * 16;
        (self.word(at), self.word(at + 8))
    }

    #[inline(always)]
    pub(crate) fn lock_note(&self, index: usize) -> &'a AtomicU64 {
        self.word(lane::LOCKS + index as u64 * 8)
    }

    #[inline(always)]
    pub(crate) fn inner_lock_note(&self, index: usize) -> &'a AtomicU64 {
        self.word(lane::INNER_LOCKS + index as u64 * 8)
    }

    /// The words that name the lane's three continuation blocks, as offsets.
    pub(crate) fn more_words(&self) -> [u64; 3] {
        [lane::MORE_NOTES, lane::MORE_ALLOCATED, lane::MORE_TO_FREE].map(|at| self.start() + at)
    }

    /// Whether entry `index` of the notes has a place; if not, the word that wants a block.
    #[inline(always)]
    pub(crate) fn note_needs_block(&self, index: u64) -> Option<u64> {
        let at = lane::MORE_NOTES;
        (index >= lane::NOTES_INLINE && self.word(at).load(Ordering::Relaxed) == 0)
            .then_some(self.start() + at)
    }

    /// The note `index`: where the offset and the old word stand.
    #[inline(always)]
    pub(crate) fn note(&self, index: u64) -> Result<(&'a AtomicU64, &'a AtomicU64)> {
        if index < lane::NOTES_INLINE {
            let at = lane::NOTES + index * 16;
            return Ok((self.word(at), self.word(at + 8)));
        }
        self.continued_note(index)
    }

    #[cold]
    fn continued_note(&self, index: u64) -> Result<(&'a AtomicU64, &'a AtomicU64)> {
        let at = self.continued(lane::MORE_NOTES, (index - lane::NOTES_INLINE) * 16)?;
        Ok((self.arena.word(at)?, self.arena.word(at + 8)?))
    }

    /// Notes the old `word`, for which there is a place, and then stores `value`. The note is
    /// complete before it counts, and counts before the store that it would undo.
    #[inline(always)]
    pub(crate) fn note_and_store(
        &self,
        journal: &mut Journal,
        offset: u64,
        word: &AtomicU64,
        value: u64,
    ) -> Result<()> {
        let (at, old) = self.note(journal.notes())?;
        put(at, offset);
        put(old, word.load(Ordering::Relaxed));
        *journal = journal.with_note();
        if is_seeded(Mutation::NoteCountedAfterStore) {
            put(word, value);
            self.set_journal(*journal);
            return Ok(());
        }
        self.set_journal(*journal);
        put(word, value);
        Ok(())
    }

    /// How many of the notes from number `index` on have a place in the lane itself.
    #[inline(always)]
    pub(crate) fn inline_notes_from(index: u64) -> u64 {
        lane::NOTES_INLINE.saturating_sub(index)
    }

    /// Notes the old `words`, which begin at `offset` and for whose notes there is a place in the lane itself,
    /// and then stores `values`. All notes are complete before they count, which they do by one store, and they
    /// count before the first store that they would undo.
    #[inline(always)]
    pub(crate) fn note_and_store_all(
        &self,
        journal: &mut Journal,
        offset: u64,
        words: &[AtomicU64],
        values: impl Iterator<Item = u64>,
    ) {
        let first = lane::NOTES as usize / 8 + journal.notes() as usize * 2;
        let (notes, _) = self.words[first..first + 2 * words.len()].as_chunks::<2>();
        let mut at = offset;
        for ([place, old], word) in notes.iter().zip(words) {
            put(place, at);
            put(old, word.load(Ordering::Relaxed));
            at += 8;
        }
        *journal = journal.with_notes(words.len());
        let is_late = is_seeded(Mutation::NotesCountedAfterStores);
        if !is_late {
            self.set_journal(*journal);
        }
        for (word, value) in words.iter().zip(values) {
            put(word, value);
        }
        if is_late {
            self.set_journal(*journal);
        }
    }

    /// Whether no list of the lane goes on in a block.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        let more = [lane::MORE_NOTES, lane::MORE_ALLOCATED, lane::MORE_TO_FREE];
        more.iter().fold(0, |all, at| all | self.word(*at).load(Ordering::Relaxed)) == 0
    }

    /// Whether entry `index` of a list has a place; if not, the word that wants a block.
    #[inline(always)]
    pub(crate) fn entry_needs_block(&self, list: List, index: u64) -> Option<u64> {
        let more = list.words().1;
        (index >= lane::LIST_INLINE && self.word(more).load(Ordering::Relaxed) == 0)
            .then_some(self.start() + more)
    }

    /// Entry `index` of a list.
    #[inline(always)]
    pub(crate) fn entry(&self, list: List, index: u64) -> Result<&'a AtomicU64> {
        let (inline, more) = list.words();
        if index < lane::LIST_INLINE {
            return Ok(self.word(inline + index * 8));
        }
        let at = self.continued(more, (index - lane::LIST_INLINE) * 8)?;
        self.arena.word(at)
    }

    fn continued(&self, more: u64, at: u64) -> Result<u64> {
        if at >= lane::MORE_BYTES {
            return Err(Error::TransactionTooLarge { limit: lane::MORE_BYTES / 16 });
        }
        Ok(self.word(more).load(Ordering::Acquire) + at)
    }
}
