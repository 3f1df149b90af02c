//! Waiting for a variable's state: try, spin for as long as a short hand-over takes, then sleep.

use crate::error::Result;
use sharevar_arena::{WaitPoint, spin_pays};
use std::time::{Duration, Instant};

/// Looks at the state before the first sleep: about the two microseconds that a short hand-over
/// takes, against more than six for a sleep and a wake-up.
const LOOKS: u32 = 200;

/// Attempts until one gives something, for at most `limit`.
///
/// `ready` is a cheap look without a lock: whether an attempt may succeed. `attempt` is told
/// whether to announce, under the variable's lock, that somebody is about to sleep for `reasons`
/// if it cannot succeed now.
#[cold]
pub(crate) fn until<T>(
    point: WaitPoint<'_>,
    reasons: u32,
    limit: Duration,
    ready: impl Fn() -> bool,
    mut attempt: impl FnMut(bool) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let begin = Instant::now();
    for _ in 0..if spin_pays() { LOOKS } else { 0 } {
        std::hint::spin_loop();
        if ready()
            && let Some(done) = attempt(false)?
        {
            return Ok(Some(done));
        }
    }
    let mut waiter = point.waiter();
    loop {
        // Read before the state is looked at, so that no wake-up comes between look and sleep.
        let count = point.count();
        if let Some(done) = attempt(true)? {
            return Ok(Some(done));
        }
        let left = limit.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        waiter.sleep(count, reasons, left);
    }
}
