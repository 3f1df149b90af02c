//! The objects to which replies refer. They live until the callers have read the replies, as their
//! next requests show.

use sharevar_transport::{Caller, Session};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A connection, among those of a session.
type Connection = (Session, RawFd);

/// The references in the last reply on each connection, each an `R`.
#[derive(Debug)]
pub struct ReplyReferences<R> {
    by_connection: Mutex<HashMap<Connection, Vec<R>>>,
    /// The number of connections: mostly none, and then the lock is not needed.
    count: AtomicUsize,
}

impl<R> Default for ReplyReferences<R> {
    fn default() -> Self {
        Self { by_connection: Mutex::default(), count: AtomicUsize::new(0) }
    }
}

impl<R> ReplyReferences<R> {
    /// Keeps the references in a reply to this caller.
    #[cold]
    pub fn keep(&self, caller: &Caller<'_>, references: Vec<R>) {
        let mut all = self.lock();
        all.entry(connection(caller)).or_default().extend(references);
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// Takes the references in the reply before the caller's request.
    #[inline]
    pub(super) fn take_before(&self, caller: &Caller<'_>) -> Vec<R> {
        if self.count.load(Ordering::Relaxed) == 0 { Vec::new() } else { self.remove(caller) }
    }

    #[cold]
    fn remove(&self, caller: &Caller<'_>) -> Vec<R> {
        let mut all = self.lock();
        let removed = all.remove(&connection(caller));
        self.count.store(all.len(), Ordering::Relaxed);
        removed.unwrap_or_default()
    }

    /// Takes all of a client that has ended, and may not have read its last replies.
    pub(super) fn end(&self, session: Session) -> Vec<R> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut all = self.lock();
        let removed =
            all.extract_if(|(of, _), _| *of == session).flat_map(|(_, references)| references).collect();
        self.count.store(all.len(), Ordering::Relaxed);
        removed
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Vec<R>>> {
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(caller: &Caller<'_>) -> Connection {
    (caller.session(), caller.as_fd().as_raw_fd())
}
