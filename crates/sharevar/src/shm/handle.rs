//! Handles, which keep variables alive in this process.

use crate::engine::local_id::LocalId;
use crate::engine::stamp::Stamp;
use crate::error::Result;
use crate::kind::{Kind, wrong_kind};
use sharevar_arena::{Participant, Variable};
use std::sync::Arc;

/// A counted handle on a variable. Clones share the variable; when the last handle of every
/// process and the last place in a container is gone, it is freed.
#[derive(Debug)]
pub struct Handle {
    participant: Arc<Participant>,
    variable: Variable,
}

impl Handle {
    /// Makes a variable of `kind` with an empty body.
    pub fn create(participant: &Arc<Participant>, kind: Kind) -> Result<Self> {
        let variable = participant.create(kind as u64)?;
        Ok(Self { participant: participant.clone(), variable })
    }

    /// Takes a handle on a variable that a container or another handle was seen to hold.
    pub fn open(participant: &Arc<Participant>, variable: Variable) -> Result<Self> {
        participant.hold(variable)?;
        Ok(Self { participant: participant.clone(), variable })
    }

    /// The participant that holds it.
    #[inline(always)]
    pub fn participant(&self) -> &Arc<Participant> {
        &self.participant
    }

    /// The variable.
    #[inline(always)]
    pub fn variable(&self) -> Variable {
        self.variable
    }

    /// The variable's name inside of its arena.
    #[inline(always)]
    pub fn id(&self) -> LocalId {
        LocalId { number: self.variable.header(), generation: self.variable.generation() }
    }

    /// The variable's state now.
    #[inline(always)]
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::new(self.participant.changes(self.variable))
    }

    /// The kind of the variable.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.participant.kind_of(self.variable))
    }

    /// This handle, if its variable is of `kind`.
    pub fn expect(self, kind: Kind) -> Result<Self> {
        match self.kind() {
            Some(found) if found == kind => Ok(self),
            found => Err(wrong_kind(found, kind)),
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        // It is held already, so this only counts within the process; should the arena have been
        // closed meanwhile, operations on the clone say so.
        let _ = self.participant.hold(self.variable);
        Self { participant: self.participant.clone(), variable: self.variable }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.participant.release_later(self.variable);
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.variable == other.variable && self.participant.arena_id() == other.participant.arena_id()
    }
}

impl Eq for Handle {}

pub(crate) fn arena_identity(participant: &Participant) -> u128 {
    identity(participant.arena_id())
}

/// An arena's identity as one number, whose hexadecimal digits are its bytes in order.
pub(crate) fn identity([first, second]: [u64; 2]) -> u128 {
    u128::from(first.swap_bytes()) << 64 | u128::from(second.swap_bytes())
}

/// Implements an untyped variable that is a handle on one of a kind, and no more.
macro_rules! variable_of_kind {
    ($raw:ident, $kind:ident) => {
        impl $raw {
            /// Returns the variable that a handle leads to, if it is of this kind.
            pub fn from_handle(handle: crate::shm::handle::Handle) -> crate::error::Result<Self> {
                Ok(Self { handle: handle.expect(crate::kind::Kind::$kind)? })
            }

            /// Returns the handle.
            #[inline(always)]
            pub fn handle(&self) -> &crate::shm::handle::Handle {
                &self.handle
            }
        }
    };
}
pub(crate) use variable_of_kind;
