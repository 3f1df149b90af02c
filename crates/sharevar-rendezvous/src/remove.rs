//! Removing the arena of a name, for all processes.

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::gate::{Attempt, Gate, refuse_what_is_elsewhere};
use crate::look::{Seen, look};
use crate::pauses::Pauses;
use crate::place::Place;
use sharevar_arena::{Name, close_segment, crash};
use std::time::Duration;

/// How long other processes are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closes the arena called `name` for all processes and frees the name. Its memory goes with the
/// last process that has it mapped.
///
/// # Errors
/// [`Error::NoSuchManager`] if there is none, [`Error::NameBusy`] if other processes are in the way
/// for ten seconds.
pub fn remove(place: &Place, name: &Name) -> Result<()> {
    let mut pauses = Pauses::within(PATIENCE);
    loop {
        let reason = match Gate::try_enter(place, name, true)? {
            Attempt::Busy => "another process is opening or removing it",
            Attempt::Missing => "its entry is deleted again and again",
            Attempt::Entered(gate) => match gate.entry(place, name)? {
                None => "its entry is deleted again and again",
                Some(entry) => match remove_inside(&entry)? {
                    Ok(()) => return Ok(()),
                    Err(reason) => reason,
                },
            },
        };
        if !pauses.pause() {
            return Err(Error::NameBusy {
                name: name.as_str().to_owned(),
                path: place.path_of(name),
                reason,
            });
        }
    }
}

fn remove_inside(entry: &Entry<'_>) -> Result<std::result::Result<(), &'static str>> {
    match look(entry.name(), None)? {
        Seen::Newborn => return Ok(Err("another process is making it")),
        Seen::Living(segment, _) => {
            crash::point();
            if !close_segment(&segment)? {
                return Ok(Err("it goes again and again"));
            }
        }
        Seen::Nothing => {
            if let Some(record) = entry.record() {
                refuse_what_is_elsewhere(entry, &record)?;
            }
            entry.unlink()?;
            return Err(Error::NoSuchManager { name: entry.name().as_str().to_owned(), path: entry.path() });
        }
    }
    entry.unlink()?;
    Ok(Ok(()))
}
