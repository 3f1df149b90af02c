//! The condition.

use crate::engine::wait::{deadline, run};
use crate::engine::{self, Backed, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawCondition;
use crate::variables::guard::Guard;
use crate::variables::impl_shared::impl_shared;
use crate::variables::lock::{Lock, Taken};
use crate::variables::recursive_lock::RLock;
use std::time::Duration;

/// Where threads of any processes wait until something that a lock protects has changed. The
/// standard library's is `Condvar`.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let (condition, ready) = (manager.condition()?, manager.value(false)?);
/// let lock = condition.lock()?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| -> sharevar::Result<()> {
///         let _guard = lock.lock()?.guard();
///         ready.set(&true)?;
///         condition.notify_one()
///     });
///     let mut guard = lock.lock()?.guard();
///     while !ready.get()? {
///         guard = condition.wait(guard)?.guard();
///     }
///     Ok::<(), sharevar::Error>(())
/// })?;
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// Waiters are notified in the order in which they came. One that is killed while it waits is
/// passed over. One that is killed after it was notified, and before it has the lock again, has
/// not used the notification up: it passes to the next that was waiting then.
pub struct Condition {
    raw: Backed<RawCondition, dyn engine::Condition>,
}

impl_shared!(backed Condition, [], Backed<RawCondition, dyn engine::Condition>, {});

impl Condition {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawCondition, dyn engine::Condition>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped condition, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawCondition> {
        self.raw.shm()
    }

    /// The lock that belongs to it. If that is a recursive one, the error says so.
    pub fn lock(&self) -> Result<Lock> {
        Lock::from_handle(self.raw.any().lock()?)
    }

    /// The recursive lock that belongs to it. If that is a plain one, the error says so.
    pub fn rlock(&self) -> Result<RLock> {
        RLock::from_handle(self.raw.any().lock()?)
    }

    /// Gives the lock back, waits until notified, and takes the lock again. A recursive lock is
    /// given back entirely, and taken again as often as this thread had it.
    ///
    /// A guard of another lock is [`Error::WrongLock`].
    pub fn wait<G: Guard>(&self, guard: G) -> Result<Taken<G>> {
        Ok(self.wait_timeout(guard, Duration::MAX)?.0)
    }

    /// The same, for no longer than `limit`, to which comes the time until the lock is free.
    /// Whether it was notified.
    pub fn wait_timeout<G: Guard>(&self, guard: G, limit: Duration) -> Result<(Taken<G>, bool)> {
        if guard.handle() != self.raw.any().lock()? {
            return Err(Error::WrongLock);
        }
        if !guard.is_held() {
            return Err(Error::NotOwner);
        }
        let until = deadline(limit);
        let mut parked = self.raw.any().begin_wait()?;
        let lock = guard.released();
        run(&mut *parked, until)?;
        let taken = G::take(lock, parked.times())?;
        // Only now the entry goes: a notification is used up by the one that has the lock.
        Ok((taken, parked.end()?))
    }

    /// Waits for as long as `condition` says so, which is asked with the lock held. If a holder
    /// of the lock dies meanwhile, it returns with [`Taken::OwnerDied`] without asking further.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let (condition, left) = (manager.condition()?, manager.value(0_i64)?);
    /// let lock = condition.lock()?;
    /// let guard = lock.lock()?.guard();
    /// let guard = condition.wait_while(guard, || Ok(left.get()? > 0))?;
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn wait_while<G: Guard>(
        &self,
        mut guard: G,
        mut condition: impl FnMut() -> Result<bool>,
    ) -> Result<Taken<G>> {
        while condition()? {
            match self.wait(guard)? {
                Taken::Free(taken) => guard = taken,
                died @ Taken::OwnerDied(_) => return Ok(died),
            }
        }
        Ok(Taken::Free(guard))
    }

    /// Notifies the thread that has waited longest, if there is one.
    #[inline]
    pub fn notify_one(&self) -> Result<()> {
        self.notify(1)
    }

    /// Notifies those `most` who have waited longest.
    #[inline]
    pub fn notify(&self, most: usize) -> Result<()> {
        let notified = match &self.raw {
            Backed::Shm(raw) => raw.notify(most as u64),
            Backed::Other(condition) => condition.notify(most as u64),
        };
        notified.map(|_| ())
    }

    /// Notifies all who wait.
    pub fn notify_all(&self) -> Result<()> {
        self.notify(usize::MAX)
    }
}

impl Manager {
    /// A condition with a lock of its own.
    pub fn condition(&self) -> Result<Condition> {
        self.condition_of(&self.lock()?)
    }

    /// A condition for those who hold `lock`, a [`Lock`] or an [`RLock`] of this manager, which may
    /// have several.
    pub fn condition_of(&self, lock: &impl Shared) -> Result<Condition> {
        Condition::from_handle(self.home().create(&Make::Condition(&lock.handle()))?)
    }
}

impl Named<'_> {
    /// The condition of that name, with its lock.
    pub fn condition(&self) -> Result<Condition> {
        self.get_or_make(|| self.manager().condition())
    }
}
