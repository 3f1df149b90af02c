//! The fast paths for short keys: one search, without the lock, tells all that most reads want to know.

use super::RawDict;
use super::entry::{self, HASH, KEY, LINKS, LOW, META, VALUE};
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENTRIES, ENTRY, LENGTH};
use crate::error::Result;
use crate::shm::items::content::Content;
use crate::shm::items::look::{CopiedBytes, Located, Look, look};
use crate::shm::items::overwrite;
use sharevar_arena::{CacheLine, Peek};
use sharevar_value::{Encoded, ShortKey, Word};

/// Entries that a short look follows; longer chains are rare, and a torn one may have no end.
const STEPS: u32 = 16;

/// Why [`find`] has found no entry.
#[derive(Clone, Copy)]
enum Missed {
    /// There is none.
    Absent,
    /// The look was too short to tell.
    Unknown,
}

impl Missed {
    /// Whether there certainly is no such key, nor any that only Python can compare with it.
    #[inline(always)]
    fn is_certain(self, peek: &Peek<'_>) -> bool {
        matches!(self, Self::Absent) && peek.body(LENGTH) >> 32 == 0
    }
}

/// The entry of a key, if a short look finds one.
#[inline(always)]
fn find<'p>(peek: &Peek<'p>, key: &ShortKey) -> std::result::Result<(u64, CacheLine<'p>), Missed> {
    let count = peek.body(BUCKET_COUNT);
    if count == 0 {
        return Err(Missed::Absent);
    }
    let (hash, entries) = (key.hash(), peek.body(ENTRIES));
    let bucket = BUCKET.peek(peek, peek.body(BUCKETS), entry::bucket_of(hash, count));
    let mut next = bucket.and_then(|bucket| peek.load(bucket)).ok_or(Missed::Unknown)?;
    for _ in 0..STEPS {
        if next == 0 {
            return Err(Missed::Absent);
        }
        let at = ENTRY.peek(peek, entries, next - 1).ok_or(Missed::Unknown)?;
        let line = peek.line(at).ok_or(Missed::Unknown)?;
        let there = line.word(HASH as usize / 8);
        if there == hash {
            let meta = line.word(META as usize / 8);
            let first = KEY as usize / 8;
            let same =
                (0..4).fold(0, |differ, index| differ | (line.word(first + index) ^ key.words()[index]));
            // A key that is kept in a block has its offset where the bytes would be.
            if entry::is_in_block(meta) {
                return Err(Missed::Unknown);
            }
            if same == 0 && meta >> 32 & 0xff_ffff == key.len() as u64 {
                return Ok((at, line));
            }
        } else if entry::comes_after(there, hash) {
            return Err(Missed::Absent);
        }
        next = line.word(LINKS as usize / 8) & LOW;
    }
    Err(Missed::Unknown)
}

/// The value that a line of an entry holds.
#[inline(always)]
fn value_of(line: CacheLine<'_>) -> Word {
    Word(line.word(VALUE as usize / 8))
}

/// The value, if it stands in its word.
#[inline(always)]
fn scalar(line: CacheLine<'_>) -> Option<Word> {
    let word = value_of(line);
    word.is_scalar().then_some(word)
}

impl RawDict {
    /// The value of `key` if it is there and fits a word. `None` says nothing: ask [`Self::get`].
    #[inline(always)]
    pub fn get_word(&self, key: &ShortKey) -> Option<Word> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.peek(variable, |peek| {
            let (_, line) = find(peek, key).ok()?;
            scalar(line)
        })
    }

    /// Looks for `key`, without the lock and once. `Absent` means also that there is no key that only
    /// Python can compare with it. `copied` is the place for a value that is no scalar.
    #[inline(always)]
    pub fn look<'a>(&self, key: &ShortKey, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        look(self.handle(), copied, |peek| match find(peek, key) {
            // No value is zero in an arena that is whole.
            Ok((_, line)) => Some(value_of(line)).filter(|word| !word.is_absent()),
            Err(missed) => missed.is_certain(peek).then_some(Word::ABSENT),
        })
    }

    /// Reads a value that a look has found. `None` if the dict has changed since.
    pub fn read_located(&self, located: Located) -> Result<Option<Content>> {
        located.read(self.handle())
    }

    /// Whether `key` is there, if a look without the lock tells. If `false`, then neither is a key that
    /// only Python can compare with it. `None` says nothing: ask [`Self::contains`].
    #[inline]
    pub fn has(&self, key: &ShortKey) -> Option<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.peek(variable, |peek| match find(peek, key) {
            Ok(_) => Some(true),
            Err(missed) => missed.is_certain(peek).then_some(false),
        })
    }

    /// Replaces the value of `key` if it is there, was a word, and becomes one. If not, nothing
    /// is done and the answer is `false`: go by [`Self::insert`].
    #[inline(always)]
    pub fn set_word(&self, key: &ShortKey, word: Word) -> bool {
        if !word.is_scalar() {
            return false;
        }
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| {
            let (at, line) = find(change, key).ok()?;
            scalar(line)?;
            change.change(at + VALUE, word.0)
        });
        done.is_some()
    }

    /// Stores a short value over the one of `key`, where that is, if it is there, has the room and refers to
    /// no variable. If not, nothing is done and the answer is `false`: go by [`Self::insert`].
    ///
    /// # Errors
    /// Closed arena.
    #[inline]
    pub fn overwrite(&self, key: &ShortKey, value: &Encoded) -> Result<bool> {
        let Some(encoding) = overwrite::short(value) else { return Ok(false) };
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let word = || participant.peek(variable, |peek| find(peek, key).ok().map(|(_, line)| value_of(line)));
        // Looked at before the lock is taken, which may be for nothing.
        if !word().is_some_and(Word::is_block) {
            return Ok(false);
        }
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        let Some(word) = word() else { return Ok(false) };
        if !overwrite::overwrite(&mut transaction, word, encoding)? {
            return Ok(false);
        }
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    /// Adds to the integer at `key`, if it is there and the sum fits a word. The sum. `None` says
    /// nothing: go by [`Self::increment`].
    #[inline]
    pub fn increment_word(&self, key: &ShortKey, by: i64) -> Option<i64> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.change_one(variable, |change| {
            let (at, line) = find(change, key).ok()?;
            let sum = value_of(line).as_int()?.checked_add(by)?;
            change.change(at + VALUE, Word::from_int(sum)?.0)?;
            Some(sum)
        })
    }
}
