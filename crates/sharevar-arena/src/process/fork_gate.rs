//! The gate that a fork closes: it waits for threads in here, and none comes in meanwhile.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Held while the table of references is changed; fork waits for it, so that a child never
/// finds that table half changed or its lock taken by a thread that it does not have.
static GATE: RwLock<()> = RwLock::new(());

/// A thread is inside.
pub(crate) type Entered = RwLockReadGuard<'static, ()>;
/// A fork is under way.
pub(crate) type Closed = RwLockWriteGuard<'static, ()>;

/// Has forks of this process wait until the guard is dropped. Not for long, and not while any
/// function of this crate runs that changes an arena.
pub fn hold_off_forks() -> impl Drop {
    enter()
}

pub(crate) fn enter() -> Entered {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn close() -> Closed {
    GATE.write().unwrap_or_else(PoisonError::into_inner)
}
