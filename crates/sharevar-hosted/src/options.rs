//! The options of a call.

use std::time::{Duration, Instant};

/// The options of a call, for callers in both languages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// The longest wait for the reply; `None` for as long as the host lives.
    pub timeout: Option<Duration>,
    /// Whether the call may be carried out twice: if its host dies after it has read the request, it
    /// is made once more, at the host that takes its place.
    pub is_idempotent: bool,
}

impl CallOptions {
    /// The options of requests for the items of a stream: items that were taken are not there again.
    #[must_use]
    pub fn for_items(self) -> Self {
        Self { is_idempotent: false, ..self }
    }

    /// The time at which a call that begins now is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }
}
