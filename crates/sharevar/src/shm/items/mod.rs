//! What all containers do with their items: read them, hold what they refer to, take them out.

pub(crate) mod attempts;
pub(crate) mod content;
pub(crate) mod look;
pub(crate) mod segments;
pub(crate) mod source;
pub(crate) mod take_out;
