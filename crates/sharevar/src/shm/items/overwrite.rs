//! Overwriting a short value where it is.

use super::block;
use sharevar_arena::{Result, Transaction};
use sharevar_value::{Encoded, Word};

/// The most bytes of an encoding that is stored so: each word of it is noted, which is cheaper than
/// another block up to about here.
const MOST_BYTES: usize = 128;

/// The encoding of a value that may be stored over another: it is short and refers to no variable.
#[inline]
pub(crate) fn short(value: &Encoded) -> Option<&[u8]> {
    match value {
        Encoded::Bytes { bytes, handles } if bytes.len() <= MOST_BYTES && handles.is_empty() => Some(bytes),
        _ => None,
    }
}

/// Stores an encoding in the block of the value `word`, if that has the room, and not much more, and refers
/// to no variable. Returns whether it did. The variable whose value it is is locked.
#[inline]
pub(crate) fn overwrite(transaction: &mut Transaction<'_>, word: Word, encoding: &[u8]) -> Result<bool> {
    let Some(block) = word.block_offset() else { return Ok(false) };
    let header = transaction.load(block)?;
    let (words, old_words) = (words_of(encoding.len() as u64), words_of(block::length_of(header)));
    if block::handles_of(header) != 0 {
        return Ok(false);
    }
    if words != old_words {
        let (needed, size) = (8 + words * 8, transaction.participant().block_size(block)?);
        if needed > size || size > needed + needed / 2 + 16 {
            return Ok(false);
        }
    }
    // Noted, so that a death leaves the old value; and readers see by the version that it changes.
    transaction.set(block, block::header(encoding.len() as u64, 0))?;
    for (index, bytes) in encoding.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        transaction.set(block + 8 + index as u64 * 8, u64::from_le_bytes(word))?;
    }
    Ok(true)
}

fn words_of(length: u64) -> u64 {
    length.div_ceil(8)
}
