//! What replies refer to. It lives until the callers have read them, which their next requests show.

use sharevar_transport::{Caller, Session};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A connection, among those of a session.
type Connection = (Session, RawFd);

/// What the last reply on each connection refers to, each an `R`.
#[derive(Debug)]
pub struct ReplyReferences<R> {
    by_connection: Mutex<HashMap<Connection, Vec<R>>>,
    /// How many connections there are: mostly none, and then the lock is not needed.
    count: AtomicUsize,
}

impl<R> Default for ReplyReferences<R> {
    fn default() -> Self {
        Self { by_connection: Mutex::default(), count: AtomicUsize::new(0) }
    }
}

impl<R> ReplyReferences<R> {
    /// Keeps what a reply to this caller refers to.
    #[cold]
    pub fn keep(&self, caller: &Caller<'_>, kept: Vec<R>) {
        let mut all = self.lock();
        all.entry(connection(caller)).or_default().extend(kept);
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// What the reply before the caller's request has referred to.
    #[inline]
    pub(super) fn before(&self, caller: &Caller<'_>) -> Vec<R> {
        if self.count.load(Ordering::Relaxed) == 0 { Vec::new() } else { self.take(caller) }
    }

    #[cold]
    fn take(&self, caller: &Caller<'_>) -> Vec<R> {
        let mut all = self.lock();
        let kept = all.remove(&connection(caller));
        self.count.store(all.len(), Ordering::Relaxed);
        kept.unwrap_or_default()
    }

    /// All of a client that has gone, and may not have read its last replies.
    pub(super) fn end(&self, session: Session) -> Vec<R> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut all = self.lock();
        let gone = all.extract_if(|(of, _), _| *of == session).flat_map(|(_, kept)| kept).collect();
        self.count.store(all.len(), Ordering::Relaxed);
        gone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Vec<R>>> {
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(caller: &Caller<'_>) -> Connection {
    (caller.session(), caller.as_fd().as_raw_fd())
}
