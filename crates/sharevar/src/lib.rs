//! Shared variables for processes.
#![forbid(unsafe_code)]

mod error;
mod handle;
pub mod shm;

pub use error::{Error, Result};
pub use handle::{Handle, Kind};
pub use sharevar_arena::{Acquired, Identity, Participant, Report, RobustLock, Variable};
