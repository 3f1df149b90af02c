//! Changing a dict whose lock is held: replace, insert, remove.

use super::entry::{self, HASH, KEY, LINKS, LOW, META, Probe, VALUE};
use super::growth;
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENDS, ENTRIES, ENTRY, FREE, LENGTH, STRUCTURE, USED};
use crate::shm::items::content;
use crate::shm::items::source::Locked;
use sharevar_arena::{Error, Result, Transaction, Variable};
use sharevar_value::{Key, KeyForm, Word};

/// Stores another value in an entry.
#[inline(always)]
pub(crate) fn replace(
    transaction: &mut Transaction<'_>,
    _dict: Variable,
    entry: u64,
    word: Word,
) -> Result<()> {
    let old = Word(transaction.load(entry + VALUE)?);
    if !old.is_scalar() || !word.is_scalar() {
        return replace_noted(transaction, entry, word);
    }
    // The whole change is one aligned word.
    transaction.change_word(entry + VALUE, word.0)
}

/// The same in a transaction that changes more.
pub(crate) fn replace_noted(transaction: &mut Transaction<'_>, entry: u64, word: Word) -> Result<()> {
    let old = Word(transaction.load(entry + VALUE)?);
    transaction.set(entry + VALUE, word.0)?;
    content::free_on_commit(transaction, old)
}

/// Puts in a key that is not there, where `probe` found its place.
pub(crate) fn insert_new(
    transaction: &mut Transaction<'_>,
    dict: Variable,
    key: &Key,
    word: Word,
    mut probe: Probe,
) -> Result<()> {
    let mut count = transaction.body(dict, BUCKET_COUNT);
    if count == 0 {
        count = growth::start(transaction, dict)?;
        probe.link = BUCKET.at(
            &Locked(transaction, dict),
            transaction.body(dict, BUCKETS),
            entry::bucket_of(key.hash(), count),
        )?;
    }
    let root = transaction.body(dict, ENTRIES);
    let (number, at) = take_entry(transaction, dict)?;
    if root != transaction.body(dict, ENTRIES) && !probe.from_bucket {
        // The entries were copied, and the link that was found is in the old block.
        probe = entry::probe(&Locked(transaction, dict), key)?;
    }
    let ends = transaction.body(dict, ENDS);
    let last = ends >> 32;
    let (meta, reference) = store_key(transaction, at, key)?;
    // The entry is free, or beyond those in use, so that no key leads to it. A reader that came to
    // its former content finds by the version that this is gone.
    for (field, value) in [(HASH, key.hash()), (VALUE, word.0), (LINKS, probe.next), (META, last | meta)] {
        fill(transaction, reference, at + field, value)?;
    }
    let link = transaction.load(probe.link)?;
    let linked = if probe.from_bucket { number + 1 } else { link & !LOW | (number + 1) };
    transaction.set(probe.link, linked)?;
    if last == 0 {
        transaction.set_body(dict, ENDS, (number + 1) << 32 | (number + 1))?;
    } else {
        let entries = transaction.body(dict, ENTRIES);
        let before = ENTRY.at(&Locked(transaction, dict), entries, last - 1)?;
        let links = transaction.load(before + LINKS)?;
        transaction.set(before + LINKS, (number + 1) << 32 | links & LOW)?;
        transaction.set_body(dict, ENDS, (number + 1) << 32 | ends & LOW)?;
    }
    let length = transaction.body(dict, LENGTH) + one_key(meta);
    transaction.set_body(dict, LENGTH, length)?;
    let structure = transaction.body(dict, STRUCTURE);
    transaction.set_body(dict, STRUCTURE, structure.wrapping_add(1))?;
    growth::grow_if_full(transaction, dict, length & LOW, count)
}

/// The count of a key with this META in LENGTH: one key, and one opaque key if it is such.
#[inline(always)]
fn one_key(meta: u64) -> u64 {
    1 | u64::from(entry::is_opaque(meta)) << 32
}

/// Stores a word of an entry that was never used (no note needed), or of one from the free list,
/// whose old words a roll-back must find again.
fn fill(transaction: &mut Transaction<'_>, used_before: bool, at: u64, value: u64) -> Result<()> {
    if used_before { transaction.set(at, value) } else { transaction.put(at, value) }
}

/// An entry to be filled: its number and where it is.
fn take_entry(transaction: &mut Transaction<'_>, dict: Variable) -> Result<(u64, u64)> {
    let free = transaction.body(dict, FREE);
    if free != 0 {
        let at = ENTRY.at(&Locked(transaction, dict), transaction.body(dict, ENTRIES), free - 1)?;
        let next = transaction.load(at + LINKS)? & LOW;
        transaction.set_body(dict, FREE, next)?;
        return Ok((free - 1, at));
    }
    let used = transaction.body(dict, USED);
    if used >= LOW {
        return Err(Error::TransactionTooLarge { limit: LOW });
    }
    let root = transaction.body(dict, ENTRIES);
    let grown = ENTRY.grow(transaction, root, used)?;
    if grown != root {
        transaction.set_body(dict, ENTRIES, grown)?;
    }
    let at = ENTRY.at(&Locked(transaction, dict), grown, used)?;
    // Marked as never used for `insert_new`; a free entry's hash is 0 too, its META is not.
    transaction.put(at + META, 0)?;
    transaction.set_body(dict, USED, used + 1)?;
    Ok((used, at))
}

