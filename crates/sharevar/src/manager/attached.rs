//! The homes of variables that this process has attached, so that a handle from elsewhere finds its own.
//!
//! A fork may come at any moment, and a lock that another thread holds just then stays locked
//! for good in the child. So no thread ever waits here: an entry that is locked is passed over,
//! which at worst misses an attachment that is being made at this very moment.

use crate::engine::{Engine, Home};
use crate::error::{Error, Result};
use sharevar_arena::Participant;
use std::sync::{Arc, RwLock, Weak};

/// Attachments that one process can have at a time.
const LIMIT: usize = 1024;

/// A home that others keep.
enum Place {
    Free,
    Shm(Weak<Participant>),
    Other(Weak<dyn Engine>),
}

impl Place {
    fn of(home: &Home) -> Self {
        match home {
            Home::Shm(participant) => Self::Shm(Arc::downgrade(participant)),
            Home::Other(engine) => Self::Other(Arc::downgrade(engine)),
        }
    }

    fn is_free(&self) -> bool {
        match self {
            Self::Free => true,
            Self::Shm(participant) => participant.strong_count() == 0,
            Self::Other(engine) => engine.strong_count() == 0,
        }
    }

    fn home(&self) -> Option<Home> {
        match self {
            Self::Free => None,
            Self::Shm(participant) => participant.upgrade().map(Home::Shm),
            Self::Other(engine) => engine.upgrade().map(Home::Other),
        }
    }
}

static PLACES: [RwLock<Place>; LIMIT] = [const { RwLock::new(Place::Free) }; LIMIT];

/// Enters an attachment.
pub(crate) fn remember(home: &Home) -> Result<()> {
    for place in &PLACES {
        if let Ok(mut place) = place.try_write()
            && place.is_free()
        {
            *place = Place::of(home);
            return Ok(());
        }
    }
    Err(Error::TooManyManagers { limit: LIMIT })
}

/// The attachment to the home of that identity.
pub(crate) fn find(id: u128) -> Result<Home> {
    for place in &PLACES {
        if let Ok(place) = place.try_read()
            && let Some(home) = place.home()
            && home.id() == id
        {
            return Ok(home);
        }
    }
    Err(Error::ForeignArena { arena: id })
}
