//! Which forks wait for, so that none copies a lock that another thread holds.

use sharevar_os::at_fork;
use std::cell::RefCell;
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// Held by the forking thread across the fork.
    static HELD: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Keeps forks out for as long as the guard lives: for a few instructions.
pub(crate) fn enter() -> RwLockReadGuard<'static, ()> {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(|| at_fork(before, after, after));
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn before() {
    HELD.set(Some(GATE.write().unwrap_or_else(PoisonError::into_inner)));
}

extern "C" fn after() {
    drop(HELD.take());
}
