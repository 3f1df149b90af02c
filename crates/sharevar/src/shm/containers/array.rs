//! A fixed number of elements of one size, in one block that never moves.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | the block |
//! | 1 | number of elements |
//! | 2 | bytes of an element |
//! | 3 | format of an element, as in Python's `struct` |

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Elements, Participant, Variable};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops {
    reap,
    trace: |source, _, visit| {
        trace(source, visit);
        Ok(())
    },
    ..Ops::NONE
};

const BLOCK: usize = 0;
const COUNT: usize = 1;
const SIZE: usize = 2;
const FORMAT: usize = 3;

/// Bytes that are copied under one hold of the lock where all are.
const PIECE: u64 = 64 << 10;
/// How often all elements are read until they are of one moment.
const ATTEMPTS: u32 = 3;

/// A shared array. Its length and the type of its elements never change, so they are read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawArray {
    handle: Handle,
    block: u64,
    count: u64,
    size: u64,
    format: char,
}

impl RawArray {
    /// Makes an array of `count` zero elements of `size` bytes (1, 2, 4 or 8) and that format.
    pub fn create(participant: &Arc<Participant>, format: char, size: u64, count: u64) -> Result<Self> {
        let handle = Handle::create(participant, Kind::Array)?;
        let variable = handle.variable();
        let bytes = count.checked_mul(size).and_then(|bytes| bytes.checked_next_multiple_of(8)).ok_or(
            sharevar_arena::Error::OutOfSharedMemory {
                asked: u64::MAX,
                free: 0,
                limit: participant.capacity(),
            },
        )?;
        let mut transaction = participant.begin()?;
        let block = transaction.allocate(bytes.max(8))?;
        transaction.put_zeros(block, bytes)?;
        transaction.lock(variable)?;
        for (index, word) in
            [(BLOCK, block), (COUNT, count), (SIZE, size), (FORMAT, u64::from(u32::from(format)))]
        {
            transaction.set_body(variable, index, word)?;
        }
        transaction.commit()?;
        Self::from_handle(handle)
    }

