//! The content of a variable, as it was found.

use super::handle::Handle;
use crate::error::Result;
use crate::shm::LongValue;
use sharevar_value::{Encoded, Word};

/// A value as it was found.
#[derive(Debug, Clone)]
pub enum Content {
    /// A scalar.
    Word(Word),
    /// An encoded value, and handles on the variables it refers to, which keep them alive while
    /// it is decoded.
    Bytes(Vec<u8>, Vec<Handle>),
    /// Another shared variable.
    Handle(Handle),
    /// An encoded value of many bytes, which is held where it is.
    Long(LongValue),
}

/// A key's encoding and its value.
#[derive(Debug, Clone)]
pub struct Item {
    /// The encoding of the key that was put in.
    pub key: Vec<u8>,
    /// The value.
    pub value: Content,
}

impl Content {
    /// Returns the value with a copy of its encoding, if it is a long one.
    ///
    /// # Errors
    /// No memory for the copy; closed arena.
    pub fn loaded(self) -> Result<Self> {
        match self {
            Self::Long(long) => long.load().map(|(bytes, handles)| Self::Bytes(bytes, handles)),
            short => Ok(short),
        }
    }

    /// Returns the value as it is to be stored once more in the same home. This keeps alive what it
    /// refers to.
    pub(crate) fn to_encoded(&self) -> Encoded {
        match self {
            Self::Word(word) => Encoded::Word(*word),
            Self::Handle(handle) => Encoded::Word(handle.word()),
            Self::Long(long) => Encoded::Word(long.word()),
            Self::Bytes(bytes, handles) => Encoded::Bytes {
                bytes: bytes.clone(),
                handles: handles.iter().map(|handle| handle.id().number).collect(),
            },
        }
    }
}