/// Stores the key's bytes. Gives back the upper half of META, and whether the entry was used before.
fn store_key(transaction: &mut Transaction<'_>, at: u64, key: &Key) -> Result<(u64, bool)> {
    let used_before = transaction.load(at + META)? != 0;
    let form = u64::from(key.form().tag());
    let meta = (form << 24 | entry::key_length_field(key.len())) << 32;
    if !entry::is_in_block(meta) {
        // All four words, so that a short key is compared without asking for its length.
        for index in 0..4 {
            let word = key.words().get(index).copied().unwrap_or(0);
            fill(transaction, used_before, at + KEY + index as u64 * 8, word)?;
        }
        return Ok((meta, used_before));
    }
    let original: &[u8] = match key.form() {
        KeyForm::Original(bytes) => bytes,
        _ => &[],
    };
    let words = key.words();
    let padded = words.len() as u64 * 8;
    if key.len() as u64 > LOW || original.len() as u64 > LOW {
        return Err(Error::TransactionTooLarge { limit: LOW / 8 });
    }
    let block = transaction.allocate(8 + padded + (original.len() as u64).next_multiple_of(8))?;
    transaction.put(block, (original.len() as u64) << 32 | key.len() as u64)?;
    for (index, word) in words.iter().enumerate() {
        transaction.put(block + 8 + index as u64 * 8, *word)?;
    }
    transaction.put_bytes(block + 8 + padded, original)?;
    fill(transaction, used_before, at + KEY, block)?;
    Ok((meta, used_before))
}

/// Removes an entry.
pub(crate) fn remove(transaction: &mut Transaction<'_>, dict: Variable, at: u64) -> Result<()> {
    let source = Locked(transaction, dict);
    let entries = transaction.body(dict, ENTRIES);
    let hash = transaction.load(at + HASH)?;
    let (links, meta) = (transaction.load(at + LINKS)?, transaction.load(at + META)?);
    let value = Word(transaction.load(at + VALUE)?);

    let count = transaction.body(dict, BUCKET_COUNT);
    let mut link = BUCKET.at(&source, transaction.body(dict, BUCKETS), entry::bucket_of(hash, count))?;
    let mut linked = transaction.load(link)?;
    let mut from_bucket = true;
    let number = loop {
        if linked & LOW == 0 {
            return Err(Error::Corrupt { what: "an entry of a dict is in no chain", offset: at });
        }
        let found = ENTRY.at(&source, entries, (linked & LOW) - 1)?;
        if found == at {
            break (linked & LOW) - 1;
        }
        link = found + LINKS;
        linked = transaction.load(link)?;
        from_bucket = false;
    };
    transaction.set(link, if from_bucket { links & LOW } else { linked & !LOW | links & LOW })?;

    let (previous, next) = (meta & LOW, links >> 32);
    let ends = transaction.body(dict, ENDS);
    let (mut first, mut last) = (ends & LOW, ends >> 32);
    if previous == 0 {
        first = next;
    } else {
        let before = ENTRY.at(&Locked(transaction, dict), entries, previous - 1)?;
        let links = transaction.load(before + LINKS)?;
        transaction.set(before + LINKS, next << 32 | links & LOW)?;
    }
    if next == 0 {
        last = previous;
    } else {
        let after = ENTRY.at(&Locked(transaction, dict), entries, next - 1)?;
        let meta = transaction.load(after + META)?;
        transaction.set(after + META, meta & !LOW | previous)?;
    }
    if (first, last) != (ends & LOW, ends >> 32) {
        transaction.set_body(dict, ENDS, last << 32 | first)?;
    }

    if entry::is_in_block(meta) {
        let block = transaction.load(at + KEY)?;
        transaction.free_on_commit(block)?;
    }
    content::free_on_commit(transaction, value)?;
    let free = transaction.body(dict, FREE);
    transaction.set(at + HASH, 0)?;
    transaction.set(at + LINKS, free)?;
    transaction.set(at + META, LOW)?;
    transaction.set_body(dict, FREE, number + 1)?;
    let length = transaction.body(dict, LENGTH);
    transaction.set_body(dict, LENGTH, length - one_key(meta))?;
    let structure = transaction.body(dict, STRUCTURE);
    transaction.set_body(dict, STRUCTURE, structure.wrapping_add(1))
}
