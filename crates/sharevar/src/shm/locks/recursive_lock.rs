//! The recursive lock that users hold. Its words, and all that a death does to it, are the
//! arena's.

use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::ops::Ops;
use sharevar_arena::{Participant, RecursiveLock};
use std::sync::Arc;

/// A holder that ends in order is followed by the next one, as after a death.
pub(crate) const OPS: Ops = Ops::NONE;

/// A recursive lock in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRLock {
    handle: Handle,
}

impl RawRLock {
    /// Makes a free lock.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Ok(Self { handle: Handle::create(participant, Kind::RLock)? })
    }

    /// The lock that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { handle: handle.expect(Kind::RLock)? })
    }

    /// The handle.
    #[inline(always)]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The lock itself.
    #[inline(always)]
    pub fn recursive(&self) -> RecursiveLock<'_> {
        RecursiveLock::of(self.handle.participant(), self.handle.variable())
    }
}
