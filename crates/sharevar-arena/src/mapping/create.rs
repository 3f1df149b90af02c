//! Making an arena: in a memory file, or in a segment if it has a name.

use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{LAYOUT, MAGIC, MOST_CAPACITY, PAGE, Regions, header};
use crate::mapping::named::{Lifetime, NamedState, Naming};
use crate::mapping::source::Source;
use crate::process::fork_gate;
use crate::proof::crash;
use crate::sync::Ordering;
use sharevar_os::{Access, Descriptor, Mapping, ProcessLimits, memory_file, memory_limit, memory_segment};

/// The least capacity: one span for a few size classes and some room.
const LEAST_CAPACITY: u64 = 512 << 10;

impl Arena {
    /// Makes a new arena in a memory file of its own. The default capacity is what this process
    /// may have: less than half of the memory if some limit says so.
    ///
    /// # Errors
    /// A capacity that was asked for and cannot be had; not even the least one can be had.
    pub(crate) fn create(capacity: Option<u64>) -> Result<Self> {
        Self::create_within(ProcessLimits::of_files(), capacity, Self::create_in_file)
    }

    /// Makes a new arena in a segment, which forked children do not get, and in the state of one
    /// that is newborn. See [`Self::create`] for the capacity.
    pub(crate) fn create_named(naming: &Naming, capacity: Option<u64>) -> Result<Self> {
        Self::create_within(ProcessLimits::of_segments(), capacity, |capacity, lanes| {
            Self::create_in_segment(naming, capacity, lanes)
        })
    }

    fn create_within(
        limits: ProcessLimits,
        capacity: Option<u64>,
        create_of: impl Fn(u64, u32) -> Result<Self>,
    ) -> Result<Self> {
        // By default they take a quarter of what the arena takes, and not all of it.
        let most = if capacity.is_some() { limits.most() } else { limits.most_of_default() };
        let lanes = Regions::lanes_within(most);
        if let Some(capacity) = capacity {
            if capacity < LEAST_CAPACITY {
                return Err(Error::CapacityTooSmall { asked: capacity, least: LEAST_CAPACITY });
            }
            if capacity > MOST_CAPACITY {
                return Err(Error::CapacityTooLarge { asked: capacity, most: MOST_CAPACITY });
            }
            return create_of(capacity, lanes);
        }
        let within = Regions::capacity_within(most, lanes).max(LEAST_CAPACITY);
        let mut capacity = memory_limit::default_capacity().min(within);
        loop {
            match create_of(capacity, lanes) {
                // The limits may be read wrongly, or not at all.
                Err(Error::ReservationRefused { .. } | Error::SegmentRefused { .. })
                    if capacity > LEAST_CAPACITY =>
                {
                    capacity = (capacity / 2 / PAGE * PAGE).max(LEAST_CAPACITY);
                }
                made => return made,
            }
        }
    }

    fn create_in_file(capacity: u64, lanes: u32) -> Result<Self> {
        let reservation = Regions::reservation_for(capacity, lanes);
        let descriptor = Descriptor::new(memory_file("sharevar", reservation)?)?;
        let mapping = descriptor.with(|file| Mapping::map(file, reservation))??;
        Self::format(mapping, Source::File(descriptor), capacity, lanes, &[])
    }

    fn create_in_segment(naming: &Naming, capacity: u64, lanes: u32) -> Result<Self> {
        let size = Regions::reservation_for(capacity, lanes) - naming.name.size_mark();
        let (number, mapping) = {
            // The child of a fork in here would keep a segment alive that no participant has.
            let _gate = fork_gate::enter();
            crash::point();
            let number = memory_segment::create(size)?;
            crash::point();
            let attached = Mapping::attach(number, size, Access::ReadWrite)
                .and_then(|mapping| mapping.keep_from_children().map(|()| mapping));
            crash::point();
            if attached.is_err() || naming.lifetime == Lifetime::WhileUsed {
                memory_segment::remove(number)?;
            }
            (number, attached?)
        };
        crash::point();
        let name = (header::NAME..).step_by(8).zip(naming.name.words());
        let words: Vec<_> = name
            .chain([
                (header::LIFETIME, naming.lifetime as u64),
                (header::ALLOW_PICKLE, u64::from(naming.allow_pickle)),
                (header::STATE, NamedState::Newborn as u64),
            ])
            .collect();
        Self::format(mapping, Source::Segment(number), capacity, lanes, &words)
    }

    /// Makes fresh memory an arena.
    fn format(
        mapping: Mapping,
        source: Source,
        capacity: u64,
        lanes: u32,
        naming: &[(u64, u64)],
    ) -> Result<Self> {
        let reservation = mapping.len();
        let regions = Regions::of(reservation, lanes);
        let mut random = [0_u8; 24];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(Error::os("getrandom"))?;
        let word = |i: usize| u64::from_le_bytes(random[i * 8..][..8].try_into().expect("eight bytes"));
        mapping.populate(0, PAGE).map_err(|cause| {
            Error::populate(cause, || Error::OutOfSharedMemory { asked: PAGE, free: 0, limit: capacity })
        })?;
        for (at, value) in naming {
            mapping.word(*at).store(*value, Ordering::Release);
        }
        for (at, value) in [
            (header::LAYOUT, LAYOUT),
            (header::ID, word(0)),
            (header::ID + 8, word(1)),
            (header::RESERVATION, reservation),
            (header::CAPACITY, capacity),
            (header::SEED, word(2)),
            (header::LANE_ROOM, u64::from(lanes)),
            (header::PUBLISHED, regions.pages),
            (header::MAGIC, MAGIC),
        ] {
            mapping.word(at).store(value, Ordering::Release);
        }
        Self::over(mapping, source, regions, capacity, [word(0), word(1)], word(2))
    }
}
