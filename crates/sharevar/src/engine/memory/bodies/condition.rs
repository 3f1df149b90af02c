//! A condition, and the order of its waiters.

use std::collections::BTreeMap;

/// A condition.
#[derive(Debug)]
pub(crate) struct ConditionBody {
    pub(crate) lock: u64,
    /// The ticket of the last one that came.
    pub(crate) last: u64,
    /// Those that wait, by their tickets.
    waiters: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    client: u64,
    /// The number of the notification that it has got, if any: the last ticket at that moment.
    notified: Option<u64>,
}

impl ConditionBody {
    pub(crate) fn new(lock: u64) -> Self {
        Self { lock, last: 0, waiters: BTreeMap::new() }
    }

    /// Enters a waiter. Returns its ticket.
    pub(crate) fn enter(&mut self, client: u64) -> u64 {
        self.last += 1;
        self.waiters.insert(self.last, Waiter { client, notified: None });
        self.last
    }

    /// Whether a waiter may go on: it is notified, or the end of its client's lease has taken its place away.
    /// Such a one finds out that it was not notified, as after any spurious wake-up.
    pub(crate) fn may_go_on(&self, ticket: u64) -> bool {
        self.waiters.get(&ticket).is_none_or(|waiter| waiter.notified.is_some())
    }

    /// Takes a waiter out. Returns the number of its notification, if it has one.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<u64> {
        self.waiters.remove(&ticket)?.notified
    }

    /// Notifies those `most` that have waited longest, of those with tickets up to `last`.
    pub(crate) fn notify(&mut self, most: u64, last: u64) -> u64 {
        let waiting = self.waiters.range_mut(..=last).filter(|(_, waiter)| waiter.notified.is_none());
        let mut count = 0;
        for (_, waiter) in waiting.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            waiter.notified = Some(last);
            count += 1;
        }
        count
    }

    /// How many wait, and how many are notified.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let notified = self.waiters.values().filter(|waiter| waiter.notified.is_some()).count() as u64;
        (self.waiters.len() as u64 - notified, notified)
    }

    /// The lease of a client has ended. Notifications that it had pass to the next ones.
    pub(crate) fn end(&mut self, client: u64) {
        let ended: Vec<_> = self.waiters.extract_if(.., |_, waiter| waiter.client == client).collect();
        for last in ended.into_iter().filter_map(|(_, waiter)| waiter.notified) {
            self.notify(1, last);
        }
    }
}
