//! A condition, and the order of its waiters.

use std::collections::BTreeMap;

/// A condition.
#[derive(Debug)]
pub(crate) struct ConditionBody {
    pub(crate) lock: u64,
    pub(crate) last: u64,
    /// Those that wait, by their tickets: the number of the notification that each has got, if any.
    pub(crate) waiters: BTreeMap<u64, Option<u64>>,
}

impl ConditionBody {
    pub(crate) fn new(lock: u64) -> Self {
        Self { lock, last: 0, waiters: BTreeMap::new() }
    }

    /// Notifies those `most` that have waited longest, of those with tickets up to `last`.
    pub(crate) fn notify(&mut self, most: u64, last: u64) -> u64 {
        let waiting = self.waiters.range_mut(..=last).filter(|(_, notified)| notified.is_none());
        let mut count = 0;
        for (_, notified) in waiting.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            *notified = Some(last);
            count += 1;
        }
        count
    }
}
