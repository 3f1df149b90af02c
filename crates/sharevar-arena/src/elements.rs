//! The elements of arrays: fixed-size memory of a variable, accessed in its element's size.
//!
//! An element is changed by one atomic store under the variable's lock, many by a transaction.
//! Views (the buffer protocol) are outside of both.

use crate::arena::Arena;
use crate::error::{Error, Result};
use crate::heap;
use crate::mistake::{Mistake, made};
use crate::participant::Participant;
use crate::sync::Ordering;
use crate::transaction::Transaction;
use crate::variable::Variable;

/// Up to so many elements of one change are noted one by one; of more the old bits are saved in a
/// block of their own, which one note names.
const NOTED_EACH: u64 = 64;

/// Memory for copies of so much is asked for in a way that can fail.
const LARGE: u64 = 1 << 20;

/// In a note above what any offset has: the logarithm of an element's size plus one, or [`SAVED`].
const MARK_SHIFT: u32 = 60;
/// The note names a block of saved elements.
const SAVED: u64 = 5;
/// Words at the start of such a block: offset of the first element, size, distance to the next in
/// bytes, count. The bits follow, packed.
const SAVED_HEADER: u64 = 4 * 8;

/// Elements at equal distances in the block of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements {
    first: u64,
    size: u64,
    step: i64,
    count: u64,
}

impl Elements {
    /// `count` elements of `size` (1, 2, 4 or 8) bytes in `block`, from number `start` on, the next
    /// one `step` further each time.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they lead to no possible offset.
    pub fn new(block: u64, size: u64, start: u64, step: i64, count: u64) -> Result<Self> {
        let first = start.checked_mul(size).and_then(|at| at.checked_add(block));
        let step = step.checked_mul(size as i64);
        match (first, step) {
            (Some(first), Some(step)) if matches!(size, 1 | 2 | 4 | 8) => {
                Ok(Self { first, size, step, count })
            }
            _ => Err(Error::corrupt("elements lie beyond every address", block)),
        }
    }

    /// Offset of element `number`, which is one of those that were checked.
    fn at(self, number: u64) -> u64 {
        self.first.wrapping_add_signed(self.step.wrapping_mul(number as i64))
    }

    /// Bytes of the elements.
    fn bytes(self) -> Result<u64> {
        let bytes = self.count.checked_mul(self.size).filter(|bytes| *bytes < 1 << 48);
        bytes.ok_or_else(|| Error::corrupt("there are more elements than bytes", self.first))
    }

    /// Checks that all of them lie in the published pages.
    fn check(self, arena: &Arena) -> Result<()> {
        self.bytes()?;
        let Some(last) = self.count.checked_sub(1) else { return Ok(()) };
        let last = i64::try_from(last).ok().and_then(|last| self.step.checked_mul(last));
        let last = last.and_then(|way| self.first.checked_add_signed(way));
        let last = last.ok_or_else(|| Error::corrupt("elements lie beyond every address", self.first))?;
        arena.check_range(self.first, self.size)?;
        arena.check_range(last, self.size)?;
        if self.first.is_multiple_of(self.size) && self.step.unsigned_abs().is_multiple_of(self.size) {
            return Ok(());
        }
        Err(Error::corrupt("elements are misaligned", self.first))
    }

    /// Stores the packed bits.
    fn store(self, arena: &Arena, octets: &[u8]) {
        for (number, octets) in octets.chunks_exact(self.size as usize).enumerate() {
            let mut bits = [0; 8];
            bits[..octets.len()].copy_from_slice(octets);
            arena.store_element(self.at(number as u64), self.size, u64::from_le_bytes(bits));
        }
    }

    /// Copies the bits of `octets.len()` bytes of elements out, packed.
    fn load(self, arena: &Arena, octets: &mut [u8]) {
        let mut number = 0;
        let mut rest = octets;
        // Together if they lie together; the first ones up to the next word one by one.
        let together = self.step == self.size as i64;
        let is_whole = |number| together && self.at(number).is_multiple_of(8);
        while !rest.is_empty() && !is_whole(number) {
            let (octets, further) = rest.split_at_mut(self.size as usize);
            let bits = arena.load_element(self.at(number), self.size);
            octets.copy_from_slice(&bits.to_le_bytes()[..self.size as usize]);
            (rest, number) = (further, number + 1);
        }
        if !rest.is_empty() {
            arena.copy_out(self.at(number), rest);
        }
    }

    /// Writes where they are, and their bits, into a block that no other participant knows.
    fn save(self, arena: &Arena, block: u64) -> Result<()> {
        let head = [self.first, self.size, self.step as u64, self.count];
        for (index, word) in head.into_iter().enumerate() {
            crate::crash::put(arena.word(block + index as u64 * 8)?, word);
        }
        let mut octets = zeros(self.bytes()?)?;
        self.load(arena, &mut octets);
        arena.copy_in(block + SAVED_HEADER, &octets);
        Ok(())
    }

