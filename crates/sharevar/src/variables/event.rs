//! The flag that is waited for.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{self, Backed, Make};
use crate::error::Result;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawEvent;
use crate::variables::impl_shared::impl_shared;
use std::time::Duration;

/// A flag that processes and threads wait for.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let ready = manager.event()?;
/// std::thread::scope(|scope| {
///     let waiter = scope.spawn(|| ready.wait());
///     ready.set()?;
///     waiter.join().unwrap()
/// })?;
/// assert!(ready.is_set()?);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Event {
    raw: Backed<RawEvent, dyn engine::Event>,
}

impl_shared!(backed Event, [], Backed<RawEvent, dyn engine::Event>, {});

impl Event {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawEvent, dyn engine::Event>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped event, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawEvent> {
        self.raw.shm()
    }

    /// Sets it: all who wait go on, also if it is cleared before they have looked.
    #[inline]
    pub fn set(&self) -> Result<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.set(),
            Backed::Other(event) => event.set(),
        }
    }

    /// Takes the flag away: a thread that waits from now on sleeps until it is set again.
    #[inline]
    pub fn clear(&self) -> Result<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.clear(),
            Backed::Other(event) => event.clear(),
        }
    }

    /// Whether it is set, at this moment.
    #[inline]
    pub fn is_set(&self) -> Result<bool> {
        self.raw.any().is_set()
    }

    /// Waits until it is set.
    pub fn wait(&self) -> Result<()> {
        if self.is_set()? {
            return Ok(());
        }
        run_without_limit(&mut *self.raw.any().set_wait()?)
    }

    /// Waits until it is set, no longer than `limit`. Whether it was.
    pub fn wait_timeout(&self, limit: Duration) -> Result<bool> {
        if self.is_set()? {
            return Ok(true);
        }
        Ok(run(&mut *self.raw.any().set_wait()?, deadline(limit))?.is_some())
    }
}

impl Manager {
    /// An event that is not set.
    pub fn event(&self) -> Result<Event> {
        Event::from_handle(self.home().create(&Make::Event)?)
    }
}

impl Named<'_> {
    /// The event of that name.
    pub fn event(&self) -> Result<Event> {
        self.get_or_make(|| self.manager().event())
    }
}
