//! Making the arena of a name.
//!
//! A creator is visible before it looks for others. Of two that work at different entries of one
//! name, the one that became visible later sees the other; so one at most goes on. No process joins
//! a newborn arena, so that a creator which withdraws leaves no other process alone with it.

use crate::entry::Entry;
use crate::error::Error;
use crate::look::{Seen, look};
use crate::mutation::{Mutation, is_seeded};
use crate::record::Record;
use sharevar_arena::{Lifetime, Name, NamedState, Naming, Participant, SegmentArena, VariableOps, crash};
use sharevar_os::memory_segment;
use std::sync::Arc;

/// How to make the arena of a name, if there is none.
#[derive(Debug, Clone, Copy)]
pub struct Creation {
    /// The most memory that its variables may come to take, in bytes.
    pub capacity: Option<u64>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Whether values of no native type may be stored in it as pickles.
    pub allow_pickle: bool,
}

/// An arena that others see, and which is withdrawn unless it comes to live.
struct Newborn {
    arena: Option<SegmentArena>,
}

impl Newborn {
    fn arena(&self) -> &SegmentArena {
        self.arena.as_ref().expect("it is there until it lives")
    }

    fn live(mut self) -> SegmentArena {
        self.arena().set_state(NamedState::Living);
        self.arena.take().expect("it is there until it lives")
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if let Some(arena) = self.arena.take() {
            arena.set_state(NamedState::Withdrawn);
            // One that is not kept is marked already.
            let _ = memory_segment::remove(arena.number());
        }
    }
}

/// Makes the arena of `name`, inside the gate of `entry`; `None` if another process is at it, too.
///
/// `fill` makes what every process is to find in the arena.
pub(crate) fn create<E: From<Error>>(
    entry: &Entry<'_>,
    name: &Name,
    creation: &Creation,
    ops: VariableOps,
    fill: impl Fn(&Arc<Participant>) -> std::result::Result<(), E>,
) -> std::result::Result<Option<(SegmentArena, Arc<Participant>)>, E> {
    if creation.lifetime == Lifetime::Keep && removes_unattached() {
        return Err(Error::NotKept { name: name.as_str().to_owned() }.into());
    }
    let naming = Naming { name: *name, lifetime: creation.lifetime, allow_pickle: creation.allow_pickle };
    let arena = SegmentArena::create(&naming, creation.capacity).map_err(Error::from)?;
    let newborn = Newborn { arena: Some(arena) };
    crash::point();
    if !is_seeded(Mutation::NoSecondLook)
        && !matches!(look(name, Some(newborn.arena().number()))?, Seen::Nothing)
    {
        return Ok(None);
    }
    let participant = newborn.arena().occupy(ops).map_err(Error::from)?;
    fill(&participant)?;
    let arena = newborn.live();
    entry.write(Record::of(arena.id(), arena.number(), creation.lifetime));
    Ok(Some((arena, participant)))
}

/// Whether the kernel removes every segment with its last mapping.
fn removes_unattached() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/shm_rmid_forced").is_ok_and(|text| text.trim() == "1")
}
