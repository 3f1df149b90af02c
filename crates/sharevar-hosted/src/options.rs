//! The options of a call.

use std::time::{Duration, Instant};

/// The options of a call, for callers in both languages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// The longest wait for the reply; `None` for as long as the host lives.
    pub timeout: Option<Duration>,
}

impl CallOptions {
    /// The time at which a call that begins now is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }
}
