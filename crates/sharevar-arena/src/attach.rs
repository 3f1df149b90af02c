//! Attaching: making an arena, or becoming a participant of one.

use crate::arena::Arena;
use crate::attachment::Attachment;
use crate::error::{Error, Result};
use crate::fork;
use crate::fork_gate;
use crate::layout::slot;
use crate::participant::{Kinds, Participant};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Participant {
    /// Makes a new arena of at most `capacity` bytes (half of what this process may use, if
    /// `None`) and becomes its first participant.
    pub fn create_arena(capacity: Option<u64>, kinds: Kinds) -> Result<Arc<Self>> {
        Self::join(Arc::new(Arena::create(capacity)?), kinds)
    }

    /// Attaches to the arena that `file` leads to.
    pub fn attach(file: OwnedFd, kinds: Kinds) -> Result<Arc<Self>> {
        let arena = Arc::new(Arena::attach(file)?);
        if arena.is_closed() {
            return Err(Error::Closed);
        }
        Self::join(arena, kinds)
    }

    /// A second participant in this process, on the same mapping.
    pub fn join_again(&self) -> Result<Arc<Self>> {
        Self::join(self.arena().clone(), *self.kinds())
    }

    fn join(arena: Arc<Arena>, kinds: Kinds) -> Result<Arc<Self>> {
        let participant = Self::sit_down(arena, kinds)?;
        // Whoever comes looks after those who went.
        participant.sweep()?;
        Ok(participant)
    }

    /// Becomes a participant. Looks after others only if all places are taken: then in a place
    /// that is kept for this, and so one that holds nothing when it is left.
    pub(crate) fn sit_down(arena: Arc<Arena>, kinds: Kinds) -> Result<Arc<Self>> {
        match Self::sit_in(arena.clone(), kinds, 0..slot::ORDINARY) {
            Err(Error::TooManyParticipants { .. }) => {
                Self::sit_in(arena.clone(), kinds, slot::ORDINARY..slot::MAX)?.sweep()?;
                Self::sit_in(arena, kinds, 0..slot::ORDINARY)
            }
            seated => seated,
        }
    }

    fn sit_in(arena: Arc<Arena>, kinds: Kinds, slots: Range<u32>) -> Result<Arc<Self>> {
        let attachment = {
            // No fork in here: its child would inherit a byte, or a segment, that is half made.
            let _gate = fork_gate::enter();
            Attachment::new(arena, slots)?
        };
        let participant = Arc::new(Self::new(attachment, kinds));
        fork::register(&participant);
        Ok(participant)
    }
}
