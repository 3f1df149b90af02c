//! A readers-writer lock, and its holders.

use crate::engine::acquired::Acquired;
use std::collections::BTreeMap;

/// A readers-writer lock.
#[derive(Debug, Default)]
pub(crate) struct RwLockBody {
    /// How often each client has it for reading.
    readers: BTreeMap<u64, u64>,
    /// The client that has it for writing.
    writer: Option<u64>,
    /// Whether a writer died, and no other has given it back since.
    pub(crate) owner_died: bool,
    /// The writers that wait, by their tickets: their clients. They let no new readers in.
    pub(crate) next: BTreeMap<u64, u64>,
}

impl RwLockBody {
    pub(crate) fn read(&mut self, client: u64) -> Option<Acquired> {
        if self.writer.is_some() || !self.next.is_empty() {
            return None;
        }
        *self.readers.entry(client).or_default() += 1;
        Some(Acquired { owner_died: self.owner_died })
    }

    pub(crate) fn write(&mut self, client: u64) -> Option<Acquired> {
        if self.writer.is_some() || !self.readers.is_empty() {
            return None;
        }
        self.writer = Some(client);
        Some(Acquired { owner_died: self.owner_died })
    }

    /// Gives back what a client has for reading. Returns whether it had it.
    pub(crate) fn release_read(&mut self, client: u64) -> bool {
        let Some(times) = self.readers.get_mut(&client) else { return false };
        *times -= 1;
        if *times == 0 {
            self.readers.remove(&client);
        }
        true
    }

    /// Gives back what a client has for writing. Returns whether it had it.
    pub(crate) fn release_write(&mut self, client: u64) -> bool {
        let is_writer = self.writer.take_if(|writer| *writer == client).is_some();
        self.owner_died &= !is_writer;
        is_writer
    }

    /// The lease of a client has ended.
    pub(crate) fn end(&mut self, client: u64) {
        self.owner_died |= self.writer.take_if(|writer| *writer == client).is_some();
        self.readers.remove(&client);
        self.next.retain(|_, waiter| *waiter != client);
    }
}