    /// Puts back what [`Self::save`] has saved, as far as it makes sense: the arena may be damaged.
    fn restore(arena: &Arena, block: u64) -> Result<()> {
        let mut head = [0; 4];
        for (index, word) in head.iter_mut().enumerate() {
            *word = arena.word(block + index as u64 * 8)?.load(Ordering::Acquire);
        }
        let [first, size, step, count] = head;
        let elements = Self { first, size, step: step as i64, count };
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(Error::corrupt("saved elements have no size", block));
        }
        elements.check(arena)?;
        let bytes = elements.bytes()?;
        arena.check_range(block, SAVED_HEADER + bytes.next_multiple_of(8))?;
        let per_word = 8 / size;
        for number in 0..count {
            let at = block + SAVED_HEADER + number / per_word * 8;
            let bits = arena.word(at)?.load(Ordering::Acquire) >> (number % per_word * size * 8);
            arena.store_element(elements.at(number), size, bits);
        }
        Ok(())
    }
}

/// So many zeros, or an error where `vec!` would end the process.
#[inline]
fn zeros(bytes: u64) -> Result<Vec<u8>> {
    if bytes < LARGE {
        return Ok(vec![0; bytes as usize]);
    }
    large_zeros(bytes)
}

#[cold]
fn large_zeros(bytes: u64) -> Result<Vec<u8>> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(bytes as usize).map_err(|_| Error::NoMemory { asked: bytes })?;
    zeros.resize(bytes as usize, 0);
    Ok(zeros)
}

/// The note of an element.
fn element_note(at: u64, size: u64) -> u64 {
    u64::from(size.trailing_zeros() + 1) << MARK_SHIFT | at
}

/// Whether a note is of elements rather than of a word.
#[inline(always)]
pub(crate) fn is_element_note(at: u64) -> bool {
    at >> MARK_SHIFT != 0
}

/// Undoes the store of an element, or of all that a block has saved.
pub(crate) fn undo(arena: &Arena, note: u64, bits: u64) {
    let (mark, at) = (note >> MARK_SHIFT, note & ((1 << MARK_SHIFT) - 1));
    if mark == SAVED {
        // An error means a damaged arena, which `check` reports.
        let _ = Elements::restore(arena, at);
        return;
    }
    let size = 1 << (mark - 1).min(3);
    if arena.check_range(at, size).is_ok() && at.is_multiple_of(size) {
        arena.store_element(at, size, bits);
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
        Ok(self.arena().load_element(self.element_at(block, size, index)?, size))
    }

    /// Copies elements of `variable` out, packed, as they are at one moment: under its lock.
    ///
    /// # Errors
    /// Closed arena; [`Error::Corrupt`] if they do not lie in the published pages.
    pub fn load_elements(&self, variable: Variable, elements: Elements) -> Result<Vec<u8>> {
        elements.check(self.arena())?;
        let mut octets = zeros(elements.bytes()?)?;
        let mut transaction = self.begin()?;
        transaction.lock(variable)?;
        elements.load(self.arena(), &mut octets);
        transaction.commit()?;
        Ok(octets)
    }

    /// Stores an element outside of every operation, as a view does; see [`Self::load_element`].
    pub fn store_element(&self, block: u64, size: u64, index: u64, bits: u64) -> Result<()> {
        self.arena().store_element(self.element_at(block, size, index)?, size, bits);
        Ok(())
    }

    /// The address of a block for a view that other code reads and writes, while a handle on
    /// the variable that owns the block is held.
    pub fn address_of(&self, block: u64, bytes: u64) -> Result<*mut u8> {
        self.arena().check_range(block, bytes)?;
        self.arena().address(block, bytes).ok_or_else(|| Error::corrupt("a view leads out", block))
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
        let mut bytes = zeros(length)?;
        self.arena().copy_out(offset, &mut bytes);
        Ok(bytes)
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
        let saved = if elements.count > NOTED_EACH {
            let block = self.allocate(SAVED_HEADER + bytes.next_multiple_of(8))?;
            self.give_up(block)?;
            Some(block)
        } else {
            None
        };
        self.lock(variable)?;
        if made(Mistake::ElementsStoredBeforeNoted) {
            self.announce_change();
            elements.store(arena, octets);
        }
        if let Some(block) = saved {
            elements.save(arena, block)?;
            self.note(SAVED << MARK_SHIFT | block, 0)?;
        } else {
            for number in 0..elements.count {
                let at = elements.at(number);
                self.note(element_note(at, elements.size), arena.load_element(at, elements.size))?;
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

    /// Fills `bytes` (a multiple of 8) from an 8-aligned offset of a new block with zeros.
    pub fn put_zeros(&self, offset: u64, bytes: u64) -> Result<()> {
        let arena = self.participant().arena();
        arena.check_range(offset, bytes)?;
        arena.fill_zero(offset, bytes);
        Ok(())
    }
}
