//! Notes of elements of arrays, and the places of elements.
//!
//! A note of a lane names a word, or an element of less than a word by its exact bytes, or a block
//! in which the old bits of many elements are saved.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::sync::Ordering;

/// From this many bytes on, memory for copies is allocated in a way that can fail.
const LARGE: u64 = 1 << 20;

/// In a note above what any offset has: the logarithm of an element's size plus one, or [`SAVED`].
const MARK_SHIFT: u32 = 60;
/// The note names a block of saved elements.
const SAVED: u64 = 5;
/// Words at the start of such a block: offset of the first element, size, distance to the next in
/// bytes, count. The bits follow, packed.
pub(crate) const SAVED_HEADER: u64 = 4 * 8;

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
    pub(crate) fn at(self, number: u64) -> u64 {
        self.first.wrapping_add_signed(self.step.wrapping_mul(number as i64))
    }

    /// Bytes of the elements.
    pub(crate) fn bytes(self) -> Result<u64> {
        let bytes = self.count.checked_mul(self.size).filter(|bytes| *bytes < 1 << 48);
        bytes.ok_or_else(|| Error::corrupt("there are more elements than bytes", self.first))
    }

    /// Checks that all of them lie in the published pages.
    pub(crate) fn check(self, arena: &Arena) -> Result<()> {
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
    pub(crate) fn store(self, arena: &Arena, octets: &[u8]) {
        for (number, octets) in octets.chunks_exact(self.size as usize).enumerate() {
            let mut bits = [0; 8];
            bits[..octets.len()].copy_from_slice(octets);
            arena.store_element(self.at(number as u64), self.size, u64::from_le_bytes(bits));
        }
    }

    /// Copies the bits of `octets.len()` bytes of elements out, packed.
    pub(crate) fn load(self, arena: &Arena, octets: &mut [u8]) {
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
    pub(crate) fn save(self, arena: &Arena, block: u64) -> Result<()> {
        let head = [self.first, self.size, self.step as u64, self.count];
        for (index, word) in head.into_iter().enumerate() {
            crate::proof::crash::put(arena.word(block + index as u64 * 8)?, word);
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

/// The note of a block in which elements are saved.
pub(crate) fn saved_note(block: u64) -> u64 {
    SAVED << MARK_SHIFT | block
}

impl Elements {
    pub(crate) fn count(self) -> u64 {
        self.count
    }

    pub(crate) fn size(self) -> u64 {
        self.size
    }
}

/// The note of an element.
pub(crate) fn element_note(at: u64, size: u64) -> u64 {
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

/// So many zeros, or an error where `vec!` would end the process.
#[inline]
pub(crate) fn zeros(bytes: u64) -> Result<Vec<u8>> {
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
