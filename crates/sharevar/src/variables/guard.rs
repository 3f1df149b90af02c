//! The guards of the two locks, as a condition releases and takes them.

use crate::engine::Handle;
use crate::error::Result;
use crate::manager::shared::Shared;
use crate::variables::lock::{Lock, LockGuard, Taken};
use crate::variables::recursive_lock::{RLock, RLockGuard};

/// A guard with which one can wait at a [`Condition`](crate::Condition).
pub trait Guard: Sized + sealed::Guard {}

pub(crate) mod sealed {
    use super::{Handle, Result, Taken};

    /// Giving the lock back and taking it again.
    pub trait Guard: Sized {
        /// The remains of a guard while the lock is given back.
        type Lock;
        /// A handle on the lock.
        fn handle(&self) -> Handle;
        /// Whether this process holds the lock, and is no child of the one that does.
        fn is_held(&self) -> bool;
        /// Forgets the guard, since the lock was given back entirely.
        fn released(self) -> Self::Lock;
        /// Takes the lock again, as often as it was held.
        fn take(lock: Self::Lock, times: u64) -> Result<Taken<Self>>;
    }
}

impl Guard for LockGuard<'_> {}

impl<'a> sealed::Guard for LockGuard<'a> {
    type Lock = &'a Lock;

    fn handle(&self) -> Handle {
        self.lock().handle()
    }

    fn is_held(&self) -> bool {
        Self::is_held(self)
    }

    fn released(self) -> &'a Lock {
        let lock = self.lock();
        std::mem::forget(self);
        lock
    }

    fn take(lock: &'a Lock, _times: u64) -> Result<Taken<Self>> {
        lock.lock()
    }
}

impl Guard for RLockGuard<'_> {}

impl<'a> sealed::Guard for RLockGuard<'a> {
    type Lock = &'a RLock;

    fn handle(&self) -> Handle {
        self.lock().handle()
    }

    fn is_held(&self) -> bool {
        Self::is_held(self)
    }

    fn released(self) -> &'a RLock {
        let lock = self.lock();
        std::mem::forget(self);
        lock
    }

    fn take(lock: &'a RLock, times: u64) -> Result<Taken<Self>> {
        lock.lock_times(times)
    }
}
