//! The arenas that this process has attached, so that a handle from elsewhere finds its own.
//!
//! A fork may come at any moment, and a lock that another thread holds just then stays locked
//! for good in the child. So nobody ever waits here: a place that cannot be had at once is
//! passed over, which at worst misses an attachment that is being made at this very moment.

use crate::error::{Error, Result};
use crate::shm::handle::arena_identity;
use sharevar_arena::Participant;
use std::sync::{Arc, RwLock, Weak};

/// Attachments that one process can have at a time.
const LIMIT: usize = 1024;

static PLACES: [RwLock<Weak<Participant>>; LIMIT] = [const { RwLock::new(Weak::new()) }; LIMIT];

/// Enters an attachment.
pub(crate) fn remember(participant: &Arc<Participant>) -> Result<()> {
    for place in &PLACES {
        if let Ok(mut place) = place.try_write()
            && place.strong_count() == 0
        {
            *place = Arc::downgrade(participant);
            return Ok(());
        }
    }
    Err(Error::TooManyManagers { limit: LIMIT })
}

/// The attachment to the arena of that identity.
pub(crate) fn find(arena: u128) -> Result<Arc<Participant>> {
    for place in &PLACES {
        if let Ok(place) = place.try_read()
            && let Some(participant) = place.upgrade()
            && arena_identity(&participant) == arena
        {
            return Ok(participant);
        }
    }
    Err(Error::ForeignArena { arena })
}
