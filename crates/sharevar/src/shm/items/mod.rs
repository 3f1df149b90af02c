//! Items of all containers: reading them, holding the variables they refer to, taking them out.

pub(crate) mod attempts;
pub(crate) mod block;
pub(crate) mod content;
pub(crate) mod look;
pub(crate) mod new_long;
pub(crate) mod overwrite;
pub(crate) mod segments;
pub(crate) mod source;
pub(crate) mod take_out;
pub(crate) mod target;
pub(crate) mod values;
