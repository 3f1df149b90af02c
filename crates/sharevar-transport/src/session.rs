//! The session of a client process.

use sharevar_os::{process_epoch, random_bytes};
use std::sync::{Mutex, PoisonError};

/// The random number of a client process. A host counts references for each session. A forked
/// child is another than its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session(pub u128);

static OF_PROCESS: Mutex<Option<(u64, Session)>> = Mutex::new(None);

impl Session {
    /// Returns the session of this process.
    pub fn of_this_process() -> Self {
        let process = process_epoch();
        let mut known = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((of, session)) if of == process => session,
            _ => known.insert((process, Self(u128::from_le_bytes(random_bytes())))).1,
        }
    }
}
