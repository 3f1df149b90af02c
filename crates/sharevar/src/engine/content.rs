//! The content of a variable, as it was found.

use super::handle::Handle;
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
    /// Returns the value as it is to be stored once more in the same home. This keeps alive what it
    /// refers to.
    pub(crate) fn to_encoded(&self) -> Encoded {
        match self {
            Self::Word(word) => Encoded::Word(*word),
            Self::Handle(handle) => Encoded::Word(handle.word()),
            Self::Bytes(bytes, handles) => Encoded::Bytes {
                bytes: bytes.clone(),
                handles: handles.iter().map(|handle| handle.id().number).collect(),
            },
        }
    }
}