    /// The array that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        let handle = handle.expect(Kind::Array)?;
        let variable = handle.variable();
        // They were there before the first handle was, and stay: no lock is needed.
        let [block, count, size, format] =
            [BLOCK, COUNT, SIZE, FORMAT].map(|index| handle.participant().body(variable, index));
        let format = u32::try_from(format).ok().and_then(char::from_u32).filter(|format| *format != '\0');
        let format = format.filter(|_| matches!(size, 1 | 2 | 4 | 8));
        let format = format.ok_or(sharevar_arena::Error::Corrupt {
            what: "an array has no format",
            offset: variable.header(),
        })?;
        Ok(Self { handle, block, count, size, format })
    }

    /// The handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of an element.
    pub fn element_size(&self) -> u64 {
        self.size
    }

    /// Format of an element.
    pub fn format(&self) -> char {
        self.format
    }

    /// The bits of element `index`, in the low end. Elements that a slice is about to store, or
    /// that a dead process had begun to store, are not seen.
    #[inline]
    pub fn load(&self, index: u64) -> Result<u64> {
        self.check(index)?;
        let participant = self.handle.participant();
        let found =
            participant.peek(self.handle.variable(), |peek| peek.element(self.block, self.size, index));
        match found {
            Some(bits) => Ok(bits),
            None => Ok(bits_of(&self.load_octets(index, 1, 1)?)),
        }
    }

    /// Stores the bits of element `index`: one atomic store under the lock, so that it stands
    /// before or after any slice, also one that a death undoes.
    #[inline]
    pub fn store(&self, index: u64, bits: u64) -> Result<()> {
        self.check(index)?;
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let done = participant
            .change_one(variable, |change| change.change_element(self.block, self.size, index, bits));
        if done.is_some() {
            return Ok(());
        }
        Ok(participant
            .change(variable, |change| change.change_element(self.block, self.size, index, bits))?)
    }

    /// Stores the bits of element `index` without the lock, as a view does: a slice that is being
    /// stored, or undone after a death, may overwrite it.
    #[inline]
    pub fn store_as_view(&self, index: u64, bits: u64) -> Result<()> {
        self.check(index)?;
        Ok(self.handle.participant().store_element(self.block, self.size, index, bits)?)
    }

    #[inline]
    fn check(&self, index: u64) -> Result<()> {
        if self.handle.participant().is_closed() {
            return Err(sharevar_arena::Error::Closed.into());
        }
        if index < self.count {
            return Ok(());
        }
        Err(Error::IndexOutOfRange { index: index as i64, length: self.count })
    }

    /// The bits of the elements from `start` on, at most `length` of them, of one moment.
    pub fn load_slice(&self, start: u64, length: u64) -> Result<Vec<u64>> {
        let count = length.min(self.count.saturating_sub(start));
        let octets = self.load_octets(start, 1, count)?;
        Ok(octets.chunks_exact(self.size as usize).map(bits_of).collect())
    }

    /// The bits of `count` elements, packed, of one moment: from `start` on, the next one `step`
    /// further each time.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] if there is no such element.
    pub fn load_octets(&self, start: u64, step: i64, count: u64) -> Result<Vec<u8>> {
        let elements = self.elements(start, step, count)?;
        Ok(self.handle.participant().load_elements(self.handle.variable(), elements)?)
    }

    /// The bits of all elements, packed, copied in pieces of 64 KiB between which others go on: of one
    /// moment if nothing changes meanwhile, in three attempts, else each piece of its own.
    pub fn all_octets(&self) -> Result<Vec<u8>> {
        self.octets_between(|_| {})
    }

    /// [`Self::all_octets`], with a call after each piece, when no lock is held.
    fn octets_between(&self, mut between: impl FnMut(usize)) -> Result<Vec<u8>> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let stamp = participant.changes(variable);
            let mut octets = Vec::with_capacity((self.count * self.size) as usize);
            let mut next = 0;
            while next < self.count {
                let piece = self.load_octets(next, 1, (PIECE / self.size).min(self.count - next))?;
                next += piece.len() as u64 / self.size;
                octets.extend_from_slice(&piece);
                between(piece.len());
            }
            if left == 0 || participant.changes(variable) == stamp {
                return Ok(octets);
            }
        }
    }

    /// Stores `bits` from element `start` on, the next one `step` further each time; see
    /// [`Self::store_octets`].
    pub fn store_slice(&self, start: u64, step: i64, bits: &[u64]) -> Result<()> {
        let size = self.size as usize;
        let octets: Vec<u8> =
            bits.iter().flat_map(|bits| bits.to_le_bytes().into_iter().take(size)).collect();
        self.store_octets(start, step, &octets)
    }

    /// Stores packed bits from element `start` on, the next one `step` further each time. It is
    /// one operation, however many they are: no process reads a part of it but by a view, and it is
    /// undone if this process dies half-way.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] if there is no such element. Out of memory: the old bits of more
    /// than a few elements are kept until all are stored.
    pub fn store_octets(&self, start: u64, step: i64, octets: &[u8]) -> Result<()> {
        let elements = self.elements(start, step, octets.len() as u64 / self.size)?;
        let mut transaction = self.handle.participant().begin()?;
        transaction.store_elements(self.handle.variable(), elements, octets)?;
        Ok(transaction.commit()?)
    }

    fn elements(&self, start: u64, step: i64, count: u64) -> Result<Elements> {
        if count > 0 {
            self.check(start)?;
            let last = i64::try_from(count - 1).ok().and_then(|last| last.checked_mul(step));
            self.check(last.and_then(|way| start.checked_add_signed(way)).unwrap_or(u64::MAX))?;
        }
        Ok(Elements::new(self.block, self.size, start, step, count)?)
    }

    /// Where the elements are in this process, for views; valid while a handle is held.
    pub fn address(&self) -> Result<*mut u8> {
        Ok(self.handle.participant().address_of(self.block, self.count * self.size)?)
    }
}

/// The bits of an element from its bytes.
fn bits_of(octets: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..octets.len()].copy_from_slice(octets);
    u64::from_le_bytes(bits)
}

/// Takes the block of a dying array away.
fn reap(participant: &Participant, variable: Variable) -> sharevar_arena::Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock(variable)?;
    let block = transaction.body(variable, BLOCK);
    if block != 0 {
        transaction.set_body(variable, BLOCK, 0)?;
        transaction.free_on_commit(block)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Names the array's block.
fn trace(source: &AtOnce<'_, '_>, visit: &mut dyn FnMut(u64)) {
    let block = source.body(BLOCK);
    if block != 0 {
        visit(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::KINDS;

    #[test]
    fn others_store_between_the_pieces_of_a_copy() {
        let participant = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
        let array = RawArray::create(&participant, 'q', 8, 40_000).unwrap();
        let mut calls = 0;
        let octets = array.octets_between(|count| {
            assert!(count as u64 <= PIECE);
            calls += 1;
            // No lock is held: these would wait for it. The first attempt is not of one moment.
            if calls == 1 {
                array.store(39_999, 7).unwrap();
                array.store(0, 5).unwrap();
            }
        });
        let octets = octets.unwrap();
        assert_eq!(calls, 2 * 5);
        assert_eq!((octets[0], octets[39_999 * 8], octets.len()), (5, 7, 320_000));
        // One that never rests is copied all the same.
        let mut calls = 0;
        let octets = array.octets_between(|_| {
            calls += 1;
            array.store(39_999, calls).unwrap();
        });
        assert_eq!(octets.unwrap()[39_999 * 8], 14);
    }
}
