//! Where everything in an arena is, and the arena as this process has mapped it.

pub(crate) mod arena;
pub(crate) mod layout;
