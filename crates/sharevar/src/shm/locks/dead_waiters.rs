//! Waiters that die: what finds them, and how often.
//!
//! A waiter of a condition or a barrier has an entry (`waiters`). Before another waiter sleeps, it finds out
//! which of those that have one are dead. A condition passes their notifications on to the next ones
//! (`condition.rs`, `remove_dead_among`), a barrier breaks (`barrier/broken_by_death.rs`). A waiter for a lock or
//! a unit, at a queue or for an event has no entry: when its process dies, the watch of the variable's wait point
//! looks again within 40 ms (`sharevar-arena`, `locks/wait_point.rs`).
//!
//! Every waiter looks again from time to time, and to ask the kernel for each of a hundred
//! others costs 50 microseconds. So they share the looking: the waiter that finds it due looks for
//! all. A hint; one that is wrong costs time only.

use super::waiters::Entry;
use crate::error::Result;
use crate::shm::handle::Handle;
use rustix::time::{ClockId, clock_gettime};
use sharevar_arena::{Identity, Participant};

/// The body word with the milliseconds of the kernel's clock.
const LOOKED: usize = 5;
/// With the 40 ms after which a watch looks again, a death is known in 80.
const INTERVAL: u64 = 40;

/// Which of the owners of these entries are dead. Asks the kernel, half a microsecond for each other participant:
/// under a lock only where the answer decides what is stored there.
pub(crate) fn dead_among(participant: &Participant, entries: &[Entry]) -> Vec<Identity> {
    let mut owners: Vec<Identity> = entries.iter().map(|entry| entry.owner).collect();
    // The threads of one process are one participant.
    owners.sort_unstable_by_key(|owner| owner.word());
    owners.dedup();
    owners.retain(|owner| !participant.is_alive(*owner));
    owners
}

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
