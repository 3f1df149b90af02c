//! The barrier.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{self, Arrived, Backed, Make, Outcome};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawBarrier;
use crate::variables::impl_shared::impl_shared;
use std::time::Duration;

/// Where so many threads of any processes wait until all of them are there; again and again.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let barrier = manager.barrier(2)?;
/// std::thread::scope(|scope| {
///     let other = scope.spawn(|| barrier.wait());
///     let mut indices = [barrier.wait()?.index(), other.join().unwrap()?.index()];
///     indices.sort_unstable();
///     assert_eq!(indices, [0, 1]);
///     Ok::<(), sharevar::Error>(())
/// })?;
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// If one of them gives up by a time-out or is killed while it waits, the barrier is *broken*:
/// all waits fail with [`Error::BrokenBarrier`] until a call of [`reset`](Self::reset).
/// Waiters that were released before that are not disturbed by it.
pub struct Barrier {
    raw: Backed<RawBarrier, dyn engine::Barrier>,
}

impl_shared!(backed Barrier, [], Backed<RawBarrier, dyn engine::Barrier>, {});

/// How a wait at a barrier ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult {
    index: usize,
}

impl BarrierWaitResult {
    /// A number below [`Barrier::parties`] that no other of this round has.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether this is the one of the round with index 0.
    pub fn is_leader(&self) -> bool {
        self.index == 0
    }
}

impl Barrier {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawBarrier, dyn engine::Barrier>) -> Result<Self> {
        Ok(Self { raw })
    }

    /// The untyped barrier, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawBarrier> {
        self.raw.shm()
    }

    /// Waits until all are there, or for as long as the Python program that made the barrier says.
    pub fn wait(&self) -> Result<BarrierWaitResult> {
        let limit = self.raw.any().limit()?.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)));
        self.wait_timeout(limit.and_then(std::result::Result::ok).unwrap_or(Duration::MAX))
    }

    /// Waits until all are there; after `limit` the barrier is broken.
    pub fn wait_timeout(&self, limit: Duration) -> Result<BarrierWaitResult> {
        let until = deadline(limit);
        let arrived = match self.raw.any().try_arrive()? {
            Some(arrived) => arrived,
            None => run_without_limit(&mut *self.raw.any().arrive_wait())?,
        };
        match arrived {
            Arrived::Over(outcome) => ended(outcome),
            Arrived::Wait(mut wait) => {
                let outcome = match run(&mut *wait, until)? {
                    Some(outcome) => outcome,
                    // All are there. The action that runs now decides.
                    None => run_without_limit(&mut *wait)?,
                };
                ended(outcome)
            }
            Arrived::Run(ticket) => {
                ticket.finish(false)?;
                Err(Error::PythonAction)
            }
        }
    }

    /// Breaks the barrier.
    pub fn abort(&self) -> Result<()> {
        self.raw.any().abort()
    }

    /// Makes the barrier as good as new. For those who wait it is broken.
    pub fn reset(&self) -> Result<()> {
        self.raw.any().reset()
    }

    /// How many must arrive.
    pub fn parties(&self) -> Result<usize> {
        Ok(self.raw.any().parties()? as usize)
    }

    /// How many are there, at this moment.
    pub fn waiting(&self) -> Result<usize> {
        Ok(self.raw.any().waiting()? as usize)
    }

    /// Whether it is broken, at this moment.
    pub fn is_broken(&self) -> Result<bool> {
        self.raw.any().is_broken()
    }
}

fn ended(outcome: Outcome) -> Result<BarrierWaitResult> {
    match outcome {
        Outcome::Released(index) => Ok(BarrierWaitResult { index: index as usize }),
        Outcome::Broken => Err(Error::BrokenBarrier),
    }
}

impl Manager {
    /// A barrier for `parties` threads, of any processes. None at all count as one.
    pub fn barrier(&self, parties: usize) -> Result<Barrier> {
        let make = Make::Barrier { parties: parties.max(1) as u64, action: None, limit: None };
        Barrier::from_handle(self.home().create(&make)?)
    }
}

impl Named<'_> {
    /// The barrier of that name. One for another number of parties is [`Error::WrongLength`].
    pub fn barrier(&self, parties: usize) -> Result<Barrier> {
        let barrier = self.get_or_make(|| self.manager().barrier(parties))?;
        let found = barrier.parties()?;
        if found == parties.max(1) {
            return Ok(barrier);
        }
        Err(Error::WrongLength { found: found as u64, asked: parties as u64 })
    }
}
