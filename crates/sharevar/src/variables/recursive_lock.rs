//! The lock that the thread which holds it may take again.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{Acquired, Backed, Exclusive, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawRLock;
use crate::variables::impl_shared::impl_shared;
use crate::variables::lock::Taken;
use crate::variables::owner::Owner;
use std::marker::PhantomData;
use std::time::Duration;

/// A lock between processes and threads that the thread which holds it may take again.
///
/// It is free for others once as many guards are dropped as were taken. Only the thread that
/// holds it can give it back. When its holder is killed, or ends, the next one gets it and is
/// told so, as with a [`Lock`](crate::Lock).
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let lock = manager.rlock()?;
/// let outer = lock.lock()?.guard();
/// let inner = lock.lock()?.guard();
/// drop(outer);
/// std::thread::scope(|scope| {
///     let other = scope.spawn(|| lock.try_lock().map(|taken| taken.is_some()));
///     assert_eq!(other.join().unwrap(), Ok(false));
/// });
/// drop(inner);
/// assert!(!lock.is_locked()?);
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// It protects shared memory, so a guard gives no exclusive reference to anything.
pub struct RLock {
    raw: Backed<RawRLock, dyn Exclusive>,
}

impl_shared!(backed RLock, [], Backed<RawRLock, dyn Exclusive>, {});

/// A recursive lock that is held once, until this is dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    /// The participant that took it. After a fork the child has a copy of this guard, and holds nothing by it.
    owner: Owner,
    /// The holder is the thread that is inside; it cannot be handed to another.
    _not_send: PhantomData<*const ()>,
}

impl RLock {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawRLock, dyn Exclusive>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped lock, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawRLock> {
        self.raw.shm()
    }

    /// Takes the lock, once more if this thread holds it, and waits for it as long as it takes.
    #[inline]
    pub fn lock(&self) -> Result<Taken<RLockGuard<'_>>> {
        if let Some(taken) = self.try_lock()? {
            return Ok(taken);
        }
        let acquired = run_without_limit(&mut *self.raw.any().acquire_wait())?;
        Ok(self.taken(acquired))
    }

    /// Takes the lock, which this thread does not hold, as often as it was held before.
    pub(crate) fn lock_times(&self, times: u64) -> Result<Taken<RLockGuard<'_>>> {
        let taken = self.lock()?;
        self.raw.any().restore(times)?;
        Ok(taken)
    }

    /// Takes the lock if no other living holder has it.
    #[inline]
    pub fn try_lock(&self) -> Result<Option<Taken<RLockGuard<'_>>>> {
        let acquired = match &self.raw {
            Backed::Shm(raw) => Acquired::of(raw.recursive().try_acquire()?),
            Backed::Other(lock) => lock.try_acquire()?,
        };
        Ok(acquired.map(|acquired| self.taken(acquired)))
    }

    /// Takes the lock, and waits for it no longer than `limit`.
    #[inline]
    pub fn lock_timeout(&self, limit: Duration) -> Result<Option<Taken<RLockGuard<'_>>>> {
        if let Some(taken) = self.try_lock()? {
            return Ok(Some(taken));
        }
        let acquired = run(&mut *self.raw.any().acquire_wait(), deadline(limit))?;
        Ok(acquired.map(|acquired| self.taken(acquired)))
    }

    /// Whether a living process holds the lock, at this moment.
    pub fn is_locked(&self) -> Result<bool> {
        self.raw.any().is_locked()
    }

    /// Whether this thread holds the lock.
    pub fn is_mine(&self) -> Result<bool> {
        self.raw.any().is_mine()
    }

    fn taken(&self, acquired: Acquired) -> Taken<RLockGuard<'_>> {
        Taken::of(acquired, RLockGuard { lock: self, owner: self.owner(), _not_send: PhantomData })
    }

    #[inline]
    fn owner(&self) -> Owner {
        Owner::now(self.raw.shm().map(|raw| raw.handle().participant()))
    }

    /// Gives the lock back once. Returns whether this thread held it.
    #[inline]
    fn release(&self) -> Result<bool> {
        match &self.raw {
            Backed::Shm(raw) => Ok(raw.recursive().release()?),
            Backed::Other(lock) => lock.release(),
        }
    }
}

impl<'a> RLockGuard<'a> {
    /// The lock that it is the guard of.
    pub(crate) fn lock(&self) -> &'a RLock {
        self.lock
    }

    /// Whether the holder before this one died, and [`Self::mark_consistent`] was not called yet.
    pub fn owner_died(&self) -> Result<bool> {
        Ok(self.is_held() && self.lock.raw.any().owner_died()?)
    }

    /// Says that what the lock protects is whole again. [`Error::NotOwner`] if this is a child that was
    /// forked while its parent held the lock.
    pub fn mark_consistent(&self) -> Result<()> {
        if self.is_held() { self.lock.raw.any().mark_consistent() } else { Err(Error::NotOwner) }
    }

    /// Gives the lock back once, and says if that was not possible: this is a child that was
    /// forked while its parent held the lock.
    pub fn unlock(self) -> Result<()> {
        let (lock, is_held) = (self.lock, self.is_held());
        // Given back twice, it would be given back once too often.
        std::mem::forget(self);
        if is_held && lock.release()? { Ok(()) } else { Err(Error::NotOwner) }
    }

    /// Whether this process holds the lock, and is no child of the one that does.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.lock.owner() == self.owner
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        if self.is_held() {
            // It fails if the manager is closed, and a closed manager's locks no longer matter.
            let _ = self.lock.release();
        }
    }
}

impl std::fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RLockGuard({:?})", self.lock)
    }
}

impl Manager {
    /// A free recursive lock.
    pub fn rlock(&self) -> Result<RLock> {
        RLock::from_handle(self.home().create(&Make::RLock)?)
    }
}

impl Named<'_> {
    /// The recursive lock of that name.
    pub fn rlock(&self) -> Result<RLock> {
        self.get_or_make(|| self.manager().rlock())
    }
}
