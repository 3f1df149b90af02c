//! A list that holds its items several times over.

use super::RawList;
use crate::error::Result;
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::Content;

impl RawList {
    /// Makes the list hold its items `times` times over, as one operation.
    pub fn repeat(&self, times: u64) -> Result<()> {
        if times == 0 {
            return self.clear();
        }
        let mut attempts = Attempts::of(self.handle());
        loop {
            let (items, stamp) = self.snapshot()?;
            let again = usize::try_from(times - 1).unwrap_or(usize::MAX);
            if items.is_empty() || again == 0 {
                return Ok(());
            }
            let length = items.len().saturating_mul(again);
            if length as u64 > self.handle().participant().capacity() / 8 {
                return Err(sharevar_arena::Error::OutOfSharedMemory {
                    asked: (length as u64).saturating_mul(8),
                    free: self.handle().participant().capacity(),
                    limit: self.handle().participant().capacity(),
                }
                .into());
            }
            let once: Vec<_> = items.iter().map(Content::to_encoded).collect();
            let values: Vec<_> = std::iter::repeat_n(&once, again).flatten().cloned().collect();
            if self.replace(&[], u64::MAX, &values, stamp)? {
                return Ok(());
            }
            attempts.fail()?;
        }
    }
}
