//! A handle on a variable, whichever engine keeps it.

use super::local_id::LocalId;
use super::pickles::Pickles;
use crate::error::{Error, Result};
use crate::kind::{Kind, wrong_kind};
use crate::shm::handle::{Handle as ShmHandle, arena_identity};
use sharevar_value::Word;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A variable of another engine, as far as a handle knows it.
///
/// Every [`Held`](super::Held) is one. This trait names none that has handles in its methods, so that
/// a handle stands below all that is done with one.
pub trait Foreign: Debug + Send + Sync {
    /// Returns the identity of the variable's home.
    fn home_id(&self) -> u128;

    /// Returns the engine's name, for errors.
    fn engine_name(&self) -> &'static str;

    /// Returns whether its home has pickles.
    fn pickles(&self) -> Pickles;

    /// Returns the variable's name inside of its home.
    fn id(&self) -> LocalId;

    /// Returns what the variable is.
    fn kind(&self) -> Option<Kind>;

    /// Returns the variable as an `Arc<dyn Held>`, for [`held`](super::contract::held) alone.
    #[doc(hidden)]
    fn erased(self: Arc<Self>) -> Box<dyn Any>;
}

/// A counted handle on a variable. Clones share the variable; when the last handle of every
/// process and the last place in a container is gone, it is freed.
#[derive(Debug, Clone)]
pub enum Handle {
    /// On a variable in shared memory.
    Shm(ShmHandle),
    /// On a variable that another engine keeps.
    Other(Arc<dyn Foreign>),
}

impl Handle {
    /// Returns the identity of the home that the variable is in.
    pub fn home_id(&self) -> u128 {
        match self {
            Self::Shm(handle) => arena_identity(handle.participant()),
            Self::Other(held) => held.home_id(),
        }
    }

    /// Returns the variable's name inside of its home.
    #[inline]
    pub fn id(&self) -> LocalId {
        match self {
            Self::Shm(handle) => handle.id(),
            Self::Other(held) => held.id(),
        }
    }

    /// Returns what the variable is.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Shm(handle) => handle.kind(),
            Self::Other(held) => held.kind(),
        }
    }

    /// Returns this handle, if its variable is of `kind`.
    ///
    /// # Errors
    /// [`WrongKind`](sharevar_arena::Error::WrongKind).
    pub fn expect(self, kind: Kind) -> Result<Self> {
        match self.kind() {
            Some(found) if found == kind => Ok(self),
            found => Err(wrong_kind(found, kind)),
        }
    }

    /// Returns the handle, if the variable is in shared memory.
    #[inline]
    pub fn shm(&self) -> Option<&ShmHandle> {
        match self {
            Self::Shm(handle) => Some(handle),
            Self::Other(_) => None,
        }
    }

    /// Returns the handle of a variable that only shared memory can keep.
    ///
    /// # Errors
    /// [`Unsupported`](Error::Unsupported) if another engine keeps it.
    pub fn into_shm(self) -> Result<ShmHandle> {
        match self {
            Self::Shm(handle) => Ok(handle),
            Self::Other(ref held) => {
                let operation = held.kind().map_or("variable of an unknown kind", Kind::name);
                Err(self.unsupported(operation))
            }
        }
    }

    /// Returns the error of an operation that the variable's engine has not.
    #[cold]
    pub fn unsupported(&self, operation: &'static str) -> Error {
        let engine = if let Self::Other(held) = self { held.engine_name() } else { "shared memory" };
        Error::Unsupported { operation, engine }
    }

    /// The word that refers to the variable inside of its home.
    #[inline]
    pub(crate) fn word(&self) -> Word {
        Word::handle(self.id().number)
    }
}

impl From<ShmHandle> for Handle {
    #[inline]
    fn from(handle: ShmHandle) -> Self {
        Self::Shm(handle)
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shm(one), Self::Shm(other)) => one == other,
            (Self::Other(one), Self::Other(other)) => {
                one.id() == other.id() && one.home_id() == other.home_id()
            }
            _ => false,
        }
    }
}

impl Eq for Handle {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second variant stands in a value that the first one's pointer never has.
    #[test]
    fn a_handle_is_no_larger_than_that_of_shared_memory() {
        assert_eq!(size_of::<Handle>(), size_of::<ShmHandle>());
    }
}
