//! The block of a value that does not fit a word.
//!
//! ```text
//! block:  u40 length in bytes │ u24 handles   then the handle words, then the bytes
//! ```
//!
//! The handles that the bytes contain stand in front once more, as counted
//! references: a free of the block finds them without decoding it.

/// Bits of a block's header for the length; the others count the handles.
const LENGTH_BITS: u32 = 40;
/// The most bytes of an encoding.
pub(crate) const MOST_BYTES: u64 = (1 << LENGTH_BITS) - 1;
/// The most handles in one.
pub(crate) const MOST_HANDLES: u64 = u64::MAX >> LENGTH_BITS;

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
