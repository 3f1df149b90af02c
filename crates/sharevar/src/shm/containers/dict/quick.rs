//! The fast paths for short keys: one search, without the lock, tells all that most reads want to know.

use super::RawDict;
use super::change::{self, EntryKey};
use super::entry::{self, Gap, HASH, KEY, LINKS, LOW, META, VALUE};
use super::growth;
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENTRIES, ENTRY, FREE, LENGTH, USED};
use crate::error::Result;
use crate::shm::items::content::Content;
use crate::shm::items::look::{CopiedBytes, Glance, Located, Look, glance};
use crate::shm::items::overwrite::{self, ShortBlock};
use sharevar_arena::{CacheLine, Peek, SingleStore};
use sharevar_value::{ShortKey, Word};

/// Entries that a short look follows; longer chains are rare, and a torn one may have no end.
const STEPS: u32 = 16;

/// Why [`find`] has found no entry.
#[derive(Clone, Copy)]
enum Missed {
    /// There is none, and this is where it would be; a link of 0 if there are no chains yet.
    Absent(Gap),
    /// The look was too short to tell.
    Unknown,
}

impl Missed {
    /// Whether there certainly is no such key, nor any that only Python can compare with it.
    #[inline(always)]
    fn is_certain(self, peek: &Peek<'_>) -> bool {
        matches!(self, Self::Absent(_)) && peek.body(LENGTH) >> 32 == 0
    }
}

/// The entry of a key, if a short look finds one.
#[inline(always)]
fn find<'p>(peek: &Peek<'p>, key: &ShortKey) -> std::result::Result<(u64, CacheLine<'p>), Missed> {
    let count = peek.body(BUCKET_COUNT);
    if count == 0 {
        return Err(Missed::Absent(Gap { link: 0, from_bucket: true, next: 0 }));
    }
    let (hash, entries) = (key.hash(), peek.body(ENTRIES));
    let bucket = BUCKET.peek(peek, peek.body(BUCKETS), entry::bucket_of(hash, count));
    let mut link = bucket.ok_or(Missed::Unknown)?;
    let mut next = peek.load(link).ok_or(Missed::Unknown)?;
    let mut from_bucket = true;
    for _ in 0..STEPS {
        if next == 0 {
            return Err(Missed::Absent(Gap { link, from_bucket, next }));
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
            return Err(Missed::Absent(Gap { link, from_bucket, next }));
        }
        link = at + LINKS;
        next = line.word(LINKS as usize / 8) & LOW;
        from_bucket = false;
    }
    Err(Missed::Unknown)
}

/// Puts in a key that is not there, if that takes no more memory.
#[inline(never)]
fn insert(change: &SingleStore<'_>, key: &ShortKey, word: Word, gap: Gap) -> Option<()> {
    let (count, used) = (change.body(BUCKET_COUNT), change.body(USED));
    let is_split = change.body(LENGTH) >= count;
    if gap.link == 0
        || (change.body(FREE) == 0 && (ENTRY.is_full(used) || used >= LOW))
        || (is_split && BUCKET.is_full(count))
    {
        return None;
    }
    let mut stores = change.noted();
    change::put_in(&mut stores, &EntryKey::short(key), word, gap).ok()?;
    if is_split {
        growth::split(&mut stores, count).ok()?;
    }
    stores.commit();
    Some(())
}

#[inline(never)]
fn remove(change: &SingleStore<'_>, at: u64) -> Option<()> {
    let mut stores = change.noted();
    change::take_out(&mut stores, at).ok()?;
    stores.commit();
    Some(())
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

    /// Looks for `key`, without the lock and once.
    #[inline(always)]
    pub fn glance(&self, key: &ShortKey) -> Glance {
        glance(self.handle(), |peek| match find(peek, key) {
            // No value is zero in an arena that is whole.
            Ok((_, line)) => Some(value_of(line)).filter(|word| !word.is_absent()),
            Err(missed) => missed.is_certain(peek).then_some(Word::ABSENT),
        })
    }

    /// The same. `Absent` means also that there is no key that only Python can compare with it. `copied` is
    /// the place for a value that is no scalar.
    #[inline(always)]
    pub fn look<'a>(&self, key: &ShortKey, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        self.glance(key).look(self.handle(), copied)
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

    /// The same; a key that is not there is put in, if that takes no more memory, and no key is there that only
    /// Python can compare.
    #[inline(always)]
    pub fn put_word(&self, key: &ShortKey, word: Word) -> bool {
        if !word.is_scalar() {
            return false;
        }
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| match find(change, key) {
            Ok((at, line)) => {
                scalar(line)?;
                change.change(at + VALUE, word.0)
            }
            Err(Missed::Absent(gap)) if change.body(LENGTH) >> 32 == 0 => insert(change, key, word, gap),
            Err(_) => None,
        });
        done.is_some()
    }

    /// Removes `key` and returns its value, if that was a word; [`Word::ABSENT`] if there certainly is no such
    /// key, nor any that only Python can compare with it. `None` says nothing: go by [`Self::remove`].
    #[inline]
    pub fn take_word(&self, key: &ShortKey) -> Option<Word> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.change_one(variable, |change| match find(change, key) {
            Ok((at, line)) => {
                let word = scalar(line)?;
                remove(change, at).map(|()| word)
            }
            Err(missed) => missed.is_certain(change).then_some(Word::ABSENT),
        })
    }

    /// Stores a short value over the one of `key`, where that is, if it is there, has the room and refers to
    /// no variable. If not, nothing is done and the answer is `false`: go by [`Self::insert`].
    #[inline]
    pub fn overwrite(&self, key: &ShortKey, value: &ShortBlock) -> bool {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| {
            let (_, line) = find(change, key).ok()?;
            overwrite::overwrite_at_once(change, value_of(line), value)
        });
        done.is_some()
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
