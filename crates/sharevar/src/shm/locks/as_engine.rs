//! The locks of shared memory as the seam has them, for callers that know no engine.

use super::barrier::{Arrival, RawBarrier};
use super::condition::RawCondition;
use super::event::RawEvent;
use super::lock::RawLock;
use super::recursive_lock::RawRLock;
use super::rwlock::RawRwLock;
use super::semaphore::RawSemaphore;
use super::waiters::Entry;
use crate::engine::acquired::Acquired;
use crate::engine::barrier::{Arrived, Barrier, Running};
use crate::engine::condition::{Condition, Parked};
use crate::engine::content::Content;
use crate::engine::event::Event;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::rwlock::RwLock;
use crate::engine::units::Units;
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use crate::kind::Kind;
use std::time::Duration;

impl Exclusive for RawLock {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        Ok(Acquired::of(self.robust().try_acquire()?))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        Box::new(Self::acquire_wait(self))
    }

    fn release(&self) -> Result<bool> {
        Ok(self.robust().release()?)
    }

    fn release_all(&self) -> Result<Option<u64>> {
        Ok(self.robust().release()?.then_some(1))
    }

    fn restore(&self, _times: u64) -> Result<()> {
        Ok(())
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.robust().is_locked())
    }

    fn is_mine(&self) -> Result<bool> {
        Ok(self.robust().is_mine())
    }

    fn count(&self) -> Result<u64> {
        Ok(u64::from(self.robust().is_mine()))
    }

    fn owner_died(&self) -> Result<bool> {
        Ok(self.robust().owner_died())
    }

    fn mark_consistent(&self) -> Result<()> {
        self.robust().mark_consistent();
        Ok(())
    }
}

impl Exclusive for RawRLock {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        Ok(Acquired::of(self.recursive().try_acquire()?))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        Box::new(Self::acquire_wait(self))
    }

    fn release(&self) -> Result<bool> {
        Ok(self.recursive().release()?)
    }

    fn release_all(&self) -> Result<Option<u64>> {
        Ok(self.recursive().release_all()?)
    }

    fn restore(&self, times: u64) -> Result<()> {
        self.recursive().restore(times);
        Ok(())
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.recursive().is_locked())
    }

    fn is_mine(&self) -> Result<bool> {
        Ok(self.recursive().is_mine())
    }

    fn count(&self) -> Result<u64> {
        Ok(self.recursive().count())
    }

    fn owner_died(&self) -> Result<bool> {
        Ok(self.recursive().owner_died())
    }

    fn mark_consistent(&self) -> Result<()> {
        self.recursive().mark_consistent();
        Ok(())
    }
}

impl RwLock for RawRwLock {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn try_read(&self) -> Result<Option<Acquired>> {
        Ok(Acquired::of(Self::try_read(self)?))
    }

    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        Box::new(Self::read_wait(self))
    }

    fn try_write(&self) -> Result<Option<Acquired>> {
        Ok(Acquired::of(Self::try_write(self)?))
    }

    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        Box::new(Self::write_wait(self))
    }

    fn release_read(&self) -> Result<bool> {
        Self::release_read(self)
    }

    fn release_write(&self) -> Result<bool> {
        Self::release_write(self)
    }

    fn owner_died(&self) -> Result<bool> {
        Ok(Self::owner_died(self))
    }

    fn mark_consistent(&self) -> Result<()> {
        Self::mark_consistent(self)
    }
}

impl Units for RawSemaphore {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn try_acquire(&self) -> Result<bool> {
        Self::try_acquire(self)
    }

    fn acquire_wait(&self) -> Box<dyn Wait<()> + '_> {
        Box::new(Self::acquire_wait(self))
    }

    fn release(&self, units: u32) -> Result<()> {
        self.release_many(units)
    }

    fn available(&self) -> Result<u32> {
        Self::available(self)
    }

    fn bound(&self) -> Result<Option<u32>> {
        Ok(Self::bound(self))
    }

    fn held(&self) -> Result<Option<u64>> {
        Self::held(self)
    }
}

impl Event for RawEvent {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn is_set(&self) -> Result<bool> {
        Self::is_set(self)
    }

    fn set(&self) -> Result<()> {
        Self::set(self)
    }

    fn clear(&self) -> Result<()> {
        Self::clear(self)
    }

