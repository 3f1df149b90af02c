//! What becomes of what a process still holds when it ends in order.

use crate::handle::Kind;
use crate::shm::RawSemaphore;
use sharevar_arena::{Participant, Result, RobustLock, Variable};

/// For [`Kinds::depart`](sharevar_arena::Kinds::depart).
pub(crate) fn depart(participant: &Participant, variable: Variable, kind: u64) -> Result<()> {
    match Kind::from_number(kind) {
        Some(Kind::Lock) => RobustLock::depart(participant, variable),
        Some(Kind::Semaphore) => RawSemaphore::left(participant, variable),
        // A recursive lock is given to the next one, as at a death; other kinds are not held.
        _ => Ok(()),
    }
}
