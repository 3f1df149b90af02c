//! How a variable is named inside of its home.

/// The name of a variable inside of its home: an arena, or a group of variables elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalId {
    /// Its number, a multiple of 16. In an arena: where its header is.
    pub number: u64,
    /// Tells it from others that had, or will have, the same number.
    pub generation: u64,
}