    fn set_wait(&self) -> Result<Box<dyn Wait<()> + '_>> {
        Ok(Box::new(Self::set_wait(self)?))
    }
}

impl Condition for RawCondition {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn lock(&self) -> Result<Handle> {
        Ok(Self::lock(self).clone().into())
    }

    fn begin_wait(&self) -> Result<Box<dyn Parked + '_>> {
        let lock: Box<dyn Exclusive> = if Self::lock(self).kind() == Some(Kind::RLock) {
            Box::new(RawRLock::from_handle(Self::lock(self).clone())?)
        } else {
            Box::new(RawLock::from_handle(Self::lock(self).clone())?)
        };
        if !lock.is_mine()? {
            return Err(Error::NotOwner);
        }
        let entry = self.join()?;
        let mut parked =
            Waiting { condition: self, entry, times: 0, has_left: false, wait: self.notified_wait(&entry) };
        parked.times = lock.release_all()?.ok_or(Error::NotOwner)?;
        Ok(Box::new(parked))
    }

    fn notify(&self, most: u64) -> Result<u64> {
        Self::notify(self, most)
    }

    fn counts(&self) -> Result<(u64, u64)> {
        self.living()
    }
}

struct Waiting<'a, W> {
    condition: &'a RawCondition,
    entry: Entry,
    times: u64,
    has_left: bool,
    wait: W,
}

impl<W: Wait<()>> Wait<()> for Waiting<'_, W> {
    fn is_ready(&self) -> bool {
        self.wait.is_ready()
    }

    fn attempt(&mut self, announce: bool) -> Result<Option<()>> {
        self.wait.attempt(announce)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }
}

impl<W: Wait<()>> Parked for Waiting<'_, W> {
    fn times(&self) -> u64 {
        self.times
    }

    fn end(mut self: Box<Self>) -> Result<bool> {
        self.has_left = true;
        self.condition.leave(self.entry)
    }
}

impl<W> Drop for Waiting<'_, W> {
    fn drop(&mut self) {
        if !self.has_left {
            // It fails if the arena is closed, and then no thread waits any more.
            let _ = self.condition.give_up(self.entry);
        }
    }
}

impl Barrier for RawBarrier {
    fn handle(&self) -> Handle {
        Self::handle(self).clone().into()
    }

    fn parties(&self) -> Result<u64> {
        Ok(Self::parties(self))
    }

    fn limit(&self) -> Result<Option<f64>> {
        Ok(Self::limit(self))
    }

    fn action(&self) -> Result<Content> {
        Self::action(self)
    }

    fn waiting(&self) -> Result<u64> {
        Self::waiting(self)
    }

    fn is_broken(&self) -> Result<bool> {
        Self::is_broken(self)
    }

    fn try_arrive(&self) -> Result<Option<Arrived<'_>>> {
        Ok(Self::try_arrive(self)?.map(|arrival| arrived(self, arrival)))
    }

    fn arrive_wait(&self) -> Box<dyn Wait<Arrived<'_>> + '_> {
        Box::new(ArriveWait { barrier: self, wait: Self::arrive_wait(self) })
    }

    fn abort(&self) -> Result<()> {
        Self::abort(self)
    }

    fn reset(&self) -> Result<()> {
        Self::reset(self)
    }
}

fn arrived(barrier: &RawBarrier, arrival: Arrival) -> Arrived<'_> {
    match arrival {
        Arrival::Done(outcome) => Arrived::Over(outcome),
        Arrival::Wait(entry) => Arrived::Wait(Box::new(barrier.outcome_wait(entry))),
        Arrival::Run(entry) => {
            Arrived::Run(Box::new(Running::until(move |well| barrier.finish(&entry, well))))
        }
    }
}

struct ArriveWait<'a, W> {
    barrier: &'a RawBarrier,
    wait: W,
}

impl<'a, W: Wait<Arrival>> Wait<Arrived<'a>> for ArriveWait<'a, W> {
    fn is_ready(&self) -> bool {
        self.wait.is_ready()
    }

    fn attempt(&mut self, announce: bool) -> Result<Option<Arrived<'a>>> {
        Ok(self.wait.attempt(announce)?.map(|arrival| arrived(self.barrier, arrival)))
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }
}
