//! The barrier.

use crate::engine::barrier::Outcome;
use crate::engine::wait::{deadline, run, run_without_limit};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::{Arrival, RawBarrier};
use crate::variables::impl_shared::impl_shared;
use sharevar_arena::Participant;
use std::sync::Arc;
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
/// all waits fail with [`Error::BrokenBarrier`] until somebody calls [`reset`](Self::reset).
/// Who was released before that is not disturbed by it.
pub struct Barrier {
    raw: RawBarrier,
}

impl_shared!(Barrier, [], RawBarrier, {});

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
    fn create(participant: &Arc<Participant>, parties: usize) -> Result<Self> {
        Self::from_raw(RawBarrier::create(participant, parties.max(1) as u64, None, None)?)
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: RawBarrier) -> Result<Self> {
        Ok(Self { raw })
    }

    /// Waits until all are there, or for as long as the Python program that made the barrier says.
    pub fn wait(&self) -> Result<BarrierWaitResult> {
        let limit = self.raw.limit().map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)));
        self.wait_timeout(limit.and_then(std::result::Result::ok).unwrap_or(Duration::MAX))
    }

    /// Waits until all are there; after `limit` the barrier is broken.
    pub fn wait_timeout(&self, limit: Duration) -> Result<BarrierWaitResult> {
        let until = deadline(limit);
        let arrival = match self.raw.try_arrive()? {
            Some(arrival) => arrival,
            None => run_without_limit(&mut self.raw.arrive_wait())?,
        };
        match arrival {
            Arrival::Done(outcome) => ended(outcome),
            Arrival::Wait(entry) => {
                let mut wait = self.raw.outcome_wait(entry);
                let outcome = match run(&mut wait, until)? {
                    Some(outcome) => outcome,
                    // All are there. The action that runs now decides.
                    None => run_without_limit(&mut wait)?,
                };
                ended(outcome)
            }
            Arrival::Run(entry) => {
                self.raw.finish(&entry, false)?;
                Err(Error::PythonAction)
            }
        }
    }

    /// Breaks the barrier.
    pub fn abort(&self) -> Result<()> {
        self.raw.abort()
    }

    /// Makes the barrier as good as new. For those who wait it is broken.
    pub fn reset(&self) -> Result<()> {
        self.raw.reset()
    }

    /// How many must arrive.
    pub fn parties(&self) -> usize {
        self.raw.parties() as usize
    }

    /// How many are there, at this moment.
    pub fn waiting(&self) -> Result<usize> {
        Ok(self.raw.waiting()? as usize)
    }

    /// Whether it is broken, at this moment.
    pub fn is_broken(&self) -> Result<bool> {
        self.raw.is_broken()
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
        Barrier::create(self.participant()?, parties)
    }
}

impl Named<'_> {
    /// The barrier of that name. One for another number of parties is [`Error::WrongLength`].
    pub fn barrier(&self, parties: usize) -> Result<Barrier> {
        let barrier = self.get_or_make(|| self.manager().barrier(parties))?;
        if barrier.parties() == parties.max(1) {
            return Ok(barrier);
        }
        Err(Error::WrongLength { found: barrier.parties() as u64, asked: parties as u64 })
    }
}
