//! Mapping an arena that another process has made.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{LAYOUT, MAGIC, PAGE, RESERVATION_UNIT, Regions, header, lane};
use crate::mapping::source::Source;
use crate::process::fork_gate;
use sharevar_os::{Access, Descriptor, Mapping};
use std::os::fd::OwnedFd;

/// The first bytes of an arena.
type Start = [u8; header::LANE_ROOM as usize + 8];

/// A header that contradicts neither itself nor the length of the memory.
struct Checked {
    regions: Regions,
    capacity: u64,
    id: [u64; 2],
    seed: u64,
}

impl Checked {
    /// Reads the header of an arena in `len` bytes of memory.
    fn read(start: &Start, len: u64) -> Result<Self> {
        let word = |at: u64| u64::from_le_bytes(start[at as usize..][..8].try_into().expect("eight bytes"));
        if word(header::MAGIC) != MAGIC {
            return Err(Error::NotAnArena { reason: "its first bytes are not SHAREVAR" });
        }
        if word(header::LAYOUT) != LAYOUT {
            return Err(Error::LayoutMismatch { found: word(header::LAYOUT), expected: LAYOUT });
        }
        if word(header::RESERVATION) != len {
            return Err(Error::NotAnArena { reason: "its header names another size than the memory has" });
        }
        let lanes = u32::try_from(word(header::LANE_ROOM)).unwrap_or(u32::MAX);
        if lanes == 0 || lanes > lane::MAX {
            return Err(Error::NotAnArena { reason: "its header names an impossible number of lanes" });
        }
        let regions = Regions::of(len, lanes);
        let capacity = word(header::CAPACITY);
        if regions.pages >= regions.end || capacity > regions.end - regions.pages {
            return Err(Error::NotAnArena { reason: "its header names a capacity beyond its end" });
        }
        let id = [word(header::ID), word(header::ID + 8)];
        Ok(Self { regions, capacity, id, seed: word(header::SEED) })
    }

    fn arena(self, mapping: Mapping, source: Source) -> Result<Arena> {
        let arena = Arena::over(mapping, source, self.regions, self.capacity, self.id, self.seed)?;
        arena.refresh();
        Ok(arena)
    }
}

impl Arena {
    /// Maps the arena that `file` leads to, whatever it turns out to be.
    pub(crate) fn attach(file: OwnedFd) -> Result<Self> {
        let descriptor = Descriptor::new(file)?;
        let len = descriptor
            .with(|file| rustix::fs::fstat(file))?
            .map_err(Error::os("fstat"))?
            .st_size
            .unsigned_abs();
        if len < lane::START {
            return Err(Error::NotAnArena { reason: "the file is too short" });
        }
        let mut start: Start = [0; header::LANE_ROOM as usize + 8];
        descriptor
            .with(|file| rustix::io::pread(file, &mut start, 0))?
            .map_err(|_| Error::NotAnArena { reason: "the file cannot be read" })?;
        let header = Checked::read(&start, len)?;
        let mapping = descriptor.with(|file| Mapping::map(file, len))??;
        header.arena(mapping, Source::File(descriptor))
    }

    /// Maps the arena in segment `number` of `size` bytes, which forked children do not get.
    pub(crate) fn attach_segment(number: u32, size: u64, access: Access) -> Result<Self> {
        Self::over_segment(map_segment(number, size, access)?, number, size)
    }

    /// The arena in the mapping of a whole segment.
    pub(crate) fn over_segment(mapping: Mapping, number: u32, size: u64) -> Result<Self> {
        let mut start: Start = [0; header::LANE_ROOM as usize + 8];
        mapping.copy_out(0, &mut start);
        let reservation = size.next_multiple_of(RESERVATION_UNIT);
        Checked::read(&start, reservation)?.arena(mapping, Source::Segment(number))
    }
}

/// Maps segment `number` of `size` bytes, which forked children do not get. Its first page is there.
pub(crate) fn map_segment(number: u32, size: u64, access: Access) -> Result<Mapping> {
    let mapping = {
        // As in `create_in_segment`.
        let _gate = fork_gate::enter();
        let mapping = Mapping::attach(number, size, access)?;
        mapping.keep_from_children()?;
        mapping
    };
    match access {
        Access::Read => {
            mapping.populate_for_reading(0, PAGE).map_err(Error::os("madvise(POPULATE_READ)"))?;
        }
        Access::ReadWrite => mapping.populate(0, PAGE).map_err(Error::os("madvise(POPULATE_WRITE)"))?,
    }
    Ok(mapping)
}
