//! The process that a guard was made in.

use sharevar_arena::Participant;
use sharevar_os::process_epoch;
use std::sync::Arc;

/// Tells a process from those that are forked from it: a child has copies of its parent's guards, and
/// holds nothing by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Owner {
    /// This process, as `participant` of an arena if the variable is in one.
    #[inline]
    pub(crate) fn now(participant: Option<&Arc<Participant>>) -> Self {
        match participant {
            Some(participant) => Self(participant.identity().word()),
            None => Self(process_epoch()),
        }
    }
}
