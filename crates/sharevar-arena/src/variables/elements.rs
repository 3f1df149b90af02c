//! The elements of arrays: fixed-size memory of a variable, accessed in its element's size.
//!
//! An element is changed by one atomic store under the variable's lock, many by a transaction.
//! Views (the buffer protocol) are outside of both.

use crate::error::{Error, Result};
use crate::heap;
use crate::process::participant::Participant;
use crate::proof::mutation::{Mutation, is_seeded};
use crate::sync::Ordering;
use crate::transactions::element_note::{Elements, SAVED_HEADER, element_note, saved_note, zeros};
use crate::transactions::transaction::Transaction;
use crate::variables::variable::Variable;
use std::mem::MaybeUninit;

/// Up to so many elements of one change are noted one by one; of more the old bits are saved in a
/// block of their own, which one note names.
const NOTED_EACH: u64 = 64;

impl Participant {
    fn element_at(&self, block: u64, size: u64, index: u64) -> Result<u64> {
        let at = index.checked_mul(size).and_then(|at| at.checked_add(block));
        let at = at.ok_or_else(|| Error::corrupt("an element lies beyond every address", block))?;
        self.arena().check_range(at, size)?;
        Ok(at)
    }

    /// Element `index` of `size` (1, 2, 4 or 8) bytes in the block, its bits in the low end.
    pub fn load_element(&self, block: u64, size: u64, index: u64) -> Result<u64> {
        Ok(self.arena().load_element(self.element_at(block, size, index)?, size))
    }

    /// Copies elements of `variable` out, packed, as they are at one moment: under its lock.
    ///
    /// # Errors
    /// Closed arena; [`Error::Corrupt`] if they do not lie in the published pages.
    pub fn load_elements(&self, variable: Variable, elements: Elements) -> Result<Vec<u8>> {
        elements.check(self.arena())?;
        let mut octets = zeros(elements.bytes()?)?;
        if self.is_read_only() {
            self.read_without_lock(variable, |_| {
                elements.load(self.arena(), &mut octets);
                Ok(Some(()))
            })?;
            return Ok(octets);
        }
        let mut transaction = self.begin()?;
        transaction.lock(variable)?;
        elements.load(self.arena(), &mut octets);
        transaction.commit()?;
        Ok(octets)
    }

    /// Stores an element outside of every operation, as a view does; see [`Self::load_element`].
    pub fn store_element(&self, block: u64, size: u64, index: u64, bits: u64) -> Result<()> {
        if self.is_read_only() {
            return Err(Error::ReadOnly);
        }
        self.arena().store_element(self.element_at(block, size, index)?, size, bits);
        Ok(())
    }

    /// The address of a block for a view that other code reads and writes, while a handle on
    /// the variable that owns the block is held.
    pub fn address_of(&self, block: u64, bytes: u64) -> Result<*mut u8> {
        if self.is_read_only() {
            return Err(Error::ReadOnly);
        }
        self.arena().check_range(block, bytes)?;
        self.arena().address(block, bytes).ok_or_else(|| Error::corrupt("a view leads out", block))
    }

    /// Reads `count` words from an 8-aligned offset on. The caller holds a lock, or compares versions
    /// afterwards.
    #[inline]
    pub fn words(&self, offset: u64, count: u64) -> Result<impl ExactSizeIterator<Item = u64>> {
        Ok(self.arena().words(offset, count)?.iter().map(|word| word.load(Ordering::Relaxed)))
    }

    /// Copies `out.len()` bytes from an 8-aligned offset, by words.
    #[inline]
    pub fn copy_out(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.arena().check_range(offset, (out.len() as u64).next_multiple_of(8))?;
        self.arena().copy_out(offset, out);
        Ok(())
    }

    /// A copy of `length` bytes from an 8-aligned offset on.
    ///
    /// # Errors
    /// [`Error::NoMemory`] if this process cannot have so much. [`Error::Corrupt`] if they do not
    /// lie in the published pages.
    #[inline]
    pub fn copy_of(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.arena().check_range(offset, length.next_multiple_of(8))?;
        self.arena().copy_of(offset, length)
    }

