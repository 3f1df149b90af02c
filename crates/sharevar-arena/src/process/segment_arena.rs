//! A named arena on the way from its segment to a participant.
//!
//! Until there is a participant, forked children do not get the mapping: the segment of a creator
//! that dies goes with it, and no child keeps memory that it does not know of.

use crate::error::{Error, Result};
use crate::heap::{self, BlockUsage};
use crate::mapping::arena::Arena;
use crate::mapping::attach::map_segment;
use crate::mapping::layout::{PAGE, header};
use crate::mapping::named::{NamedHeader, NamedState, Naming};
use crate::mapping::source::Source;
use crate::process::fork;
use crate::process::fork_gate;
use crate::process::participant::{Participant, VariableOps};
use crate::process::peers::{self, Peer};
use crate::proof::crash::put;
use rustix::io::Errno;
use sharevar_os::{Access, Mapping, MemorySegment, memory_segment};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

/// An arena in a segment, which this process has mapped and is no participant of yet.
#[derive(Debug)]
pub struct SegmentArena {
    arena: Arc<Arena>,
    number: u32,
}

impl SegmentArena {
    /// Makes an arena of that name, newborn. See [`Participant::create_arena`] for the capacity.
    ///
    /// From here on others find it. So whatever the caller asks the kernel next comes after it
    /// for every other process, too.
    pub fn create(naming: &Naming, capacity: Option<u64>) -> Result<Self> {
        let created = Self::over(Arena::create_named(naming, capacity)?)?;
        fence(Ordering::SeqCst);
        Ok(created)
    }

    /// Maps the arena in `segment`.
    pub fn attach(segment: &MemorySegment) -> Result<Self> {
        Self::over(Arena::attach_segment(segment.number, segment.size, Access::ReadWrite)?)
    }

    /// Maps the arena in `segment` for reading only: a store is SIGSEGV.
    pub fn attach_for_reading(segment: &MemorySegment) -> Result<Self> {
        Self::over(Arena::attach_segment(segment.number, segment.size, Access::Read)?)
    }

    /// Maps what is in `segment` for reading only, once for its header and for the arena, which may be of
    /// another layout; `None` if it has no header that is complete.
    pub fn look(segment: &MemorySegment) -> Result<Option<(NamedHeader, Result<Self>)>> {
        let mapping = map_segment(segment.number, segment.size, Access::Read)?;
        let mut page = [0; PAGE as usize];
        mapping.copy_out(0, &mut page);
        let Some(header) = NamedHeader::parse(segment.number, &page) else { return Ok(None) };
        let arena = Arena::over_segment(mapping, segment.number, segment.size).and_then(Self::over);
        Ok(Some((header, arena)))
    }

    fn over(arena: Arena) -> Result<Self> {
        let Source::Segment(number) = arena.source else {
            return Err(Error::NotAnArena { reason: "it is in a memory file" });
        };
        Ok(Self { arena: Arc::new(arena), number })
    }

    /// Number of the segment.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The arena's identity.
    pub fn id(&self) -> [u64; 2] {
        self.arena.id()
    }

    /// Sets the state that others see.
    pub fn set_state(&self, state: NamedState) {
        put(self.arena.table_word(header::STATE), state as u64);
    }

    /// Whether the arena was removed.
    pub fn is_closed(&self) -> bool {
        self.arena.is_closed()
    }

    /// Bytes that may be used.
    pub fn capacity(&self) -> u64 {
        self.arena.capacity()
    }

    /// Bytes of pages in use or once used.
    pub fn used(&self) -> u64 {
        heap::pages_top(&self.arena) * PAGE
    }

    /// As [`Participant::heap_usage`].
    pub fn heap_usage(&self) -> Vec<BlockUsage> {
        heap::usage(&self.arena)
    }

    /// The participants, but for those that are known to be dead.
    pub fn peers(&self) -> Vec<Peer> {
        peers::peers(&self.arena)
    }

    /// Takes a slot. Children that are forked before [`Self::enter`] know nothing of it.
    pub fn occupy(&self, ops: VariableOps) -> Result<Arc<Participant>> {
        Participant::occupy_slot(self.arena.clone(), ops)
    }

    /// A reader of the arena, which takes no slot. Forked children read as it does.
    pub fn read(&self, ops: VariableOps) -> Result<Arc<Participant>> {
        Participant::reader(self.arena.clone(), ops)
    }

    /// Lets forked children have the arena, as participants of their own.
    pub fn enter(self, participant: &Arc<Participant>) -> Result<()> {
        // A fork comes before both or after both.
        let _gate = fork_gate::enter();
        self.arena.give_to_children()?;
        if !self.arena.is_read_only() {
            fork::register(participant);
        }
        Ok(())
    }
}

/// Closes a named arena of whatever layout for all its participants: their operations fail, and
/// its memory goes with the last of them. Gives back whether it was there.
pub fn close_segment(segment: &MemorySegment) -> Result<bool> {
    let memory = {
        // The child of a fork in here would keep the segment alive.
        let _gate = fork_gate::enter();
        let memory = match Mapping::attach(segment.number, segment.size, Access::ReadWrite) {
            Err(sharevar_os::Error::Call { cause: Errno::INVAL | Errno::IDRM, .. }) => return Ok(false),
            memory => memory?,
        };
        memory.keep_from_children()?;
        memory
    };
    if NamedHeader::read(segment)?.is_none() {
        return Ok(false);
    }
    put(memory.word(header::CLOSED), 1);
    crate::proof::crash::point();
    memory_segment::remove(segment.number)?;
    Ok(true)
}
