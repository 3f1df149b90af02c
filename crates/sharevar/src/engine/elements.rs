//! A fixed number of machine numbers.

use super::handle::Handle;
use crate::error::Result;
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
}
