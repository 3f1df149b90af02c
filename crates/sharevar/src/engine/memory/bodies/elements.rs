//! The elements of an array.

use crate::error::{Error, Result};

#[derive(Debug)]
pub(crate) struct ElementsBody {
    pub(crate) format: char,
    pub(crate) size: u64,
    pub(crate) bits: Vec<u64>,
}

impl ElementsBody {
    /// Of `count` zeros, each of `size` bytes.
    pub(crate) fn new(format: char, size: u64, count: u64) -> Result<Self> {
        let mut bits = Vec::new();
        let length = usize::try_from(count).unwrap_or(usize::MAX);
        if bits.try_reserve_exact(length).is_err() {
            let asked = count.saturating_mul(8);
            return Err(Error::OutOfMemory { asked, free: 0, limit: isize::MAX as u64 });
        }
        bits.resize(length, 0);
        Ok(Self { format, size, bits })
    }

    pub(crate) fn mask(&self) -> u64 {
        u64::MAX >> (64 - 8 * self.size.clamp(1, 8))
    }
}
