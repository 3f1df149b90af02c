//! The named arenas of a user on this machine.

use crate::error::{Error, Result};
use sharevar_arena::{NamedHeader, NamedState, SegmentArena};
use sharevar_os::memory_segment;

/// Returns the header of each named arena of the effective user in this IPC namespace, by name,
/// whatever its layout.
pub fn list() -> Result<Vec<NamedHeader>> {
    let mut found = Vec::new();
    for segment in memory_segment::all()? {
        if NamedHeader::may_be(&segment, None)
            && let Some(header) = NamedHeader::read(&segment)?
            && NamedHeader::may_be(&segment, Some(&header.name))
            && header.state == NamedState::Living
        {
            found.push(header);
        }
    }
    found.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    Ok(found)
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
        Err(sharevar_arena::Error::LayoutMismatch { found, expected }) => {
            Err(Error::LayoutMismatch { name: header.name.as_str().to_owned(), found, expected })
        }
        // Its last process has just gone.
        Err(_) if memory_segment::find(header.number)?.is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
