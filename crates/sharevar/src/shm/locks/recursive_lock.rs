//! The recursive lock that users hold. Its words, and all that a death does to it, are the
//! arena's.

use crate::engine::Acquired;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{ANY_REASON, Participant, RecursiveLock};
use std::sync::Arc;

/// A holder that ends in order is followed by the next one, as after a death.
pub(crate) const OPS: Ops = Ops::NONE;

/// A recursive lock in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRLock {
    handle: Handle,
}

variable_of_kind!(RawRLock, RLock);

impl RawRLock {
    /// Makes a free lock.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Ok(Self { handle: Handle::create(participant, Kind::RLock)? })
    }

    /// The lock itself.
    #[inline(always)]
    pub fn recursive(&self) -> RecursiveLock<'_> {
        RecursiveLock::of(self.handle.participant(), self.handle.variable())
    }

    /// A wait of this thread until it has taken the lock.
    pub fn acquire_wait(&self) -> impl Wait<Acquired> + '_ {
        acquire_wait(self.recursive())
    }
}

/// A wait of this thread until it has taken `lock`.
pub(crate) fn acquire_wait(lock: RecursiveLock<'_>) -> impl Wait<Acquired> + '_ {
    PointWait::new(
        lock.point(),
        ANY_REASON,
        move || !lock.is_taken(),
        move |announce| {
            let acquired = if announce { lock.try_acquire_or_announce() } else { lock.try_acquire() };
            Ok(Acquired::of(acquired?))
        },
    )
}
