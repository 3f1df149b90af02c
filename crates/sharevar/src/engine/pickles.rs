//! Whether values of no native type are kept.

/// Tells whether values of no native type are kept in a home, as pickles. Reading one runs code that its
/// writer has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pickles {
    /// Whether the process that made the home allows them to all.
    pub are_allowed: bool,
    /// Whether this process stores and reads them there.
    pub are_accepted: bool,
}

impl Pickles {
    /// Those of a home that strangers have no part in.
    pub const ACCEPTED: Self = Self { are_allowed: true, are_accepted: true };
}
