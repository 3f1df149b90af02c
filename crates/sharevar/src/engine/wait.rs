//! Waiting for a variable's state: try, spin for as long as a short hand-over takes, then sleep.
//!
//! A wait is an object, which each kind of variable makes for each thing that is waited for, after a
//! try has failed. So one loop, [`run`], serves all kinds; the Python module has a loop of its own, which
//! looks at signals, for the same objects.

use crate::error::Result;
use sharevar_arena::spin_pays;
use std::time::{Duration, Instant};

/// Looks at the state before the first sleep: about the two microseconds that a short hand-over
/// takes, against more than six for a sleep and a wake-up.
const LOOKS: u32 = 200;

/// A wait for something of type `T`, by one thread. Dropping it ends the wait, and takes back all
/// that the wait has told others.
///
/// ```
/// use sharevar::engine::wait::{Wait, run};
/// use sharevar::{Manager, Shared};
/// use std::time::{Duration, Instant};
///
/// let manager = Manager::new()?;
/// let semaphore = manager.semaphore(0)?;
/// let mut wait = semaphore.shm().expect("in shared memory").acquire_wait();
/// assert_eq!(wait.attempt(false)?, None);
/// assert_eq!(run(&mut wait, Some(Instant::now() + Duration::from_millis(1)))?, None);
/// semaphore.release(1)?;
/// assert_eq!(run(&mut wait, None)?, Some(()));
/// # Ok::<(), sharevar::Error>(())
/// ```
pub trait Wait<T>: Send {
    /// Returns whether an attempt may succeed: a cheap look, for threads that spin. `false` where
    /// only an attempt can tell.
    fn is_ready(&self) -> bool {
        false
    }

    /// Takes what is waited for, if it is there. `announce` says, if it is not, that the thread is
    /// about to [sleep](Self::sleep). Nothing interrupts an attempt, and what it returns is the
    /// caller's.
    fn attempt(&mut self, announce: bool) -> Result<Option<T>>;

    /// Sleeps until an attempt may succeed, for `left` at most, and often for less. It takes nothing.
    /// Without an attempt that has announced it since the last sleep, it returns at once.
    fn sleep(&mut self, left: Duration);

    /// Ends the wait at its deadline. `Some` is what it was given meanwhile. After `None` another
    /// [`run`] may go on waiting.
    fn withdraw(&mut self) -> Result<Option<T>> {
        Ok(None)
    }
}

/// The moment at which `limit` is over; `None` is never.
pub fn deadline(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Returns what `wait` waits for, or `None` at the deadline `until`.
#[cold]
pub fn run<T>(wait: &mut (impl Wait<T> + ?Sized), until: Option<Instant>) -> Result<Option<T>> {
    for _ in 0..if spin_pays() { LOOKS } else { 0 } {
        std::hint::spin_loop();
        if wait.is_ready()
            && let Some(done) = wait.attempt(false)?
        {
            return Ok(Some(done));
        }
    }
    loop {
        if let Some(done) = wait.attempt(true)? {
            return Ok(Some(done));
        }
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return wait.withdraw();
        }
        wait.sleep(left);
    }
}

/// Returns what `wait` waits for, however long that takes.
#[cold]
pub(crate) fn run_without_limit<T>(wait: &mut (impl Wait<T> + ?Sized)) -> Result<T> {
    loop {
        if let Some(done) = run(wait, None)? {
            return Ok(done);
        }
    }
}
