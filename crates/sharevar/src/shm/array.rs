//! A fixed number of elements of one size, in one block that never moves.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | the block |
//! | 1 | number of elements |
//! | 2 | bytes of an element |
//! | 3 | format of an element, as in Python's `struct` |

use super::source::{Locked, Source};
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};
use sharevar_arena::{Participant, Variable};
use std::sync::Arc;

const BLOCK: usize = 0;
const COUNT: usize = 1;
const SIZE: usize = 2;
const FORMAT: usize = 3;

/// A shared array. What it is made of never changes, so it is read once.
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
        let mut transaction = handle.participant().begin()?;
        transaction.lock(variable)?;
        let [block, count, size, format] =
            [BLOCK, COUNT, SIZE, FORMAT].map(|index| transaction.body(variable, index));
        transaction.commit()?;
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

    /// The bits of element `index`, in the low end.
    #[inline]
    pub fn load(&self, index: u64) -> Result<u64> {
        self.check(index)?;
        Ok(self.handle.participant().load_element(self.block, self.size, index)?)
    }

    /// Stores the bits of element `index`: one atomic store.
    #[inline]
    pub fn store(&self, index: u64, bits: u64) -> Result<()> {
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

    /// The elements from `start` on, as long as `bits` has them, read under the lock.
    pub fn load_slice(&self, start: u64, length: u64) -> Result<Vec<u64>> {
        let end = start.saturating_add(length).min(self.count);
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(self.handle.variable())?;
        let participant = self.handle.participant();
        let bits = (start..end).map(|index| participant.load_element(self.block, self.size, index));
        let bits = bits.collect::<sharevar_arena::Result<_>>()?;
        transaction.commit()?;
        Ok(bits)
    }

    /// Stores `bits` at `indices`, all or none: a participant that dies half-way is undone.
    /// More than [`Self::MAX_ATOMIC_SLICE`] are stored as so many operations of that size.
    ///
    /// Between processes it is one operation against other slices; single elements and views
    /// see it element by element.
    pub fn store_slice(&self, indices: impl Iterator<Item = u64> + Clone, bits: &[u64]) -> Result<()> {
        for index in indices.clone() {
            self.check(index)?;
        }
        let indices: Vec<u64> = indices.take(bits.len()).collect();
        for (indices, bits) in indices.chunks(Self::MAX_ATOMIC_SLICE).zip(bits.chunks(Self::MAX_ATOMIC_SLICE))
        {
            let mut transaction = self.handle.participant().begin()?;
            transaction.note_elements(
                self.handle.variable(),
                self.block,
                self.size,
                indices.iter().copied(),
            )?;
            for (index, bits) in indices.iter().zip(bits) {
                self.handle.participant().store_element(self.block, self.size, *index, *bits)?;
            }
            transaction.commit()?;
        }
        Ok(())
    }

    /// The most elements that one operation stores.
    pub const MAX_ATOMIC_SLICE: usize = 32_768;

    /// Where the elements are in this process, for views; valid while a handle is held.
    pub fn address(&self) -> Result<*mut u8> {
        Ok(self.handle.participant().address_of(self.block, self.count * self.size)?)
    }
}

/// Takes the block of a dying array away.
pub(crate) fn reap(participant: &Participant, variable: Variable) -> sharevar_arena::Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock(variable)?;
    let block = transaction.body(variable, BLOCK);
    if block != 0 {
        transaction.set_body(variable, BLOCK, 0)?;
        transaction.give_up(block)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Names the array's block.
pub(crate) fn trace(source: &Locked<'_, '_>, visit: &mut dyn FnMut(u64)) {
    let block = source.body(BLOCK);
    if block != 0 {
        visit(block);
    }
}
