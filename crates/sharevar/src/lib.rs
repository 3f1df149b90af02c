//! Shared variables for processes.
#![forbid(unsafe_code)]
#![allow(clippy::inline_always)] // One operation is tens of nanoseconds; the figures are in docs/.

mod error;
mod handle;
pub mod shm;

pub use error::{Error, Result};
pub use handle::{Handle, Kind};
pub use sharevar_arena::{Acquired, Identity, Participant, Report, RobustLock, Variable};
