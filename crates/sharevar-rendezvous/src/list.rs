//! The named arenas of a user on this machine.

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::place::Place;
use crate::sweep::names;
use sharevar_arena::{Lifetime, NamedHeader, NamedState, SegmentArena};
use sharevar_os::{MemorySegment, memory_segment};

/// Returns the header of each named arena of the effective user in this IPC namespace, by name,
/// whatever its layout. The lifetime is the one that it has by now.
pub fn list() -> Result<Vec<NamedHeader>> {
    let (mut found, unreadable) = read_all(NamedHeader::read, |header| header)?;
    found.extend(by_records(unreadable)?.into_iter().map(|(header, _)| header));
    found.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    Ok(found)
}

/// Looks at each arena that [`list`] finds, which is mapped once, for reading only, or cannot be. Returns
/// what `look` does, by name.
pub fn look_at_all<R>(look: impl Fn(&NamedHeader, Result<&SegmentArena>) -> R) -> Result<Vec<R>> {
    let looked = |(header, arena): (NamedHeader, sharevar_arena::Result<SegmentArena>)| {
        let arena = arena.as_ref().map_err(|error| refusal(&header, error.clone()));
        (header.name, look(&header, arena))
    };
    let (mut found, unreadable) = read_all(SegmentArena::look, looked)?;
    for (header, error) in by_records(unreadable)? {
        found.push((header.name, look(&header, Err(error.into()))));
    }
    found.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(found.into_iter().map(|(_, looked)| looked).collect())
}

/// A segment that may be an arena's, and cannot be mapped.
type Unreadable = (MemorySegment, sharevar_arena::Error);

/// Reads all segments that may be those of living arenas. The second list has those that cannot be read.
fn read_all<T: HasHeader, R>(
    read: impl Fn(&MemorySegment) -> sharevar_arena::Result<Option<T>>,
    found: impl Fn(T) -> R,
) -> Result<(Vec<R>, Vec<Unreadable>)> {
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    for segment in memory_segment::all()? {
        if !NamedHeader::may_be(&segment, None) {
            continue;
        }
        match read(&segment) {
            Ok(Some(mut one)) if is_living(one.header(), &segment) => {
                // An administrator has marked it (`ipcrm`): it is kept no longer.
                if segment.is_marked {
                    one.header_mut().lifetime = Lifetime::WhileUsed;
                }
                all.push(found(one));
            }
            Ok(_) => {}
            Err(error) => unreadable.push((segment, error)),
        }
    }
    Ok((all, unreadable))
}

trait HasHeader {
    fn header(&self) -> &NamedHeader;
    fn header_mut(&mut self) -> &mut NamedHeader;
}

impl HasHeader for NamedHeader {
    fn header(&self) -> &NamedHeader {
        self
    }

    fn header_mut(&mut self) -> &mut NamedHeader {
        self
    }
}

impl<T> HasHeader for (NamedHeader, T) {
    fn header(&self) -> &NamedHeader {
        &self.0
    }

    fn header_mut(&mut self) -> &mut NamedHeader {
        &mut self.0
    }
}

fn is_living(header: &NamedHeader, segment: &MemorySegment) -> bool {
    NamedHeader::may_be(segment, Some(&header.name)) && header.state == NamedState::Living
}

/// The arenas in segments that this process cannot map, as the entries of names tell of them. They are too
/// large for its limits, for example.
fn by_records(mut unreadable: Vec<Unreadable>) -> Result<Vec<(NamedHeader, sharevar_arena::Error)>> {
    // Those that are gone could not be mapped either.
    unreadable.retain(|(segment, _)| matches!(memory_segment::find(segment.number), Ok(Some(_))));
    let mut found = Vec::new();
    if unreadable.is_empty() {
        return Ok(found);
    }
    let place = Place::of_this_user();
    for name in names(&place)? {
        let Ok(Some(entry)) = Entry::open(&place, &name, false) else { continue };
        let Some(record) = entry.record().filter(|record| !record.is_foreign()) else { continue };
        let is_its = |(segment, _): &Unreadable| {
            segment.number == record.number && NamedHeader::may_be(segment, Some(&name))
        };
        if let Some(at) = unreadable.iter().position(is_its) {
            let (segment, error) = unreadable.swap_remove(at);
            let (id, lifetime, state) = (record.id, record.lifetime, NamedState::Living);
            // Its layout is not known, and is of no account for what cannot be mapped.
            found.push((NamedHeader { number: segment.number, layout: 0, id, name, state, lifetime }, error));
        }
    }
    Ok(found)
}

fn refusal(header: &NamedHeader, error: sharevar_arena::Error) -> Error {
    match error {
        sharevar_arena::Error::LayoutMismatch { found, expected } => {
            Error::LayoutMismatch { name: header.name.as_str().to_owned(), found, expected }
        }
        error => error.into(),
    }
}

/// Maps the arena of a listed header without taking part in it; `None` if it is gone. It stays as long
/// as this is kept.
///
/// # Errors
/// [`Error::LayoutMismatch`] if it is of another layout.
pub fn map(header: &NamedHeader) -> Result<Option<SegmentArena>> {
    let segment = memory_segment::find(header.number)?;
    let Some(segment) = segment.filter(|found| NamedHeader::may_be(found, Some(&header.name))) else {
        return Ok(None);
    };
    match SegmentArena::attach(&segment) {
        Ok(arena) => Ok((arena.id() == header.id && !arena.is_closed()).then_some(arena)),
        // Its last process has just gone.
        Err(_) if memory_segment::find(header.number)?.is_none() => Ok(None),
        Err(error) => Err(refusal(header, error)),
    }
}
