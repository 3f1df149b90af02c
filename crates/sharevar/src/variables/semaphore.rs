//! The semaphore.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{Backed, Make, Units};
use crate::error::Result;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawSemaphore;
use crate::variables::impl_shared::impl_shared;
use crate::variables::owner::Owner;
use std::time::Duration;

/// So many units, which processes and threads take and give back.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let connections = manager.semaphore(3)?;
/// let first = connections.acquire()?;
/// let second = connections.acquire()?;
/// assert_eq!(connections.available_permits()?, 1);
/// drop((first, second));
/// assert_eq!(connections.available_permits()?, 3);
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// A unit belongs to the process that took it, and is given back when that process is killed,
/// until a process [releases](Self::release) a unit that it has not acquired. From then on a unit
/// stands for something else, a filled place for example, and the semaphore is a *signal* for
/// good: nothing is given back by itself any more.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let filled = manager.semaphore(0)?;
/// filled.release(2)?;
/// filled.acquire()?.forget();
/// assert_eq!(filled.available_permits()?, 1);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Semaphore {
    raw: Backed<RawSemaphore, dyn Units>,
}

impl_shared!(backed Semaphore, [], Backed<RawSemaphore, dyn Units>, {});

/// A unit that is given back when this is dropped.
#[must_use = "the unit is given back at once if the permit is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    /// The participant that took it. After a fork the child has a copy of this permit, and holds nothing.
    owner: Owner,
}

impl Semaphore {
    /// The most units that a semaphore has.
    pub const MAX_PERMITS: u32 = RawSemaphore::MAX_UNITS;

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawSemaphore, dyn Units>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped semaphore, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawSemaphore> {
        self.raw.shm()
    }

    /// Takes a unit, and waits for it as long as it takes.
    #[inline]
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>> {
        if let Some(permit) = self.try_acquire()? {
            return Ok(permit);
        }
        run_without_limit(&mut *self.raw.any().acquire_wait())?;
        Ok(self.permit())
    }

    /// Takes a unit if one is free, or held by a process that died.
    #[inline]
    pub fn try_acquire(&self) -> Result<Option<SemaphorePermit<'_>>> {
        let owner = match &self.raw {
            Backed::Shm(raw) => raw.try_acquire()?.then(|| Owner::now(Some(raw.handle().participant()))),
            Backed::Other(units) => units.try_acquire()?.then(|| Owner::now(None)),
        };
        Ok(owner.map(|owner| SemaphorePermit { semaphore: self, owner }))
    }

    /// Takes a unit, and waits for it no longer than `limit`.
    #[inline]
    pub fn acquire_timeout(&self, limit: Duration) -> Result<Option<SemaphorePermit<'_>>> {
        if let Some(permit) = self.try_acquire()? {
            return Ok(Some(permit));
        }
        let taken = run(&mut *self.raw.any().acquire_wait(), deadline(limit))?;
        Ok(taken.map(|()| self.permit()))
    }

    fn permit(&self) -> SemaphorePermit<'_> {
        SemaphorePermit { semaphore: self, owner: self.owner() }
    }

    #[inline]
    fn owner(&self) -> Owner {
        Owner::now(self.raw.shm().map(|raw| raw.handle().participant()))
    }

    /// Adds units, all in one step: those that a permit was [forgotten](SemaphorePermit::forget)
    /// of, or new ones. More than there may be is
    /// [`TooManyUnits`](crate::Error::TooManyUnits), and nothing is changed.
    pub fn release(&self, units: u32) -> Result<()> {
        self.raw.any().release(units)
    }

    /// How many units are free, at this moment.
    pub fn available_permits(&self) -> Result<u32> {
        self.raw.any().available()
    }
}

impl SemaphorePermit<'_> {
    /// Keeps the unit: it is given back by [`Semaphore::release`], here or elsewhere, or, if this
    /// process is killed and the semaphore is no signal, by the process that finds it.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        // It fails if the manager is closed, and a closed manager's units no longer matter.
        let _ = match &self.semaphore.raw {
            Backed::Shm(raw) if self.owner == Owner::now(Some(raw.handle().participant())) => raw.release(),
            Backed::Other(units) if self.owner == Owner::now(None) => units.release(1),
            _ => Ok(()),
        };
    }
}

impl std::fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SemaphorePermit({:?})", self.semaphore)
    }
}

impl Manager {
    /// A semaphore with so many free units.
    pub fn semaphore(&self, units: u32) -> Result<Semaphore> {
        self.semaphore_as(units, None, None)
    }

    /// A semaphore that never has more free units than these: to release what was not acquired
    /// is [`TooManyUnits`](crate::Error::TooManyUnits).
    pub fn bounded_semaphore(&self, units: u32) -> Result<Semaphore> {
        self.semaphore_as(units, Some(units), None)
    }

    /// A semaphore whose units are given back for processes that are killed, whichever process
    /// releases them, or never (`owned` is false).
    pub fn settled_semaphore(&self, units: u32, owned: bool) -> Result<Semaphore> {
        self.semaphore_as(units, None, Some(owned))
    }

    fn semaphore_as(&self, units: u32, bound: Option<u32>, owned: Option<bool>) -> Result<Semaphore> {
        Semaphore::from_handle(self.home().create(&Make::Semaphore { units, bound, owned })?)
    }
}

impl Named<'_> {
    /// The semaphore of that name; `units` counts only if this call makes it.
    pub fn semaphore(&self, units: u32) -> Result<Semaphore> {
        self.get_or_make(|| self.manager().semaphore(units))
    }

    /// The bounded semaphore of that name; `units` counts only if this call makes it.
    pub fn bounded_semaphore(&self, units: u32) -> Result<Semaphore> {
        self.get_or_make(|| self.manager().bounded_semaphore(units))
    }
}
