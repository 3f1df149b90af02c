//! What replies refer to: it lives until their callers have read them, which they show by asking
//! for something else.

use super::kept::Kept;
use sharevar_transport::{Caller, Session};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A connection, among those of a session.
type Connection = (Session, RawFd);

#[derive(Default)]
pub(super) struct HandedOut {
    by_connection: Mutex<HashMap<Connection, Kept>>,
    /// How many there are: mostly none, and then nobody needs the lock.
    count: AtomicUsize,
}

impl HandedOut {
    /// A reply to this caller refers to these.
    #[cold]
    pub(super) fn keep(&self, caller: &Caller<'_>, kept: Kept) {
        let mut all = self.lock();
        all.entry(connection(caller)).or_default().extend(kept);
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// What the reply before the caller's request has referred to.
    #[inline]
    pub(super) fn before(&self, caller: &Caller<'_>) -> Kept {
        if self.count.load(Ordering::Relaxed) == 0 { Kept::new() } else { self.take(caller) }
    }

    #[cold]
    fn take(&self, caller: &Caller<'_>) -> Kept {
        let mut all = self.lock();
        let kept = all.remove(&connection(caller));
        self.count.store(all.len(), Ordering::Relaxed);
        kept.unwrap_or_default()
    }

    /// All of a client that has gone, and may not have read its last replies.
    pub(super) fn end(&self, session: Session) -> Vec<Kept> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut all = self.lock();
        let gone = all.extract_if(|(of, _), _| *of == session).map(|(_, kept)| kept).collect();
        self.count.store(all.len(), Ordering::Relaxed);
        gone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Kept>> {
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what was kept. A destructor that panics is not the host's end.
pub(super) fn let_go(kept: Kept) {
    for one in kept {
        // The panic was told where panics are told.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(one)));
    }
}

fn connection(caller: &Caller<'_>) -> Connection {
    (caller.session(), caller.as_fd().as_raw_fd())
}
