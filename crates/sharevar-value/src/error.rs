//! Errors, named by the caller's remedy.

use std::fmt::Display;

use crate::nesting::MAX_DEPTH;

/// A value that cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Containers inside one another beyond [`MAX_DEPTH`].
    #[error(
        "value is nested deeper than {MAX_DEPTH} containers; store the inner part as a shared variable of its own"
    )]
    TooDeep,
    /// A container, or a key, that is too long for a 32-bit length.
    #[error("{what} of {length} bytes or elements is too large for one value (limit {limit}); split it into several", limit = u32::MAX)]
    TooLarge {
        /// The thing that was too large.
        what: &'static str,
        /// Its length.
        length: usize,
    },
    /// This process has no memory for a copy of a str, bytes or pickle.
    #[error("no memory in this process for a copy of {length} bytes; nothing was stored")]
    NoMemory {
        /// Its length.
        length: usize,
    },
    /// More or fewer elements were written than announced, or a body was closed that is not the innermost.
    #[error(
        "the elements written do not match the announced number; announce what will be written, or use an open list or map"
    )]
    Unbalanced,
    /// A value without an order, for a place where values are ordered.
    #[error(
        "{class} has no order, by which a priority queue could place it; put a tuple (priority, item) \
         whose priority is a number, a str, bytes, a date, or a tuple of these"
    )]
    NoOrder {
        /// The Python name of its class.
        class: &'static str,
    },
    /// A type's `Serialize` refused.
    #[error("{0}")]
    Custom(String),
}

impl serde::ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Bytes or a word that are no value, or not one of the requested type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A length exceeds the bytes that are left.
    #[error(
        "value at byte {at} needs {needed} more bytes but {left} are left: the block is damaged; `Manager::check` in Rust and `Arena.check` in Python list all damage"
    )]
    Truncated {
        /// Where.
        at: usize,
        /// How many bytes are needed at least.
        needed: u64,
        /// How many there are.
        left: usize,
    },
    /// Bytes after the value.
    #[error(
        "{0} bytes follow the value: the block is damaged; `Manager::check` in Rust and `Arena.check` in Python list all damage"
    )]
    Trailing(usize),
    /// Bytes that no encoder writes.
    #[error(
        "invalid {what} at byte {at}: the block is damaged or was written by another program; `Manager::check` in Rust and `Arena.check` in Python list all damage"
    )]
    Invalid {
        /// The invalid thing.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// An extension type this version does not know.
    #[error(
        "extension type {0} is not known here: the value was written by a newer version; upgrade this process"
    )]
    UnknownExtension(i8),
    /// A str that is not UTF-8.
    #[error(
        "str at byte {at} is not UTF-8: the block is damaged; `Manager::check` in Rust and `Arena.check` in Python list all damage"
    )]
    NotUtf8 {
        /// Where.
        at: usize,
    },
    /// Containers inside one another beyond [`MAX_DEPTH`].
    #[error(
        "value is nested deeper than {MAX_DEPTH} containers, which no encoder writes; `Manager::check` in Rust and `Arena.check` in Python list all damage"
    )]
    TooDeep,
    /// A word of a pattern that no writer produces, or one whose value is in a block.
    #[error(
        "value word {0:#x} holds no inline value; a block's bytes are read with `from_bytes`, other patterns mean damage"
    )]
    NotInline(u64),
    /// The value was written by Python as a pickle.
    #[error(
        "this value was written by Python as a pickle, which Rust does not read; write it as None, bool, int, float, str, bytes, list, dict, tuple or set"
    )]
    Pickled,
    /// The value is a reference to a shared variable.
    #[error(
        "this value is a reference to another shared variable; read it as `HandleRef` or open it through the manager"
    )]
    Handle,
    /// An integer that the requested type cannot hold exactly.
    #[error("integer {value} does not fit {wanted}; read it as a wider type or as `Value`")]
    OutOfRange {
        /// The integer.
        value: String,
        /// The type asked for.
        wanted: &'static str,
    },
    /// A type's `Deserialize` refused.
    #[error("{0}")]
    Custom(String),
}

impl DecodeError {
    /// Returns whether the value may be sound, and is only not of the type that was asked for.
    #[must_use]
    pub fn is_of_type(&self) -> bool {
        matches!(self, Self::Pickled | Self::Handle | Self::OutOfRange { .. } | Self::Custom(_))
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// A value that cannot be a dict key or set element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A mutable container.
    #[error("unhashable type: '{kind}'; use a tuple, or a str or number that names it")]
    Unhashable {
        /// The type's Python name.
        kind: &'static str,
    },
    /// A tuple with a pickled part.
    #[error("a tuple key holds a pickled value; pickle the whole tuple and make an opaque key of it")]
    OpaquePart,
    /// The key could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The encoded key could not be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}
