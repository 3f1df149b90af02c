//! The lock that users hold. Its word, and all that a death does to it, is the arena's.

use crate::engine::Acquired;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{ANY_REASON, OwnerDeath, Participant, RobustLock};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops { settle_at_exit: RobustLock::settle_at_exit, ..Ops::NONE };

/// A lock in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLock {
    handle: Handle,
}

variable_of_kind!(RawLock, Lock);

impl RawLock {
    /// Makes a free lock. `owned` settles whether it is always given to the next one when its
    /// holder ends, or never.
    pub fn create(participant: &Arc<Participant>, owned: Option<bool>) -> Result<Self> {
        let lock = Self { handle: Handle::create(participant, Kind::Lock)? };
        if let Some(owned) = owned {
            lock.robust().set_owner_death(OwnerDeath::of(owned));
        }
        Ok(lock)
    }

    /// The lock itself.
    #[inline(always)]
    pub fn robust(&self) -> RobustLock<'_> {
        RobustLock::of(self.handle.participant(), self.handle.variable())
    }

    /// A wait until the lock is taken.
    pub fn acquire_wait(&self) -> impl Wait<Acquired> + '_ {
        let lock = self.robust();
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
}
