//! The containers: each kind with its operations, and how such a variable ends.

pub(crate) mod array;
mod as_engine;
pub(crate) mod cell;
pub(crate) mod dict;
pub(crate) mod list;
pub(crate) mod monitor;
pub(crate) mod priority_queue;
pub(crate) mod queue;
pub(crate) mod queue_frame;
