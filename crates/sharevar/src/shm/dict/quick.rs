//! The short way for short keys and values that fit a word.

use super::entry::{self, HASH, KEY, LINKS, LOW, META, VALUE};
use super::{BUCKET, BUCKET_COUNT, BUCKETS, ENTRIES, ENTRY, RawDict};
use crate::shm::content::{self, SHORT_BYTES};
use sharevar_arena::{CacheLine, Peek};
use sharevar_value::{ShortKey, Word};

/// Entries that a short look follows; longer chains are rare, and a torn one may have no end.
const STEPS: u32 = 16;

/// The entry of a key, if a short look finds one.
#[inline(always)]
fn find<'p>(peek: &Peek<'p>, key: &ShortKey) -> Option<(u64, CacheLine<'p>)> {
    let count = peek.body(BUCKET_COUNT);
    if count == 0 {
        return None;
    }
    let (hash, entries) = (key.hash(), peek.body(ENTRIES));
    let bucket = BUCKET.peek(peek, peek.body(BUCKETS), entry::bucket_of(hash, count))?;
    let mut next = peek.load(bucket)?;
    for _ in 0..STEPS {
        if next == 0 {
            return None;
        }
        let at = ENTRY.peek(peek, entries, next - 1)?;
        let line = peek.line(at)?;
        let there = line.word(HASH as usize / 8);
        if there == hash {
            let meta = line.word(META as usize / 8);
            let first = KEY as usize / 8;
            let same =
                (0..4).fold(0, |differ, index| differ | (line.word(first + index) ^ key.words()[index]));
            // A key that is kept in a block has its offset where the bytes would be.
            if same == 0 && meta >> 32 & 0xff_ffff == key.len() as u64 && !entry::is_in_block(meta) {
                return Some((at, line));
            }
        } else if entry::comes_after(there, hash) {
            return None;
        }
        next = line.word(LINKS as usize / 8) & LOW;
    }
    None
}

impl RawDict {
    /// The value of `key` if it is there and fits a word. `None` says nothing: ask [`Self::get`].
    #[inline(always)]
    pub fn get_word(&self, key: &ShortKey) -> Option<Word> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.peek(variable, |peek| {
            let (_, line) = find(peek, key)?;
            let word = Word(line.word(VALUE as usize / 8));
            (!word.is_block() && !word.is_handle()).then_some(word)
        })
    }

    /// Copies the encoding of the value of `key` if it is there, short, and refers to no variable.
    /// Its length. `None` says nothing: ask [`Self::get`].
    #[inline]
    pub fn get_short(&self, key: &ShortKey, out: &mut [u8; SHORT_BYTES]) -> Option<usize> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.peek(variable, |peek| {
            let (_, line) = find(peek, key)?;
            content::peek_short(peek, Word(line.word(VALUE as usize / 8)), out)
        })
    }

    /// Replaces the value of `key` if it is there, was a word, and becomes one. If not, nothing
    /// is done and the answer is `false`: go by [`Self::insert`].
    #[inline(always)]
    pub fn set_word(&self, key: &ShortKey, word: Word) -> bool {
        if word.is_block() || word.is_handle() {
            return false;
        }
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| {
            let (at, line) = find(change, key)?;
            let old = Word(line.word(VALUE as usize / 8));
            if old.is_block() || old.is_handle() {
                return None;
            }
            change.change(at + VALUE, word.0)
        });
        done.is_some()
    }

    /// Adds to the integer at `key`, if it is there and the sum fits a word. The sum. `None` says
    /// nothing: go by [`Self::increment`].
    #[inline]
    pub fn increment_word(&self, key: &ShortKey, by: i64) -> Option<i64> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.change_one(variable, |change| {
            let (at, line) = find(change, key)?;
            let sum = Word(line.word(VALUE as usize / 8)).as_int()?.checked_add(by)?;
            change.change(at + VALUE, Word::from_int(sum)?.0)?;
            Some(sum)
        })
    }
}
