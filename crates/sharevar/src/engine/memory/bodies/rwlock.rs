//! A readers-writer lock, and its counts.

use crate::engine::acquired::Acquired;

/// A readers-writer lock.
#[derive(Debug, Default)]
pub(crate) struct RwLockBody {
    pub(crate) readers: u64,
    pub(crate) is_written: bool,
    /// The writers that wait. They let no new readers in.
    pub(crate) next: u64,
}

impl RwLockBody {
    pub(crate) fn read(&mut self) -> Option<Acquired> {
        if self.is_written || self.next > 0 {
            return None;
        }
        self.readers += 1;
        Some(Acquired { owner_died: false })
    }

    pub(crate) fn write(&mut self) -> Option<Acquired> {
        if self.is_written || self.readers > 0 {
            return None;
        }
        self.is_written = true;
        Some(Acquired { owner_died: false })
    }
}
