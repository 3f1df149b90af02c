//! Where variables are.

use super::contract::Engine;
use super::handle::Handle;
use super::local_id::LocalId;
use super::make::Make;
use super::pickles::Pickles;
use crate::error::Result;
use crate::shm::{
    self, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList, RawLock, RawMonitor,
    RawPriorityQueue, RawQueue, RawRLock, RawRwLock, RawSemaphore, RawValue,
};
use sharevar_arena::Participant;
use std::sync::Arc;

/// A home of variables: an arena, or what another engine has. Variables refer to others of the same
/// home only.
#[derive(Debug, Clone)]
pub enum Home {
    /// An arena in shared memory.
    Shm(Arc<Participant>),
    /// A home of another engine.
    Other(Arc<dyn Engine>),
}

impl Home {
    /// Returns the identity that no other home has.
    pub fn id(&self) -> u128 {
        match self {
            Self::Shm(participant) => shm::handle::arena_identity(participant),
            Self::Other(engine) => engine.id(),
        }
    }

    /// Returns the name of the engine that keeps the variables, for errors.
    pub fn engine_name(&self) -> &'static str {
        match self {
            Self::Shm(_) => "shared memory",
            Self::Other(engine) => engine.name(),
        }
    }

    /// Returns the address by which another process connects to the same home, if there is one.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Shm(_) => None,
            Self::Other(engine) => Some(engine.address()),
        }
    }

    /// Ends the home for every process: from now on all operations fail.
    pub fn close(&self) {
        match self {
            Self::Shm(participant) => participant.close(),
            Self::Other(engine) => engine.close(),
        }
    }

    /// Ends this process's use of it, in order. An arena is left with its last handle.
    pub fn leave(&self) {
        if let Self::Other(engine) = self {
            engine.leave();
        }
    }

    /// Returns whether a process has closed it.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Shm(participant) => participant.is_closed(),
            Self::Other(engine) => engine.is_closed(),
        }
    }

    /// Makes a variable.
    pub fn create(&self, make: &Make<'_>) -> Result<Handle> {
        let participant = match self {
            Self::Shm(participant) => participant,
            Self::Other(engine) => return engine.create(make).map(|held| Handle::Other(held)),
        };
        Ok(match *make {
            Make::Map(kind) => RawDict::create_as(participant, kind)?.handle().clone(),
            Make::List => RawList::create(participant)?.handle().clone(),
            Make::Value(initial) => {
                let value = RawValue::create(participant)?;
                value.set(initial)?;
                value.handle().clone()
            }
            Make::Array { format, size, count } => {
                RawArray::create(participant, format, size, count)?.handle().clone()
            }
            Make::Lock { owned } => RawLock::create(participant, owned)?.handle().clone(),
            Make::RLock => RawRLock::create(participant)?.handle().clone(),
            Make::RwLock => RawRwLock::create(participant)?.handle().clone(),
            Make::Semaphore { units, bound, owned } => {
                RawSemaphore::create(participant, units, bound, owned)?.handle().clone()
            }
            Make::Condition(lock) => {
                RawCondition::create(participant, &lock.clone().into_shm()?)?.handle().clone()
            }
            Make::Event => RawEvent::create(participant)?.handle().clone(),
            Make::Barrier { parties, action, limit } => {
                RawBarrier::create(participant, parties, action, limit)?.handle().clone()
            }
            Make::Queue { limit, form } => RawQueue::create(participant, limit, form)?.handle().clone(),
            Make::Monitor => RawMonitor::create(participant)?.handle().clone(),
            Make::PriorityQueue { limit } => RawPriorityQueue::create(participant, limit)?.handle().clone(),
        }
        .into())
    }

    /// Takes a handle on a variable that another process holds.
    ///
    /// # Errors
    /// [`HandleExpired`](crate::Error::HandleExpired) if it was freed.
    pub fn open(&self, id: LocalId) -> Result<Handle> {
        match self {
            Self::Shm(participant) => {
                let variable = participant.variable(id.number, id.generation)?;
                // An id is no reference: a variable whose last handle is gone is not held again by it.
                participant.flush_releases()?;
                Ok(shm::Handle::open(participant, variable)?.into())
            }
            Self::Other(engine) => engine.open(id).map(|held| Handle::Other(held)),
        }
    }
}

/// The target for which values are encoded: a variable, or its home. The identity is asked for when a
/// value turns out to refer to a variable, or may.
pub trait InHome {
    /// Returns the identity of the home.
    fn home_id(&self) -> u128;

    /// Returns this process as a participant of the home, if it is an arena.
    fn as_participant(&self) -> Option<&Participant>;

    /// Returns whether values of no native type are kept.
    fn pickles(&self) -> Pickles;
}

impl InHome for Participant {
    fn home_id(&self) -> u128 {
        shm::handle::arena_identity(self)
    }

    fn as_participant(&self) -> Option<&Participant> {
        Some(self)
    }

    fn pickles(&self) -> Pickles {
        Pickles { are_allowed: self.allows_pickles(), are_accepted: self.accepts_pickles() }
    }
}

impl<T: InHome + ?Sized> InHome for Arc<T> {
    fn home_id(&self) -> u128 {
        (**self).home_id()
    }

    fn as_participant(&self) -> Option<&Participant> {
        (**self).as_participant()
    }

    fn pickles(&self) -> Pickles {
        (**self).pickles()
    }
}

impl InHome for Handle {
    fn home_id(&self) -> u128 {
        Self::home_id(self)
    }

    fn as_participant(&self) -> Option<&Participant> {
        self.shm().map(|handle| &**handle.participant())
    }

    fn pickles(&self) -> Pickles {
        match self {
            Self::Shm(handle) => handle.participant().pickles(),
            Self::Other(held) => held.pickles(),
        }
    }
}

impl InHome for Home {
    fn home_id(&self) -> u128 {
        self.id()
    }

    fn as_participant(&self) -> Option<&Participant> {
        match self {
            Self::Shm(participant) => Some(participant),
            Self::Other(_) => None,
        }
    }

    fn pickles(&self) -> Pickles {
        match self {
            Self::Shm(participant) => participant.pickles(),
            Self::Other(engine) => engine.pickles(),
        }
    }
}