    /// Copies as many bytes as `out` has room for from any byte at `offset` on. All of it is written,
    /// unless this fails.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they do not lie in the published pages.
    pub fn copy_part(&self, offset: u64, out: &mut [MaybeUninit<u8>]) -> Result<()> {
        self.check_part(offset, out.len() as u64)?;
        self.arena().copy_part(offset, out);
        Ok(())
    }

    /// A copy of `length` bytes from any byte at `offset` on.
    ///
    /// # Errors
    /// [`Error::NoMemory`] if this process cannot have so much. [`Error::Corrupt`] if they do not
    /// lie in the published pages.
    pub fn copy_of_part(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.check_part(offset, length)?;
        self.arena().copy_of_part(offset, length)
    }

    fn check_part(&self, offset: u64, length: u64) -> Result<()> {
        let end = offset.saturating_add(length).checked_next_multiple_of(8).unwrap_or(u64::MAX);
        let start = offset & !7;
        self.arena().check_range(start, end - start)
    }

    /// Bytes that fit in a block.
    pub fn block_size(&self, block: u64) -> Result<u64> {
        heap::block_size(self.arena(), block)
    }
}

impl Transaction<'_> {
    /// Takes the lock of `variable` and stores `octets`, packed bits, in its `elements`: all of
    /// them, or, if this does not commit, none. Each element is undone by its exact bytes.
    ///
    /// # Errors
    /// Out of memory, when the old bits of many elements have to be kept meanwhile.
    ///
    /// # Panics
    /// If this transaction has taken a lock already, or there are more or fewer octets.
    pub fn store_elements(&mut self, variable: Variable, elements: Elements, octets: &[u8]) -> Result<()> {
        let arena = self.participant().arena();
        elements.check(arena)?;
        let bytes = elements.bytes()?;
        assert_eq!(octets.len() as u64, bytes, "as many octets as the elements have");
        let saved = if elements.count() > NOTED_EACH {
            let block = self.allocate(SAVED_HEADER + bytes.next_multiple_of(8))?;
            self.free_on_commit(block)?;
            Some(block)
        } else {
            None
        };
        self.lock(variable)?;
        if is_seeded(Mutation::ElementsStoredBeforeNoted) {
            self.announce_change();
            elements.store(arena, octets);
        }
        if let Some(block) = saved {
            elements.save(arena, block)?;
            self.note(saved_note(block), 0)?;
        } else {
            for number in 0..elements.count() {
                let at = elements.at(number);
                self.note(element_note(at, elements.size()), arena.load_element(at, elements.size()))?;
            }
        }
        self.announce_change();
        elements.store(arena, octets);
        Ok(())
    }

    /// Copies `bytes` to an 8-aligned offset of a new block, by words; the last is padded with zeros.
    #[inline]
    pub fn put_bytes(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let arena = self.participant().arena();
        arena.check_range(offset, (bytes.len() as u64).next_multiple_of(8))?;
        arena.copy_in(offset, bytes);
        Ok(())
    }

    /// Copies parts, one behind the other, to an 8-aligned offset of a new block, as
    /// [`Self::put_bytes`] does with one.
    pub fn put_parts(&self, offset: u64, parts: &[&[u8]]) -> Result<()> {
        let mut at = offset;
        // The bytes of a word that one part has begun and the next ones fill up.
        let (mut word, mut filled) = ([0; 8], 0);
        for part in parts {
            let (filling, rest) = part.split_at(part.len().min((8 - filled) % 8));
            word[filled..filled + filling.len()].copy_from_slice(filling);
            filled += filling.len();
            if filled == 8 {
                self.put_bytes(at, &word)?;
                (at, filled) = (at + 8, 0);
            }
            let (words, begun) = rest.split_at(rest.len() & !7);
            if !words.is_empty() {
                self.put_bytes(at, words)?;
                at += words.len() as u64;
            }
            if !begun.is_empty() {
                word[..begun.len()].copy_from_slice(begun);
                filled = begun.len();
            }
        }
        if filled == 0 { Ok(()) } else { self.put_bytes(at, &word[..filled]) }
    }

    /// Fills `bytes` (a multiple of 8) from an 8-aligned offset of a new block with zeros.
    pub fn put_zeros(&self, offset: u64, bytes: u64) -> Result<()> {
        let arena = self.participant().arena();
        arena.check_range(offset, bytes)?;
        arena.fill_zero(offset, bytes);
        Ok(())
    }
}
