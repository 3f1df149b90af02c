//! The entries of a priority queue: what is put, and by what it is ordered.

use crate::error::Result;
use crate::shm::items::content;
use crate::shm::items::source::Source;
use sharevar_arena::Transaction;
use sharevar_value::{Encoded, Word, priority};
use std::cmp::Ordering;

/// Where in an entry its arrival number is.
pub(super) const ARRIVAL: u64 = 0;
/// The length of its key.
const LENGTH: u64 = 8;
/// The word of the value.
pub(super) const VALUE: u64 = 16;
/// The key, filled up with zeros.
const KEY: u64 = 24;

/// A value with its key, before it is stored.
pub(super) struct Keyed<'a> {
    value: &'a Encoded,
    key: Vec<u8>,
}

impl<'a> Keyed<'a> {
    /// # Errors
    /// [`EncodeError::NoOrder`](sharevar_value::EncodeError::NoOrder).
    pub(super) fn new(value: &'a Encoded) -> Result<Self> {
        let mut key = Vec::with_capacity(32);
        priority::write_key(value, &mut key)?;
        Ok(Self { value, key })
    }

    /// Bytes of the entry.
    pub(super) fn size(&self) -> u64 {
        KEY + (self.key.len() as u64).next_multiple_of(8)
    }

    /// Stores it as an entry, whose arrival number is still to come, for a transaction that holds no
    /// lock yet.
    pub(super) fn store(&self, transaction: &mut Transaction<'_>) -> Result<u64> {
        let word = content::store(transaction, self.value)?;
        let entry = transaction.allocate(self.size())?;
        transaction.put(entry + LENGTH, self.key.len() as u64)?;
        transaction.put(entry + VALUE, word.0)?;
        transaction.put_bytes(entry + KEY, &self.key)?;
        Ok(entry)
    }
}

/// The order of two entries.
///
/// Words of a key are compared from the first byte on. The zeros behind a key that is the beginning of
/// another say nothing, and then the length decides, and last the arrival.
pub(super) fn compare(source: &impl Source, left: u64, right: u64) -> sharevar_arena::Result<Ordering> {
    let lengths = [source.load(left + LENGTH)?, source.load(right + LENGTH)?];
    let shorter = lengths[0].min(lengths[1]);
    for at in (0..shorter).step_by(8) {
        let words = [source.load(left + KEY + at)?, source.load(right + KEY + at)?];
        let order = words[0].swap_bytes().cmp(&words[1].swap_bytes());
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    let order = lengths[0].cmp(&lengths[1]);
    if order != Ordering::Equal {
        return Ok(order);
    }
    Ok(source.load(left + ARRIVAL)?.cmp(&source.load(right + ARRIVAL)?))
}

/// Gives up an entry and its value, once the transaction commits.
pub(super) fn free_on_commit(transaction: &mut Transaction<'_>, entry: u64) -> sharevar_arena::Result<()> {
    let word = Word(transaction.load(entry + VALUE)?);
    content::free_on_commit(transaction, word)?;
    transaction.free_on_commit(entry)
}
