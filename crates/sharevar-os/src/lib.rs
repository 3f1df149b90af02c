//! Primitives of Linux for memory that processes share.
//!
//! Mappings and their bounds, futexes, facts that show which processes live, hooks around
//! `fork`, and limits. This crate knows no arena and no protocol.
//!
//! All `unsafe` code about shared memory is here, behind a safe API: a word is always an
//! atomic, every bit pattern of it is valid, and an offset is checked against the mapping.
#![deny(unsafe_code)]

mod close_on_fork;
mod descriptor;
mod error;
mod fork_hooks;
pub mod futex;
pub mod locked_byte;
mod mapping;
mod memory_file;
pub mod memory_limit;
pub mod memory_segment;
pub mod namespace;
mod pages;
mod process_epoch;
mod process_limits;
pub mod process_mark;
mod random;
pub mod segment;
mod standard_streams;
mod wide_copy;
mod window;
mod wipe_on_fork;

pub use close_on_fork::CloseOnFork;
pub use descriptor::Descriptor;
pub use error::{Error, Result};
pub use fork_hooks::{at_exit, at_fork};
pub use locked_byte::LockedByte;
pub use mapping::{Access, Mapping, PAGE, kernel_page};
pub use memory_file::memory_file;
pub use memory_segment::MemorySegment;
pub use pages::Pages;
pub use process_epoch::process_epoch;
pub use process_limits::{ProcessLimits, file_limit_below};
pub use random::random_bytes;
pub use segment::Segment;
pub use standard_streams::off_standard_streams;
pub use window::Window;
pub use wipe_on_fork::WipeOnForkPage;
