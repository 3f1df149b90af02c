//! The words of a dict.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | root of the buckets |
//! | 1 | number of buckets |
//! | 2 | root of the entries |
//! | 3 | length (low half); how many of the keys are opaque (high half) |
//! | 4 | entries ever used |
//! | 5 | first free entry, plus one |
//! | 6 | first (low half) and last (high half) entry in insertion order, plus one |
//! | 7 | counts insertions and deletions (low half) and exchanges of the whole content (high half) |

use crate::shm::items::segments::Segments;

pub(crate) const BUCKETS: usize = 0;
pub(crate) const BUCKET_COUNT: usize = 1;
pub(crate) const ENTRIES: usize = 2;
pub(crate) const LENGTH: usize = 3;
pub(crate) const USED: usize = 4;
pub(crate) const FREE: usize = 5;
pub(crate) const ENDS: usize = 6;
pub(crate) const STRUCTURE: usize = 7;

/// The increment of [`STRUCTURE`] by an exchange of the whole content.
pub(crate) const EXCHANGE: u64 = 1 << 32;

/// Bytes of an entry.
pub(crate) const ENTRY_SIZE: u64 = 64;

pub(crate) const BUCKET: Segments = Segments::new(8, 8);
pub(crate) const ENTRY: Segments = Segments::new(ENTRY_SIZE, 8);
