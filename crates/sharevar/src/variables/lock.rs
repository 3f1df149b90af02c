//! The lock that survives its holder.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{Acquired, Backed, Exclusive, Home, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawLock;
use crate::variables::impl_shared::impl_shared;
use crate::variables::owner::Owner;
use std::marker::PhantomData;
use std::time::Duration;

/// A lock between processes, and between the threads of one.
///
/// When its holder is killed, the next one gets the lock and is told so while it holds it: the data
/// that the lock protects may be half done, and only the new holder can put it right undisturbed.
///
/// ```
/// use sharevar::Taken;
///
/// let manager = sharevar::Manager::new()?;
/// let lock = manager.lock()?;
/// let guard = match lock.lock()? {
///     Taken::Free(guard) => guard,
///     Taken::OwnerDied(guard) => {
///         // ... put right what the dead one has left ...
///         guard.mark_consistent()?;
///         guard
///     }
/// };
/// assert!(lock.try_lock()?.is_none());
/// drop(guard);
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// A process that ends in order while it holds the lock (by the end of `main` or `exit`, or by
/// letting its manager go), a guard being forgotten or still on another thread's stack, leaves
/// the lock taken, as the standard library does. From then on it is a *signal*: any process gives
/// it back, see [`Lock::release`], and a death gives nothing back. It also becomes one when a
/// process releases a lock that another holds. [`Manager::settled_lock`](crate::Manager::settled_lock)
/// settles it beforehand.
///
/// A caller that has nothing to put right writes `let _guard = lock.lock()?.guard();`.
pub struct Lock {
    raw: Backed<RawLock, dyn Exclusive>,
}

impl_shared!(backed Lock, [], Backed<RawLock, dyn Exclusive>, {});

/// A lock that was taken, and from whom.
#[derive(Debug)]
#[must_use = "the lock is given back at once if the guard is dropped"]
pub enum Taken<Guard> {
    /// It was free, or this thread holds it already.
    Free(Guard),
    /// Its holder died holding it. The data that it protects may be half done.
    OwnerDied(Guard),
}

impl<Guard> Taken<Guard> {
    /// The result of an acquisition, with its guard.
    pub(crate) fn of(acquired: Acquired, guard: Guard) -> Self {
        if acquired.owner_died { Self::OwnerDied(guard) } else { Self::Free(guard) }
    }

    /// The guard, however the last holder ended; its `owner_died` still tells.
    pub fn guard(self) -> Guard {
        match self {
            Self::Free(guard) | Self::OwnerDied(guard) => guard,
        }
    }

    /// Whether the last holder died holding the lock.
    pub fn owner_died(&self) -> bool {
        matches!(self, Self::OwnerDied(_))
    }
}

/// A lock that is held, until this is dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    /// The participant that took it. After a fork the child has a copy of this guard, and holds nothing.
    owner: Owner,
    /// The holder is the thread that is inside; it cannot be handed to another.
    _not_send: PhantomData<*const ()>,
}

