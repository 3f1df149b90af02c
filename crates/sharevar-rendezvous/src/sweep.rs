//! Removing the entries that lead to no arena.
//!
//! A process that is killed, or ends without leaving, takes its memory along and leaves its entry.
//! A name that is used again finds the entry empty; one that is not, such as that of a run, would
//! keep it for ever.

use crate::entry::{Entry, byte};
use crate::error::{Error, Result, os};
use crate::gate::{Attempt, Gate, refuse_what_is_elsewhere};
use crate::look::{Seen, look};
use crate::pauses::random;
use crate::place::Place;
use rustix::fs::Dir;
use sharevar_arena::{Name, NamedHeader};
use sharevar_os::{locked_byte, memory_segment};

/// Looks at `most` entries of `place` and removes those that lead to no arena. Returns how many it
/// has removed. It waits for no process: an entry that another one is working at stays.
///
/// It begins anywhere, so that calls which look at a few entries come to all of them in time.
pub fn sweep(place: &Place, most: usize) -> Result<usize> {
    let mut names = names(place)?;
    let first = (random() * names.len() as f64) as usize % names.len().max(1);
    names.rotate_left(first);
    let mut removed = 0;
    for name in names.iter().take(most) {
        match remove_if_empty(place, name) {
            Ok(is_removed) => removed += usize::from(is_removed),
            // It is not ours to judge.
            Err(Error::NameUnreachable { .. } | Error::PlaceUnsafe { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// The names that have entries.
pub(crate) fn names(place: &Place) -> Result<Vec<Name>> {
    let Some(directory) = place.open(false)? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in Dir::read_from(&directory).map_err(os("getdents"))? {
        let entry = entry.map_err(os("getdents"))?;
        names.extend(entry.file_name().to_str().ok().and_then(Name::new));
    }
    Ok(names)
}

fn remove_if_empty(place: &Place, name: &Name) -> Result<bool> {
    let Some(entry) = Entry::open(place, name, false)? else { return Ok(false) };
    // Nearly all are in use: their gates are left alone.
    if may_lead_to_an_arena(&entry)? {
        return Ok(false);
    }
    drop(entry);
    let Attempt::Entered(gate) = Gate::try_enter(place, name, false)? else { return Ok(false) };
    let Some(entry) = gate.entry(place, name)? else { return Ok(false) };
    if may_lead_to_an_arena(&entry)? || !matches!(look(name, None)?, Seen::Nothing) {
        return Ok(false);
    }
    entry.unlink()?;
    Ok(true)
}

/// Whether a segment that the record leads to may have the name, or an arena may live where this
/// process cannot look.
///
/// It maps nothing: a last leaver would take the mapping for another process, and leave the entry.
fn may_lead_to_an_arena(entry: &Entry<'_>) -> Result<bool> {
    if let Some(record) = entry.record() {
        let segment = memory_segment::find(record.number)?;
        if segment.is_some_and(|segment| NamedHeader::may_be(&segment, Some(entry.name()))) {
            return Ok(true);
        }
        refuse_what_is_elsewhere(entry, &record)?;
    }
    // Its record could not be written, perhaps.
    Ok(locked_byte::is_locked(entry.file(), byte::PRESENCE)?)
}
