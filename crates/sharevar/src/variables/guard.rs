//! What a condition needs of the guards of the two locks.

use crate::engine::Handle;
use crate::error::{Error, Result};
use crate::manager::shared::Shared;
use crate::variables::lock::{Lock, LockGuard, Taken};
use crate::variables::recursive_lock::{RLock, RLockGuard};

/// A guard with which one can wait at a [`Condition`](crate::Condition).
pub trait Guard: Sized + sealed::Guard {}

pub(crate) mod sealed {
    use super::{Handle, Result, Taken};

    /// Giving the lock back and taking it again.
    pub trait Guard: Sized {
        /// What remains while the lock is given back.
        type Released;
        /// A handle on the lock.
        fn handle(&self) -> Handle;
        /// Gives the lock back entirely, however often this thread holds it.
        fn release(self) -> Result<Self::Released>;
        /// Takes it again, as often.
        fn take(released: Self::Released) -> Result<Taken<Self>>;
    }
}

impl Guard for LockGuard<'_> {}

impl<'a> sealed::Guard for LockGuard<'a> {
    type Released = &'a Lock;

    fn handle(&self) -> Handle {
        self.lock().handle()
    }

    fn release(self) -> Result<&'a Lock> {
        let lock = self.lock();
        self.unlock()?;
        Ok(lock)
    }

    fn take(lock: &'a Lock) -> Result<Taken<Self>> {
        lock.lock()
    }
}

impl Guard for RLockGuard<'_> {}

impl<'a> sealed::Guard for RLockGuard<'a> {
    type Released = (&'a RLock, u64);

    fn handle(&self) -> Handle {
        self.lock().handle()
    }

    fn release(self) -> Result<(&'a RLock, u64)> {
        let lock = self.lock();
        let times = self.unlock_all()?.ok_or(Error::NotOwner)?;
        Ok((lock, times))
    }

    fn take((lock, times): (&'a RLock, u64)) -> Result<Taken<Self>> {
        lock.lock_times(times)
    }
}
