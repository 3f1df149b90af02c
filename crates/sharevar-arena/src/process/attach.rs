//! Attaching: making an arena, or becoming a participant of one.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::slot;
use crate::process::attachment::Attachment;
use crate::process::fork;
use crate::process::fork_gate;
use crate::process::participant::{Participant, VariableOps};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Participant {
    /// Makes a new arena of at most `capacity` bytes (half of what this process may use, if
    /// `None`) and becomes its first participant.
    pub fn create_arena(capacity: Option<u64>, ops: VariableOps) -> Result<Arc<Self>> {
        Self::join(Arc::new(Arena::create(capacity)?), ops)
    }

    /// Attaches to the arena that `file` leads to.
    pub fn attach(file: OwnedFd, ops: VariableOps) -> Result<Arc<Self>> {
        let arena = Arc::new(Arena::attach(file)?);
        if arena.is_closed() {
            return Err(Error::Closed);
        }
        Self::join(arena, ops)
    }

    /// A second participant in this process, on the same mapping.
    pub fn join_again(&self) -> Result<Arc<Self>> {
        Self::join(self.arena().clone(), *self.ops())
    }

    fn join(arena: Arc<Arena>, ops: VariableOps) -> Result<Arc<Self>> {
        let participant = Self::occupy_slot(arena, ops)?;
        fork::register(&participant);
        // A new participant looks after the dead.
        participant.sweep()?;
        Ok(participant)
    }

    /// A reader of an arena that is mapped for reading only.
    pub(crate) fn reader(arena: Arc<Arena>, ops: VariableOps) -> Result<Arc<Self>> {
        Ok(Arc::new(Self::new(Attachment::of_reader(arena)?, ops)))
    }

    /// Becomes a participant. Looks after others only if all slots are taken: then in a slot
    /// that is kept for this, and which holds nothing when it is left.
    ///
    /// Forks do not know the participant before [`fork::register`].
    pub(crate) fn occupy_slot(arena: Arc<Arena>, ops: VariableOps) -> Result<Arc<Self>> {
        match Self::occupy_one_of(arena.clone(), ops, 0..slot::ORDINARY) {
            Err(Error::TooManyParticipants { .. }) => {
                Self::occupy_one_of(arena.clone(), ops, slot::ORDINARY..slot::MAX)?.sweep()?;
                Self::occupy_one_of(arena, ops, 0..slot::ORDINARY)
            }
            occupied => occupied,
        }
    }

    fn occupy_one_of(arena: Arc<Arena>, ops: VariableOps, slots: Range<u32>) -> Result<Arc<Self>> {
        let attachment = {
            // No fork in here: its child would inherit a byte, or a segment, that is half made.
            let _gate = fork_gate::enter();
            Attachment::new(arena, slots)?
        };
        Ok(Arc::new(Self::new(attachment, ops)))
    }
}
