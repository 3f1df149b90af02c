//! Where everything in an arena is, and the arena as this process has mapped it.

pub(crate) mod arena;
pub(crate) mod attach;
pub(crate) mod create;
pub(crate) mod layout;
pub(crate) mod named;
pub(crate) mod source;
