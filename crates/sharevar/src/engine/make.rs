//! Variables that are to be made.

use crate::kind::Kind;
use sharevar_value::Encoded;

/// A variable that an engine is asked to make.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Make<'a> {
    /// An empty dict, set or namespace.
    Map(Kind),
    /// An empty list.
    List,
    /// A value that holds this.
    Value(&'a Encoded),
    /// An array of `count` zeros.
    Array {
        /// The format of an element, as in Python's `struct`.
        format: char,
        /// Bytes of an element: 1, 2, 4 or 8.
        size: u64,
        /// The number of elements.
        count: u64,
    },
}

impl Make<'_> {
    /// Returns what the variable is to be.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Map(kind) => *kind,
            Self::List => Kind::List,
            Self::Value(_) => Kind::Value,
            Self::Array { .. } => Kind::Array,
        }
    }
}
