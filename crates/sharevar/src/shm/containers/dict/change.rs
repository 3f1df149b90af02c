//! Changing a dict whose lock is held: replace, insert, remove.

use super::entry::{self, Gap, HASH, KEY, LINKS, LOW, META, Probe, VALUE};
use super::growth;
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENDS, ENTRIES, ENTRY, FREE, LENGTH, STRUCTURE, USED};
use crate::shm::items::content;
use crate::shm::items::source::Locked;
use crate::shm::items::target::{LockedTarget, Target};
use sharevar_arena::{Error, Result, Transaction, Variable};
use sharevar_value::{Key, KeyForm, ShortKey, Word};

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
        probe.gap.link = BUCKET.at(
            &Locked(transaction, dict),
            transaction.body(dict, BUCKETS),
            entry::bucket_of(key.hash(), count),
        )?;
    }
    if make_room(transaction, dict)? && !probe.gap.from_bucket {
        // The entries were copied, and the link that was found is in the old block.
        probe = entry::probe(&Locked(transaction, dict), key)?;
    }
    let key = stored_key(transaction, key)?;
    let length = put_in(&mut LockedTarget(transaction, dict), &key, word, probe.gap)?;
    growth::grow_if_full(transaction, dict, length, count)
}

/// Makes room for one more entry. Returns whether the entries have moved.
fn make_room(transaction: &mut Transaction<'_>, dict: Variable) -> Result<bool> {
    if transaction.body(dict, FREE) != 0 {
        return Ok(false);
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
    Ok(grown != root)
}

/// A key as it stands in its entry. The bytes of one that is too long for it are stored in a block.
pub(super) struct EntryKey {
    hash: u64,
    /// The upper half of META.
    meta: u64,
    words: [u64; 4],
}

impl EntryKey {
    #[inline(always)]
    pub(super) fn short(key: &ShortKey) -> Self {
        // Its form is the canonical one, whose tag is 0.
        Self { hash: key.hash(), meta: entry::key_length_field(key.len()) << 32, words: *key.words() }
    }
}

/// A key as it stands in its entry. The bytes of one that is too long for it are stored in a block.
fn stored_key(transaction: &mut Transaction<'_>, key: &Key) -> Result<EntryKey> {
    let form = u64::from(key.form().tag());
    let meta = (form << 24 | entry::key_length_field(key.len())) << 32;
    let mut stored = EntryKey { hash: key.hash(), meta, words: [0; 4] };
    if !entry::is_in_block(meta) {
        // All four words, so that a short key is compared without asking for its length.
        for (stored, word) in stored.words.iter_mut().zip(key.words()) {
            *stored = *word;
        }
        return Ok(stored);
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
    stored.words[0] = block;
    Ok(stored)
}

/// Puts an entry for which there is room into the chain, at `gap`, and behind all others in order. Returns how
/// many keys there are then.
#[inline(always)]
pub(super) fn put_in(dict: &mut impl Target, key: &EntryKey, word: Word, gap: Gap) -> Result<u64> {
    let (used, free, entries) = (dict.body(USED), dict.body(FREE), dict.body(ENTRIES));
    let ends = dict.body(ENDS);
    let (first, last) = (ends & LOW, ends >> 32);
    let [k0, k1, k2, k3] = key.words;
    let content = [key.hash, word.0, gap.next, last | key.meta, k0, k1, k2, k3];
    let is_reused = free != 0;
    let number = if is_reused { free - 1 } else { used };
    let at = ENTRY.at(dict, entries, number)?;
    let mut next_free = 0;
    if is_reused {
        next_free = dict.load(at + LINKS)? & LOW;
        // All of it is noted: the same transaction may have removed the key that stood here. No key leads to a
        // free entry, and a reader that came to its former content finds by the version that this is gone.
        dict.set_words(at, content)?;
    } else {
        for (index, value) in content.into_iter().enumerate() {
            dict.put(at + index as u64 * 8, value)?;
        }
    }
    let link = dict.load(gap.link)?;
    dict.set(gap.link, if gap.from_bucket { number + 1 } else { link & !LOW | (number + 1) })?;
    if last != 0 {
        let before = ENTRY.at(dict, entries, last - 1)?;
        let links = dict.load(before + LINKS)?;
        dict.set(before + LINKS, (number + 1) << 32 | links & LOW)?;
    }
    let first = if last == 0 { number + 1 } else { first };
    let ends = (number + 1) << 32 | first;
    let structure = dict.body(STRUCTURE).wrapping_add(1);
    dict.set_body(USED, [used + u64::from(!is_reused), next_free, ends, structure])?;
    let length = dict.body(LENGTH) + one_key(key.meta);
    dict.set_body(LENGTH, [length])?;
    Ok(length & LOW)
}

/// The count of a key with this META in LENGTH: one key, and one opaque key if it is such.
#[inline(always)]
fn one_key(meta: u64) -> u64 {
    1 | u64::from(entry::is_opaque(meta)) << 32
}

/// Removes an entry.
pub(crate) fn remove(transaction: &mut Transaction<'_>, dict: Variable, at: u64) -> Result<()> {
    let (meta, value) = (transaction.load(at + META)?, Word(transaction.load(at + VALUE)?));
    if entry::is_in_block(meta) {
        let block = transaction.load(at + KEY)?;
        transaction.free_on_commit(block)?;
    }
    content::free_on_commit(transaction, value)?;
    take_out(&mut LockedTarget(transaction, dict), at)
}

/// Takes an entry out of chain and order, and frees it. The caller frees the blocks to which its words lead.
#[inline(always)]
pub(super) fn take_out(dict: &mut impl Target, at: u64) -> Result<()> {
    let (entries, count) = (dict.body(ENTRIES), dict.body(BUCKET_COUNT));
    let (hash, value) = (dict.load(at + HASH)?, dict.load(at + VALUE)?);
    let (links, meta) = (dict.load(at + LINKS)?, dict.load(at + META)?);
    if hash == 0 || count == 0 {
        return Err(Error::Corrupt { what: "an entry of a dict that is removed is none", offset: at });
    }

    let mut link = BUCKET.at(dict, dict.body(BUCKETS), entry::bucket_of(hash, count))?;
    let mut linked = dict.load(link)?;
    let mut from_bucket = true;
    let number = loop {
        if linked & LOW == 0 {
            return Err(Error::Corrupt { what: "an entry of a dict is in no chain", offset: at });
        }
        let found = ENTRY.at(dict, entries, (linked & LOW) - 1)?;
        if found == at {
            break (linked & LOW) - 1;
        }
        link = found + LINKS;
        linked = dict.load(link)?;
        from_bucket = false;
    };
    dict.set(link, if from_bucket { links & LOW } else { linked & !LOW | links & LOW })?;

    let (previous, next) = (meta & LOW, links >> 32);
    let ends = dict.body(ENDS);
    let (mut first, mut last) = (ends & LOW, ends >> 32);
    if previous == 0 {
        first = next;
    } else {
        let before = ENTRY.at(dict, entries, previous - 1)?;
        let links = dict.load(before + LINKS)?;
        dict.set(before + LINKS, next << 32 | links & LOW)?;
    }
    if next == 0 {
        last = previous;
    } else {
        let after = ENTRY.at(dict, entries, next - 1)?;
        let meta = dict.load(after + META)?;
        dict.set(after + META, meta & !LOW | previous)?;
    }

    let free = dict.body(FREE);
    // The words behind stay as they are: no reader looks at them in an entry whose hash is 0.
    dict.set_words(at + HASH, [0, value, free])?;
    let structure = dict.body(STRUCTURE).wrapping_add(1);
    dict.set_body(FREE, [number + 1, last << 32 | first, structure])?;
    let length = dict.body(LENGTH);
    dict.set_body(LENGTH, [length - one_key(meta)])
}

const _: () = {
    assert!(HASH == 0 && VALUE == 8 && LINKS == 16 && META == 24 && KEY == 32);
    assert!(FREE == USED + 1 && ENDS == USED + 2 && STRUCTURE == USED + 3 && USED == 4);
};
