//! A flag.

/// An event.
#[derive(Debug, Default)]
pub(crate) struct EventBody {
    pub(crate) is_set: bool,
    /// How often it was set: a wait ends also if it is cleared again before.
    pub(crate) times: u64,
}
