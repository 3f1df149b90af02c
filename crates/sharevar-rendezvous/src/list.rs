//! The named arenas of a user on this machine.

use crate::error::Result;
use sharevar_arena::{NamedHeader, NamedState};
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
