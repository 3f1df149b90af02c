//! The options of a call.

use std::time::{Duration, Instant};

/// The options of a call, for callers in both languages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// The longest wait for the reply; `None` for as long as the host lives.
    pub timeout: Option<Duration>,
    /// How often the request is sent again that a dead host may have read.
    pub repetition: Repetition,
}

/// How often a request is sent again that a dead host may have read, to the host in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repetition {
    /// Never: a call is carried out at most once.
    #[default]
    Never,
    /// Once: the call may be carried out twice.
    Once,
    /// As often as one that was not read. It finds an object, or takes a reference on it: a reference that a
    /// dead host has counted is gone with it. A host that lives, and has lost the connection alone, has
    /// counted twice, until the session of this process ends.
    Always,
}

impl CallOptions {
    /// The options of requests for the items of a stream: items that were taken are not there again.
    #[must_use]
    pub fn for_items(self) -> Self {
        Self { repetition: Repetition::Never, ..self }
    }

    /// The options of a request that finds an object, or takes a reference on it.
    pub const FOR_OBJECT: Self = Self { timeout: None, repetition: Repetition::Always };

    /// The time at which a call that begins now is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }
}
