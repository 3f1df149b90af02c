//! Programs that hold managers, and the command run on them.
#![allow(dead_code)] // Each test program uses a part.

pub(crate) mod command;
pub(crate) mod holder;
pub(crate) mod layout;
