//! The entries of a place, for programs that look for what is wrong there.

use crate::entry::{Entry, byte};
use crate::error::{Error, Result};
use crate::place::Place;
use crate::sweep::names;
use sharevar_arena::Name;
use sharevar_os::locked_byte;

/// The state of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// Processes have its arena, or it is kept.
    Leading,
    /// Processes have its arena, in another IPC namespace.
    Elsewhere,
    /// It is left of an arena that is gone.
    Left,
    /// It is no file of this user.
    Unsafe,
}

/// Returns the names that have entries in `place`, and whether each leads to an arena. `living` says
/// whether there is an arena of that name in this IPC namespace.
pub fn survey(place: &Place, living: impl Fn(&Name) -> bool) -> Result<Vec<(Name, EntryState)>> {
    let mut surveyed = Vec::new();
    for name in names(place)? {
        let entry = match Entry::open(place, &name, false) {
            Ok(Some(entry)) => entry,
            // It has gone since.
            Ok(None) => continue,
            Err(Error::PlaceUnsafe { .. }) => {
                surveyed.push((name, EntryState::Unsafe));
                continue;
            }
            Err(error) => return Err(error),
        };
        let is_present = locked_byte::is_locked(entry.file(), byte::PRESENCE)?;
        let is_foreign = entry.record().is_some_and(|record| record.is_foreign());
        let state = if living(&name) {
            EntryState::Leading
        } else if is_foreign && is_present {
            EntryState::Elsewhere
        } else if is_present || locked_byte::is_locked(entry.file(), byte::GATE)? {
            // It is being made, or its last process is just ending.
            EntryState::Leading
        } else {
            EntryState::Left
        };
        surveyed.push((name, state));
    }
    Ok(surveyed)
}
