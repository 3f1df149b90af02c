//! The readers-writer lock that survives its holders.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{self, Acquired, Backed, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawRwLock;
use crate::variables::impl_shared::impl_shared;
use crate::variables::lock::Taken;
use crate::variables::owner::Owner;
use std::marker::PhantomData;
use std::time::Duration;

/// A lock between processes and threads that many may have to read, or one to write.
///
/// A writer that waits lets no new readers in. So a thread that reads must not ask to read once
/// more: a writer may have come in between, and both would wait for ever.
///
/// The lock of a killed reader is given back. When a writer is killed, the next holders are told
/// so, until a writer among them has put right what is half done.
///
/// ```
/// use sharevar::Taken;
///
/// let manager = sharevar::Manager::new()?;
/// let lock = manager.rwlock()?;
/// let (first, second) = (lock.read()?.guard(), lock.read()?.guard());
/// assert!(lock.try_write()?.is_none());
/// drop((first, second));
/// let guard = match lock.write()? {
///     Taken::Free(guard) => guard,
///     Taken::OwnerDied(guard) => {
///         // ... put right what the dead one has left ...
///         guard.mark_consistent()?;
///         guard
///     }
/// };
/// assert!(lock.try_read()?.is_none());
/// drop(guard);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct RwLock {
    raw: Backed<RawRwLock, dyn engine::RwLock>,
}

impl_shared!(backed RwLock, [], Backed<RawRwLock, dyn engine::RwLock>, {});

/// A lock that is held for reading, until this is dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RwLockReadGuard<'a> {
    held: Held<'a>,
}

/// A lock that is held for writing, until this is dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RwLockWriteGuard<'a> {
    held: Held<'a>,
}

/// The common part of both guards.
struct Held<'a> {
    lock: &'a RwLock,
    /// The participant that took it. After a fork the child has a copy of this guard, and holds nothing.
    owner: Owner,
    /// The holder is the thread that is inside; it cannot be handed to another.
    _not_send: PhantomData<*const ()>,
}

impl Held<'_> {
    #[inline]
    fn is_held(&self) -> bool {
        self.lock.owner() == self.owner
    }
}

impl RwLock {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawRwLock, dyn engine::RwLock>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped lock, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawRwLock> {
        self.raw.shm()
    }

    /// Takes the lock to read, and waits for it as long as it takes.
    #[inline]
    pub fn read(&self) -> Result<Taken<RwLockReadGuard<'_>>> {
        if let Some(taken) = self.try_read()? {
            return Ok(taken);
        }
        let acquired = run_without_limit(&mut *self.raw.any().read_wait())?;
        Ok(self.reading(acquired))
    }

    /// Takes the lock to read if no living writer has it or waits for it.
    #[inline]
    pub fn try_read(&self) -> Result<Option<Taken<RwLockReadGuard<'_>>>> {
        let acquired = match &self.raw {
            Backed::Shm(raw) => Acquired::of(raw.try_read()?),
            Backed::Other(lock) => lock.try_read()?,
        };
        Ok(acquired.map(|acquired| self.reading(acquired)))
    }

    /// Takes the lock to read, and waits for it no longer than `limit`.
    #[inline]
    pub fn read_timeout(&self, limit: Duration) -> Result<Option<Taken<RwLockReadGuard<'_>>>> {
        if let Some(taken) = self.try_read()? {
            return Ok(Some(taken));
        }
        let acquired = run(&mut *self.raw.any().read_wait(), deadline(limit))?;
        Ok(acquired.map(|acquired| self.reading(acquired)))
    }

    /// Takes the lock to write, and waits for it as long as it takes.
    #[inline]
    pub fn write(&self) -> Result<Taken<RwLockWriteGuard<'_>>> {
        if let Some(taken) = self.try_write()? {
            return Ok(taken);
        }
        let acquired = run_without_limit(&mut *self.raw.any().write_wait())?;
        Ok(self.writing(acquired))
    }

    /// Takes the lock to write if no living holder has it.
    #[inline]
    pub fn try_write(&self) -> Result<Option<Taken<RwLockWriteGuard<'_>>>> {
        let acquired = match &self.raw {
            Backed::Shm(raw) => Acquired::of(raw.try_write()?),
            Backed::Other(lock) => lock.try_write()?,
        };
        Ok(acquired.map(|acquired| self.writing(acquired)))
    }

    /// Takes the lock to write, and waits for it no longer than `limit`.
    #[inline]
    pub fn write_timeout(&self, limit: Duration) -> Result<Option<Taken<RwLockWriteGuard<'_>>>> {
        if let Some(taken) = self.try_write()? {
            return Ok(Some(taken));
        }
        let acquired = run(&mut *self.raw.any().write_wait(), deadline(limit))?;
        Ok(acquired.map(|acquired| self.writing(acquired)))
    }

    fn reading(&self, acquired: Acquired) -> Taken<RwLockReadGuard<'_>> {
        Taken::of(acquired, RwLockReadGuard { held: self.held() })
    }

    fn writing(&self, acquired: Acquired) -> Taken<RwLockWriteGuard<'_>> {
        Taken::of(acquired, RwLockWriteGuard { held: self.held() })
    }

    fn held(&self) -> Held<'_> {
        Held { lock: self, owner: self.owner(), _not_send: PhantomData }
    }

    #[inline]
    fn owner(&self) -> Owner {
        Owner::now(self.raw.shm().map(|raw| raw.handle().participant()))
    }
}

impl RwLockReadGuard<'_> {
    /// Whether a writer died holding the lock, and no writer has put things right since.
    pub fn owner_died(&self) -> Result<bool> {
        self.held.lock.raw.any().owner_died()
    }
}

impl RwLockWriteGuard<'_> {
    /// Whether a writer died holding the lock, and [`Self::mark_consistent`] was not called yet.
    /// Once this guard is dropped, no later holder is told any more.
    pub fn owner_died(&self) -> Result<bool> {
        Ok(self.held.is_held() && self.held.lock.raw.any().owner_died()?)
    }

    /// Says that what the lock protects is whole again. [`Error::NotLocked`] if this is a child that
    /// was forked while its parent held the lock.
    pub fn mark_consistent(&self) -> Result<()> {
        if self.held.is_held() { self.held.lock.raw.any().mark_consistent() } else { Err(Error::NotLocked) }
    }
}

impl Drop for RwLockReadGuard<'_> {
    fn drop(&mut self) {
        if self.held.is_held() {
            // It fails if the manager is closed, and a closed manager's locks no longer matter.
            let _ = self.held.lock.raw.any().release_read();
        }
    }
}

impl Drop for RwLockWriteGuard<'_> {
    fn drop(&mut self) {
        if self.held.is_held() {
            // As above.
            let _ = self.held.lock.raw.any().release_write();
        }
    }
}

impl std::fmt::Debug for RwLockReadGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RwLockReadGuard({:?})", self.held.lock)
    }
}

impl std::fmt::Debug for RwLockWriteGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RwLockWriteGuard({:?})", self.held.lock)
    }
}

impl Manager {
    /// A readers-writer lock that is free.
    pub fn rwlock(&self) -> Result<RwLock> {
        RwLock::from_handle(self.home().create(&Make::RwLock)?)
    }
}

impl Named<'_> {
    /// The readers-writer lock of that name.
    pub fn rwlock(&self) -> Result<RwLock> {
        self.get_or_make(|| self.manager().rwlock())
    }
}
