//! The search for a name in the kernel's list of segments.

use crate::error::Result;
use crate::mutation::{Mutation, is_seeded};
use sharevar_arena::{Name, NamedHeader, NamedState};
use sharevar_os::{MemorySegment, memory_segment, segment};

/// The arena of a name, as the kernel's list shows it.
#[derive(Debug)]
pub(crate) enum Seen {
    Nothing,
    /// A process is making one, and gives way if it finds another.
    Newborn,
    Living(MemorySegment, NamedHeader),
}

/// Looks for an arena called `name` in all segments but number `except`. Removes on the way the
/// segments whose makers were killed half-way.
pub(crate) fn look(name: &Name, except: Option<u32>) -> Result<Seen> {
    let blind =
        [Mutation::NoLook, Mutation::NoLookNorRecheck, Mutation::NoLookNorGate, Mutation::NoLookNorQuestion];
    if blind.into_iter().any(is_seeded) {
        return Ok(Seen::Nothing);
    }
    let mut seen = Seen::Nothing;
    for segment in memory_segment::all()? {
        if !NamedHeader::may_be(&segment, None) {
            sweep_sign_of_life(&segment)?;
            continue;
        }
        let is_other = Some(segment.number) != except;
        if !is_other || !(NamedHeader::may_be(&segment, Some(name)) || is_half_made(&segment)) {
            continue;
        }
        match NamedHeader::read(&segment)? {
            None if is_half_made(&segment) && segment.is_orphan() => remove(&segment)?,
            Some(header) if header.state == NamedState::Living && header.name == *name => {
                return Ok(Seen::Living(segment, header));
            }
            Some(header) if header.state == NamedState::Newborn => {
                // Its creator has it attached from before it was complete.
                let is_lost = memory_segment::find(segment.number)?.is_none_or(|now| !now.is_attached);
                if is_lost {
                    remove(&segment)?;
                } else if header.name == *name {
                    seen = Seen::Newborn;
                }
            }
            // Whichever process gave it up was killed before it could mark it for removal.
            Some(header) if header.state != NamedState::Living && is_half_made(&segment) => remove(&segment)?,
            _ => {}
        }
    }
    Ok(seen)
}

/// Whether a segment of ours may be one that no process has finished or can find by number.
fn is_half_made(segment: &MemorySegment) -> bool {
    (segment.key >> 16) as u16 == memory_segment::KEY_PREFIX && !segment.is_attached && !segment.is_marked
}

/// A sign of life whose maker was killed before it was marked for removal shows no life.
fn sweep_sign_of_life(sign: &MemorySegment) -> Result<()> {
    let is_sign = (sign.key >> 16) as u16 == segment::KEY_PREFIX && sign.size <= segment::Mark::MAX_SIZE;
    let is_own = sign.owner == rustix::process::geteuid().as_raw();
    if is_sign && is_own && !sign.is_attached && sign.is_orphan() {
        remove(sign)?;
    }
    Ok(())
}

/// Another process may have done it already.
fn remove(segment: &MemorySegment) -> Result<()> {
    match memory_segment::remove(segment.number) {
        Err(error) if memory_segment::find(segment.number)?.is_some() => Err(error.into()),
        _ => Ok(()),
    }
}
