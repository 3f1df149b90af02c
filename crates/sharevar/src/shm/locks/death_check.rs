//! The time of the last look for dead ones among a variable's waiters.
//!
//! Every waiter looks again from time to time, and to ask the kernel for each of a hundred
//! others costs 50 microseconds. So they share the looking: the waiter that finds it due looks for
//! all. A hint; one that is wrong costs time only.

use crate::error::Result;
use crate::shm::handle::Handle;
use rustix::time::{ClockId, clock_gettime};

/// The body word with the milliseconds of the kernel's clock.
const LOOKED: usize = 5;
/// With the 40 ms after which a watch looks again, a death is known in 80.
const INTERVAL: u64 = 40;

/// Whether it is time to look after the others; if so, the caller is the one that does.
pub(crate) fn is_due(handle: &Handle) -> Result<bool> {
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000;
    let looked = handle.participant().peek(handle.variable(), |peek| Some(peek.body(LOOKED)));
    if looked.is_none_or(|looked| now.abs_diff(looked) < INTERVAL) {
        return Ok(false);
    }
    handle.participant().change(handle.variable(), |change| {
        change.change_body(LOOKED, now);
        Ok(())
    })?;
    Ok(true)
}
