//! Overwriting a short value where it is.

use super::block;
use sharevar_arena::{Participant, Peek, Result, SingleStore, Transaction};
use sharevar_value::{Encoded, Word};

/// The most bytes of an encoding that is stored so: so much is set aside on the stack, and noted in the lane.
const MOST_BYTES: usize = 128;
/// The bytes of a block's header.
const HEADER: usize = 8;

/// The content of a block: a short value that refers to no variable. It stands on the stack, so that a value
/// which is stored over another takes no memory of its own.
#[derive(Debug)]
pub struct ShortBlock {
    /// The block's header, then the encoding, zero padded.
    bytes: [u8; HEADER + MOST_BYTES],
    length: usize,
}

impl ShortBlock {
    /// The longest str that has one, in bytes.
    pub const MAX_STR: usize = MOST_BYTES - 2;

    /// A str, if it is short and fits no word.
    #[inline]
    pub fn of_str(value: &str) -> Option<Self> {
        let text = value.as_bytes();
        if text.len() > Self::MAX_STR || Word::from_short_str(value).is_some() {
            return None;
        }
        let mut block = Self { bytes: [0; HEADER + MOST_BYTES], length: 0 };
        let [_, _, _, _, _, _, _, _, encoding @ ..] = &mut block.bytes;
        // The two headers of a str that `MessagePack` has for these lengths.
        let front = if text.len() < 32 {
            encoding[0] = 0xa0 | text.len() as u8;
            1
        } else {
            encoding[0] = 0xd9;
            encoding[1] = text.len() as u8;
            2
        };
        encoding[front..front + text.len()].copy_from_slice(text);
        block.finish(front + text.len());
        Some(block)
    }

    /// A value that is encoded already, if it is short and refers to no variable.
    #[inline]
    pub fn of(value: &Encoded) -> Option<Self> {
        let Encoded::Bytes { bytes, handles } = value else { return None };
        if bytes.len() > MOST_BYTES || !handles.is_empty() {
            return None;
        }
        let mut block = Self { bytes: [0; HEADER + MOST_BYTES], length: 0 };
        block.bytes[HEADER..HEADER + bytes.len()].copy_from_slice(bytes);
        block.finish(bytes.len());
        Some(block)
    }

    #[inline(always)]
    fn finish(&mut self, length: usize) {
        self.length = length;
        self.bytes[..HEADER].copy_from_slice(&block::header(length as u64, 0).to_le_bytes());
    }

    /// The words of the block that hold it.
    #[inline(always)]
    fn words(&self) -> impl ExactSizeIterator<Item = u64> {
        let words = &self.bytes.as_chunks::<8>().0[..=self.length.div_ceil(8)];
        words.iter().map(|word| u64::from_le_bytes(*word))
    }

    /// Whether it has the place of a value whose block begins with `header`: that has the room, and not much
    /// more, and refers to no variable.
    #[inline(always)]
    fn has_place(&self, participant: &Participant, block: u64, header: u64) -> Result<bool> {
        if block::handles_of(header) != 0 {
            return Ok(false);
        }
        let words = (self.length as u64).div_ceil(8);
        if words == block::length_of(header).div_ceil(8) {
            return Ok(true);
        }
        let (needed, size) = (8 + words * 8, participant.block_size(block)?);
        Ok(needed <= size && size <= needed + needed / 2 + 16)
    }
}

/// Stores a value in the block of the value `word`, if it has its place there. Returns whether it did. The
/// variable whose value it is is locked.
#[inline]
pub(crate) fn overwrite(transaction: &mut Transaction<'_>, word: Word, value: &ShortBlock) -> Result<bool> {
    let Some(block) = word.block_offset() else { return Ok(false) };
    let header = transaction.load(block)?;
    if !value.has_place(transaction.participant(), block, header)? {
        return Ok(false);
    }
    // Noted, so that a death leaves the old value; and readers see by the version that it changes.
    transaction.set_words(block, value.words())?;
    Ok(true)
}

/// The same on the fast path, as the whole of an operation. `None` if nothing was done.
#[inline(always)]
pub(crate) fn overwrite_at_once(change: &SingleStore<'_>, word: Word, value: &ShortBlock) -> Option<()> {
    let block = word.block_offset()?;
    let header = Peek::load(change, block)?;
    let has_place = value.has_place(change.participant(), block, header).ok()?;
    if !has_place {
        return None;
    }
    let mut stores = change.noted();
    stores.set_words(block, value.words()).ok()?;
    stores.commit();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharevar_value::Encoder;

    #[test]
    fn a_str_is_encoded_as_by_the_encoder() {
        for length in 0..200 {
            let text = "x\u{e9}".repeat(length);
            let text = &text[..text.floor_char_boundary(length)];
            let mut encoder = Encoder::new();
            encoder.str(text).unwrap();
            let (bytes, handles) = encoder.finish().unwrap();
            let short = ShortBlock::of_str(text);
            if text.len() < 8 || text.len() > ShortBlock::MAX_STR {
                assert!(short.is_none(), "{length}");
                continue;
            }
            let (short, general) =
                (short.unwrap(), ShortBlock::of(&Encoded::Bytes { bytes, handles }).unwrap());
            assert!(short.words().eq(general.words()), "{length}");
            assert_eq!(short.words().next(), Some(general.length as u64));
        }
    }
}
