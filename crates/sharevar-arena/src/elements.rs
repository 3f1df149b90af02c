//! The elements of arrays: fixed-size memory of a variable, accessed in its element's size.
//!
//! Element stores are single atomic stores and are not journaled; views (the buffer
//! protocol) are outside transactions altogether.

use crate::arena::Arena;
use crate::error::{Error, Result};
use crate::heap;
use crate::participant::Participant;
use crate::transaction::Transaction;

/// The note of an element: its offset, and above what any offset has, the size's logarithm plus one.
pub(crate) fn element_note(at: u64, size: u64) -> u64 {
    u64::from(size.trailing_zeros() + 1) << ELEMENT_SHIFT | at
}

const ELEMENT_SHIFT: u32 = 60;

/// Whether a note is of an element rather than of a word.
#[inline(always)]
pub(crate) fn is_element_note(at: u64) -> bool {
    at >> ELEMENT_SHIFT != 0
}

/// Undoes the store of an element.
pub(crate) fn undo(arena: &Arena, note: u64, bits: u64) {
    let size = 1 << ((note >> ELEMENT_SHIFT) - 1).min(3);
    let at = note & ((1 << ELEMENT_SHIFT) - 1);
    if arena.check_range(at, size).is_ok() && at.is_multiple_of(size) {
        arena.memory().store_element(at, size, bits);
    }
}

impl Participant {
    fn element_at(&self, block: u64, size: u64, index: u64) -> Result<u64> {
        let at = index.checked_mul(size).and_then(|at| at.checked_add(block));
        let at = at.ok_or_else(|| Error::corrupt("an element lies beyond every address", block))?;
        self.arena().check_range(at, size)?;
        Ok(at)
    }

    /// Element `index` of `size` (1, 2, 4 or 8) bytes in the block, its bits in the low end.
    pub fn load_element(&self, block: u64, size: u64, index: u64) -> Result<u64> {
        Ok(self.arena().memory().load_element(self.element_at(block, size, index)?, size))
    }

    /// Stores an element; see [`Self::load_element`].
    pub fn store_element(&self, block: u64, size: u64, index: u64, bits: u64) -> Result<()> {
        self.arena().memory().store_element(self.element_at(block, size, index)?, size, bits);
        Ok(())
    }

    /// The address of a block for a view that other code reads and writes, while a handle on
    /// the variable that owns the block is held.
    pub fn address_of(&self, block: u64, bytes: u64) -> Result<*mut u8> {
        self.arena().check_range(block, bytes)?;
        self.arena().memory().address(block, bytes).ok_or_else(|| Error::corrupt("a view leads out", block))
    }

    /// Copies `out.len()` bytes from an 8-aligned offset, by words.
    #[inline]
    pub fn copy_out(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.arena().check_range(offset, (out.len() as u64).next_multiple_of(8))?;
        self.arena().memory().copy_out(offset, out);
        Ok(())
    }

    /// Bytes that fit in a block.
    pub fn block_size(&self, block: u64) -> Result<u64> {
        heap::block_size(self.arena(), block)
    }
}

impl Transaction<'_> {
    /// Copies `bytes` to an 8-aligned offset of a new block, by words; the last is padded with zeros.
    #[inline]
    pub fn put_bytes(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let arena = self.participant().arena();
        arena.check_range(offset, (bytes.len() as u64).next_multiple_of(8))?;
        arena.memory().copy_in(offset, bytes);
        Ok(())
    }

    /// Fills `bytes` (a multiple of 8) from an 8-aligned offset of a new block with zeros.
    pub fn put_zeros(&self, offset: u64, bytes: u64) -> Result<()> {
        let arena = self.participant().arena();
        arena.check_range(offset, bytes)?;
        arena.memory().fill_zero(offset, bytes);
        Ok(())
    }
}
