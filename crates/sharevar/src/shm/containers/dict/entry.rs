//! An entry: one cache line, with keys of up to 32 bytes in it; and the search for one.
//!
//! ```text
//!  0  hash, 0 if free           8  value word
//! 16  u32 next in chain │ u32 next in order        (each plus one; 0 = none)
//! 24  u32 previous in order │ u24 key length │ u8 key form
//! 32  key, zero padded, or the offset of its block
//!
//! key block:  u32 canonical length │ u32 original length   canonical   original
//! ```

use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENTRIES, ENTRY, USED};
use crate::engine::stored_keys::StoredKey;
use crate::shm::items::source::Source;
use sharevar_arena::{Error, Result};
use sharevar_value::Key;

pub(crate) const HASH: u64 = 0;
pub(crate) const VALUE: u64 = 8;
pub(crate) const LINKS: u64 = 16;
pub(crate) const META: u64 = 24;
pub(crate) const KEY: u64 = 32;
/// Bytes of a key that stand in the entry.
pub(crate) const INLINE: u64 = 32;
/// The low half of a word.
pub(crate) const LOW: u64 = 0xffff_ffff;
/// Steps of a walk between two looks at the version.
const LOOK: u64 = 64;

/// Where a key is or would be.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// The entry, if the key is there.
    pub(crate) found: Option<u64>,
    /// Its place in the chain.
    pub(crate) gap: Gap,
}

/// A place in a chain.
#[derive(Clone, Copy)]
pub(crate) struct Gap {
    /// The word that links to it, or would: a bucket, or the links of the entry before.
    pub(crate) link: u64,
    /// Whether that word is a bucket.
    pub(crate) from_bucket: bool,
    /// The entry to which the link leads: its number plus one, or 0.
    pub(crate) next: u64,
}

/// The bucket of a hash among `count`.
#[inline(always)]
pub(crate) fn bucket_of(hash: u64, count: u64) -> u64 {
    let low = count.ilog2();
    let wide = hash & ((2 << low) - 1);
    if wide < count { wide } else { hash & ((1 << low) - 1) }
}

/// Whether `there` stands behind `hash`, which differs, in the order of bit-reversed hashes: the
/// lowest bit in which they differ tells, and no word has to be reversed.
#[inline(always)]
pub(crate) fn comes_after(there: u64, hash: u64) -> bool {
    let differ = there ^ hash;
    there & differ & differ.wrapping_neg() != 0
}

/// Looks for `key`.
#[inline]
pub(crate) fn probe(source: &impl Source, key: &Key) -> Result<Probe> {
    let count = source.body(BUCKET_COUNT);
    if count == 0 {
        return Ok(Probe { found: None, gap: Gap { link: 0, from_bucket: true, next: 0 } });
    }
    let hash = key.hash();
    let entries = source.body(ENTRIES);
    let mut link = BUCKET.at(source, source.body(BUCKETS), bucket_of(hash, count))?;
    let mut next = source.load(link)?;
    let mut from_bucket = true;
    let mut steps = 0;
    while next != 0 {
        let entry = ENTRY.at(source, entries, next - 1)?;
        let there = source.load(entry + HASH)?;
        if there == hash {
            if holds(source, entry, key)? {
                return Ok(Probe { found: Some(entry), gap: Gap { link, from_bucket, next } });
            }
        } else if comes_after(there, hash) {
            break;
        }
        link = entry + LINKS;
        next = source.load(link)? & LOW;
        from_bucket = false;
        steps += 1;
        // A torn walk may run in a circle (hazard 11).
        if steps % LOOK == 0 && (!source.is_valid() || steps > source.body(USED)) {
            return Err(Error::Corrupt { what: "a chain of a dict does not end", offset: link });
        }
    }
    Ok(Probe { found: None, gap: Gap { link, from_bucket, next } })
}

#[inline(always)]
fn holds(source: &impl Source, entry: u64, key: &Key) -> Result<bool> {
    let meta = source.load(entry + META)?;
    if meta >> 32 & 0xff_ffff != key_length_field(key.len()) {
        return Ok(false);
    }
    let mut at = entry + KEY;
    if is_in_block(meta) {
        let block = source.load(at)?;
        if source.load(block)? & LOW != key.len() as u64 {
            return Ok(false);
        }
        at = block + 8;
    }
    for (index, word) in key.words().iter().enumerate() {
        if source.load(at + index as u64 * 8)? != *word {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The length as the entry's 24 bits hold it; the block of a long key has all of it.
pub(crate) fn key_length_field(length: usize) -> u64 {
    (length as u64).min(0xff_ffff)
}

/// Whether the key stands in a block: it is long, or its original is kept beside it.
#[inline(always)]
pub(crate) fn is_in_block(meta: u64) -> bool {
    meta >> 32 & 0xff_ffff > INLINE || meta >> 56 == ORIGINAL
}

/// The tag of [`KeyForm::Original`].
pub(crate) const ORIGINAL: u64 = 3;

/// The tag of [`KeyForm::Opaque`].
const OPAQUE: u64 = 4;

/// Whether only Python can compare the key.
#[inline(always)]
pub(crate) fn is_opaque(meta: u64) -> bool {
    meta >> 56 == OPAQUE
}

/// Copies an entry's key out.
pub(crate) fn stored_key(source: &impl Source, entry: u64) -> Result<StoredKey> {
    let meta = source.load(entry + META)?;
    let (mut at, mut length, mut original_length) = (entry + KEY, meta >> 32 & 0xff_ffff, 0);
    if is_in_block(meta) {
        let block = source.load(at)?;
        let lengths = source.load(block)?;
        (at, length, original_length) = (block + 8, lengths & LOW, lengths >> 32);
        // Torn lengths ask for no memory.
        if !source.is_valid() {
            return Err(Error::Corrupt { what: "a key has changed while it was read", offset: block });
        }
    }
    let canonical = source.participant().copy_of(at, length)?;
    let original = source.participant().copy_of(at + length.next_multiple_of(8), original_length)?;
    Ok(StoredKey::new(canonical, original, (meta >> 56) as u8))
}
