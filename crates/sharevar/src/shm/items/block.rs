//! The block of a value that does not fit a word.
//!
//! ```text
//! block:  u40 length in bytes │ u24 handles   then the handle words, then the bytes
//! ```
//!
//! The handles that the bytes contain stand in front once more, as counted
//! references: a free of the block finds them without decoding it.

use crate::error::Result;
use sharevar_arena::Transaction;
use sharevar_value::Word;

/// Bits of a block's header for the length; the others count the handles.
const LENGTH_BITS: u32 = 40;
/// The most bytes of an encoding.
const MOST_BYTES: u64 = (1 << LENGTH_BITS) - 1;
/// The most handles in one.
const MOST_HANDLES: u64 = u64::MAX >> LENGTH_BITS;

/// The header of a block.
pub(crate) fn header(length: u64, handles: u64) -> u64 {
    handles << LENGTH_BITS | length
}

/// How many bytes the encoding has, by the header of its block.
pub(crate) fn length_of(header: u64) -> u64 {
    header & MOST_BYTES
}

/// How many handles a block with this header has.
pub(crate) fn handles_of(header: u64) -> u64 {
    header >> LENGTH_BITS
}

/// Bytes of a block in front of the encoding of a value that refers to so many variables.
pub(crate) fn front(handles: usize) -> usize {
    8 + handles * 8
}

/// Stores an encoding, the parts of which are given, in a block.
pub(super) fn store(transaction: &mut Transaction<'_>, parts: &[&[u8]], handles: &[u64]) -> Result<Word> {
    if handles.len() as u64 > MOST_HANDLES {
        let what = "number of shared variables";
        return Err(sharevar_value::EncodeError::TooLarge { what, length: handles.len() }.into());
    }
    let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    if length as u64 > MOST_BYTES {
        return Err(sharevar_value::EncodeError::TooLarge { what: "value", length }.into());
    }
    for offset in handles {
        let variable = transaction.participant().variable_at(*offset)?;
        transaction.add_reference(variable)?;
    }
    let count = handles.len() as u64;
    let block = transaction.allocate(8 + count * 8 + (length as u64).next_multiple_of(8))?;
    transaction.put(block, header(length as u64, count))?;
    for (index, offset) in handles.iter().enumerate() {
        transaction.put(block + 8 + index as u64 * 8, Word::handle(*offset).0)?;
    }
    let start = block + front(handles.len()) as u64;
    match parts {
        [whole] => transaction.put_bytes(start, whole)?,
        parts => transaction.put_parts(start, parts)?,
    }
    Ok(Word::block(block))
}
