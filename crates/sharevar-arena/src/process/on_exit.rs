//! Ending in order: a participant settles the variables that it still holds.
//!
//! The locks of a process that is killed are released. A process that returns from `main`, calls
//! `exit` or drops its participant meant to leave things as they are: a lock that is taken
//! here and released by another process stays taken (hazard 33).

use crate::error::{Error, Result};
use crate::mapping::layout::{header, variable as layout};
use crate::process::participant::Participant;
use crate::process::registry;
use crate::sync::Ordering;

impl Participant {
    /// Runs [`VariableOps::settle_at_exit`](crate::VariableOps::settle_at_exit) for every variable
    /// there is. Not only for those that are referred to from here: a lock taken through a handle
    /// that is gone is still held. May be called more than once.
    pub fn settle_at_exit(&self) -> Result<()> {
        let arena = self.arena();
        if self.identity().is_none() || arena.is_closed() {
            return Ok(());
        }
        let used = arena.table_word(header::VARIABLE_TOP).load(Ordering::Acquire).min(arena.variables());
        for index in 0..used {
            let variable = self.variable_at(arena.regions.variables + index * layout::SIZE)?;
            match (self.ops().settle_at_exit)(self, variable, self.kind_of(variable)) {
                // It went away since it was found, so nothing of it is held.
                Ok(()) | Err(Error::HandleExpired) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Has every participant of this process [settle](Participant::settle_at_exit).
pub fn settle_all_at_exit() {
    for participant in registry::participants() {
        // A damaged arena is left as it is; at exit no caller is left to be told.
        let _ = participant.settle_at_exit();
    }
}

/// The function that `exit` calls.
pub(crate) extern "C" fn at_exit() {
    settle_all_at_exit();
}
