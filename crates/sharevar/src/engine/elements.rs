//! A fixed number of machine numbers.

use super::handle::Handle;
use crate::error::{Error, Result};
use std::fmt::Debug;

/// The operations of an engine on arrays. Elements are bits, in the low end of a word. An index beyond the end
/// is [`IndexOutOfRange`](crate::Error::IndexOutOfRange).
pub trait Elements: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns the elements' format, as in Python's `struct`.
    fn format(&self) -> char;

    /// Returns how many bytes an element has: 1, 2, 4 or 8.
    fn element_size(&self) -> u64;

    /// Returns how many elements there are.
    fn len(&self) -> u64;

    /// Returns whether there are no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns element `index`.
    fn load(&self, index: u64) -> Result<u64>;

    /// Sets element `index`.
    fn store(&self, index: u64, bits: u64) -> Result<()>;

    /// Returns the elements from `start` on, at most `length` of them, of one moment.
    fn load_slice(&self, start: u64, length: u64) -> Result<Vec<u64>>;

    /// Sets elements from `start` on, the next one `step` further each time, in one operation.
    fn store_slice(&self, start: u64, step: i64, bits: &[u64]) -> Result<()>;

    /// Returns the indices of `count` elements from `start` on, the next one `step` further each time.
    fn indices(&self, start: u64, step: i64, count: usize) -> Result<Vec<u64>> {
        let length = self.len();
        let check = |number: usize| {
            let way = i64::try_from(number).ok().and_then(|number| number.checked_mul(step));
            let index = way.and_then(|way| start.checked_add_signed(way)).unwrap_or(u64::MAX);
            if index < length {
                Ok(index)
            } else {
                Err(Error::IndexOutOfRange { index: index as i64, length })
            }
        };
        (0..count).map(check).collect()
    }

    /// Returns the first index of a slice and the one behind its last, which end with the array.
    fn ends(&self, start: u64, length: u64) -> (u64, u64) {
        let start = start.min(self.len());
        (start, start.saturating_add(length).min(self.len()))
    }
}