impl Lock {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawLock, dyn Exclusive>) -> Result<Self> {
        Ok(Self { raw })
    }

    pub(crate) fn create(home: &Home, owned: Option<bool>) -> Result<Self> {
        Self::from_handle(home.create(&Make::Lock { owned })?)
    }

    /// The untyped lock, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawLock> {
        self.raw.shm()
    }

    /// The untyped lock, whichever engine keeps it.
    pub(crate) fn any(&self) -> &dyn Exclusive {
        self.raw.any()
    }

    /// Takes the lock, and waits for it as long as it takes. A thread that holds it already
    /// waits for ever, as with the standard library's.
    #[inline]
    pub fn lock(&self) -> Result<Taken<LockGuard<'_>>> {
        if let Backed::Shm(raw) = &self.raw
            && raw.robust().acquire_free()
        {
            return Ok(self.taken(Acquired { owner_died: false }));
        }
        self.lock_taken()
    }

    #[cold]
    fn lock_taken(&self) -> Result<Taken<LockGuard<'_>>> {
        if let Some(taken) = self.try_lock()? {
            return Ok(taken);
        }
        let acquired = run_without_limit(&mut *self.raw.any().acquire_wait())?;
        Ok(self.taken(acquired))
    }

    /// Takes the lock if no living holder has it.
    #[inline]
    pub fn try_lock(&self) -> Result<Option<Taken<LockGuard<'_>>>> {
        let acquired = match &self.raw {
            Backed::Shm(raw) => Acquired::of(raw.robust().try_acquire()?),
            Backed::Other(lock) => lock.try_acquire()?,
        };
        Ok(acquired.map(|acquired| self.taken(acquired)))
    }

    /// Takes the lock, and waits for it no longer than `limit`.
    pub fn lock_timeout(&self, limit: Duration) -> Result<Option<Taken<LockGuard<'_>>>> {
        if let Some(taken) = self.try_lock()? {
            return Ok(Some(taken));
        }
        let acquired = run(&mut *self.raw.any().acquire_wait(), deadline(limit))?;
        Ok(acquired.map(|acquired| self.taken(acquired)))
    }

    /// Gives the lock back, whichever process took it: this is how a signal is given. The guard of its
    /// holder must have been forgotten, or it gives the lock back once more.
    pub fn release(&self) -> Result<()> {
        let was_locked = match &self.raw {
            Backed::Shm(raw) => raw.robust().release()?,
            Backed::Other(lock) => lock.release()?,
        };
        if was_locked { Ok(()) } else { Err(Error::NotLocked) }
    }

    /// Whether the lock is held at this moment: by a living process, or, if it is a signal, by any.
    pub fn is_locked(&self) -> Result<bool> {
        self.raw.any().is_locked()
    }

    /// Returns the number of this process's hold, for services that are to refuse an earlier holder: it is
    /// higher than that of each hold before. `None` if the process does not hold the lock, and in shared
    /// memory, where no living holder loses one. See also [`Shared::fenced`].
    pub fn token(&self) -> Result<Option<u64>> {
        self.raw.any().token()
    }

    /// Returns whether this process, which took the lock, has lost it to another holder. It may lose it
    /// just after the answer.
    pub fn is_lost(&self) -> Result<bool> {
        self.raw.any().is_lost()
    }

    #[inline]
    fn taken(&self, acquired: Acquired) -> Taken<LockGuard<'_>> {
        Taken::of(acquired, LockGuard { lock: self, owner: self.owner(), _not_send: PhantomData })
    }

    #[inline]
    fn owner(&self) -> Owner {
        Owner::now(self.raw.shm().map(|raw| raw.handle().participant()))
    }
}

impl<'a> LockGuard<'a> {
    /// The lock that it is the guard of.
    pub(crate) fn lock(&self) -> &'a Lock {
        self.lock
    }

    /// Whether the holder before this one died, and [`Self::mark_consistent`] was not called yet.
    pub fn owner_died(&self) -> Result<bool> {
        Ok(self.is_held() && self.lock.raw.any().owner_died()?)
    }

    /// Says that what the lock protects is whole again. [`Error::NotLocked`] if this is a child that
    /// was forked while its parent held the lock.
    pub fn mark_consistent(&self) -> Result<()> {
        if self.is_held() { self.lock.raw.any().mark_consistent() } else { Err(Error::NotLocked) }
    }

    /// Gives the lock back, and says if that was no longer possible: the manager was shut down,
    /// or this is a child that was forked while its parent held the lock.
    pub fn unlock(self) -> Result<()> {
        let (lock, is_held) = (self.lock, self.is_held());
        // Given back twice, it could be another's by then.
        std::mem::forget(self);
        if is_held { lock.release() } else { Err(Error::NotLocked) }
    }

    /// Whether this process holds the lock, and is no child of the one that does.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.lock.owner() == self.owner
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        if self.is_held() {
            // It fails if the manager is closed, and a closed manager's locks no longer matter.
            let _ = self.lock.release();
        }
    }
}

impl std::fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LockGuard({:?})", self.lock)
    }
}

impl Manager {
    /// A free lock.
    pub fn lock(&self) -> Result<Lock> {
        Lock::create(self.home(), None)
    }

    /// A lock that is always given to the next one when its holder ends, or never (`owned` is
    /// false): a signal.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let ready = manager.settled_lock(false)?;
    /// std::mem::forget(ready.lock()?); // taken here, given back by another process
    /// ready.release()?;
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn settled_lock(&self, owned: bool) -> Result<Lock> {
        Lock::create(self.home(), Some(owned))
    }
}

impl Named<'_> {
    /// The lock of that name.
    pub fn lock(&self) -> Result<Lock> {
        self.get_or_make(|| self.manager().lock())
    }
}
