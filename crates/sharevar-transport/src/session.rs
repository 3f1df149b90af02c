//! The session of a client process.

use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_os::process_epoch;
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
            _ => known.insert((process, Self(random()))).1,
        }
    }
}

/// Returns an unpredictable number.
pub(crate) fn random() -> u128 {
    u128::from_le_bytes(random_bytes())
}

/// Returns unpredictable bytes.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        // The call can be interrupted only at boot, before the kernel's generator is ready.
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).unwrap_or(0);
    }
    bytes
}
