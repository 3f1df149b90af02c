//! Where everything in an arena is. `docs/arena-format.md` draws the same in words.
//!
//! Offsets are bytes from the start of the arena. Any change here changes
//! [`LAYOUT`] and that document in the same commit.

/// `"SHAREVAR"` as a little-endian word.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"SHAREVAR");

/// Layout version in the upper half, fingerprint of the constants below in the lower.
pub(crate) const LAYOUT: u64 = (9 << 32)
    | fingerprint(&[
        PAGE,
        slot::SIZE,
        slot::MAX as u64,
        lane::SIZE,
        lane::MAX as u64,
        lane::NOTES,
        lane::NOTES_INLINE,
        header::RUN_LOCK,
        header::CLASSES,
        CLASS_SIZES.len() as u64,
        variable::SIZE,
        span::PAGES,
    ]);

const fn fingerprint(words: &[u64]) -> u64 {
    // FNV-1a over the words, folded to 32 bits: a mark that two layouts differ, nothing more.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut i = 0;
    while i < words.len() {
        hash = (hash ^ words[i]).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    (hash ^ (hash >> 32)) & 0xffff_ffff
}

/// The unit of page runs and of the kernel.
pub(crate) const PAGE: u64 = 4096;

/// The arena's first page.
pub(crate) mod header {
    pub(crate) const MAGIC: u64 = 0x00;
    pub(crate) const LAYOUT: u64 = 0x08;
    /// 128-bit identity, two words.
    pub(crate) const ID: u64 = 0x10;
    /// Bytes of address space, the same in every process.
    pub(crate) const RESERVATION: u64 = 0x20;
    /// Bytes of pages that may be published.
    pub(crate) const CAPACITY: u64 = 0x28;
    /// Seed of the key hash.
    pub(crate) const SEED: u64 = 0x30;
    /// 1 once the manager was shut down.
    pub(crate) const CLOSED: u64 = 0x38;
    /// Whatever the layer above wants every process to find: the root variable.
    pub(crate) const ROOT: u64 = 0x40;
    /// How many lanes there is room for.
    pub(crate) const LANE_ROOM: u64 = 0x48;
    // Of an arena that has a name; all 0 in others. MAGIC, CLOSED, STATE and NAME are at these
    // places in every version: a name is found whatever version its arena has.
    /// [`crate::mapping::named`]: whether it is complete, and whether it still counts.
    pub(crate) const STATE: u64 = 0x50;
    /// How long the arena lives.
    pub(crate) const LIFETIME: u64 = 0x58;
    /// 1 if values may be stored as pickles.
    pub(crate) const ALLOW_PICKLE: u64 = 0x60;
    /// 64 bytes, filled up with zeros.
    pub(crate) const NAME: u64 = 0x700;

    // Read mostly; each only ever grows, by compare-and-exchange, and is never journaled.
    /// End of the populated pages, as an offset.
    pub(crate) const PUBLISHED: u64 = 0x80;
    /// Variable headers that are populated.
    pub(crate) const VARIABLES: u64 = 0x88;
    /// Lanes that are populated.
    pub(crate) const LANES: u64 = 0x90;
    /// Slots that are populated.
    pub(crate) const SLOTS: u64 = 0x98;

    /// The last incarnation given out; fetch-and-add, never journaled.
    pub(crate) const INCARNATION: u64 = 0xC0;
    /// Lanes whose frees are left to the next sweep; a hint, never journaled.
    pub(crate) const ORPHANS: u64 = 0xC8;
    /// Lanes recovered so far, and how many of them had an open journal; fetch-and-add.
    pub(crate) const RECOVERIES: u64 = 0xD0;
    pub(crate) const OPEN_JOURNALS: u64 = 0xD8;

    // Page runs: lock, first page never used, heads of the free lists by power of two.
    pub(crate) const RUN_LOCK: u64 = 0x100;
    pub(crate) const RUN_TOP: u64 = 0x108;
    pub(crate) const RUN_FREE: u64 = 0x110;
    pub(crate) const RUN_BUCKETS: u64 = 32;

    /// Size classes, one cache line each: lock, head of the list of spans with room.
    pub(crate) const CLASSES: u64 = 0x240;
    pub(crate) const CLASS_SIZE: u64 = 64;
    pub(crate) const CLASS_LOCK: u64 = 0;
    pub(crate) const CLASS_PARTIAL: u64 = 8;

    // Variable headers: lock, list of free ones, first never used, list of dying ones.
    pub(crate) const VARIABLE_LOCK: u64 = 0xC00;
    pub(crate) const VARIABLE_FREE: u64 = 0xC08;
    pub(crate) const VARIABLE_TOP: u64 = 0xC10;
    pub(crate) const VARIABLE_DYING: u64 = 0xC18;
}

/// A participant's slot.
pub(crate) mod slot {
    pub(crate) const START: u64 = super::PAGE;
    pub(crate) const SIZE: u64 = 64;
    pub(crate) const MAX: u32 = 4096;
    /// Slots from here on are taken only to sweep a table in which all others are taken: a process
    /// that attaches needs a slot before it can clean one.
    pub(crate) const ORDINARY: u32 = MAX - 8;
    /// [`crate::process::identity`] word: free, live, or being cleaned and by whom.
    pub(crate) const STATE: u64 = 0x00;
    /// The identity of the participant that has (or had) the slot, while it is cleaned too.
    pub(crate) const OWNER: u64 = 0x08;
    /// Process id in the lower half, inode of its pid namespace in the upper (0 is unknown).
    pub(crate) const PID: u64 = 0x10;
    /// Number of the arena's descriptor in that process.
    pub(crate) const DESCRIPTOR: u64 = 0x18;
    /// First chunk of the references that the participant holds.
    pub(crate) const REFERENCES: u64 = 0x20;
    /// [`crate::process::token`] word: by which witnesses the participant can be told alive from dead.
    pub(crate) const TOKEN: u64 = 0x28;
    /// Inode of the process's pidfd; 0 if it has none of its own, or is not known yet.
    pub(crate) const BIRTH: u64 = 0x30;
    /// Size and key of a segment that the participant is about to make, else 0.
    pub(crate) const MAKING: u64 = 0x38;
}

/// A lane: what one thread inside an operation needs to be undone or finished.
pub(crate) mod lane {
    pub(crate) const START: u64 = super::slot::START + super::slot::SIZE * super::slot::MAX as u64;
    pub(crate) const SIZE: u64 = 16 * 1024;
    /// More than there are slots: each participant keeps one or two.
    pub(crate) const MAX: u32 = 4096 + 512;
    /// Room for so many there is in the smallest arena.
    pub(crate) const LEAST: u32 = 64;
    /// [`crate::process::identity`] word: free, idle, running, being recovered and by whom, orphaned.
    pub(crate) const STATE: u64 = 0x00;
    /// [`crate::transactions::journal`] word: phase and counts.
    pub(crate) const JOURNAL: u64 = 0x08;
    /// Notes of the heap transaction under way.
    pub(crate) const INNER: u64 = 0x10;
    /// Kernel thread id, for display.
    pub(crate) const THREAD: u64 = 0x18;
    /// Variables whose short lock is wanted or held.
    pub(crate) const LOCKS: u64 = 0x20;
    pub(crate) const MAX_LOCKS: usize = 8;
    /// Heap locks wanted or held.
    pub(crate) const INNER_LOCKS: u64 = 0x60;
    pub(crate) const MAX_INNER_LOCKS: usize = 2;
    /// Blocks that continue the lists below when they are full.
    pub(crate) const MORE_NOTES: u64 = 0x70;
    pub(crate) const MORE_ALLOCATED: u64 = 0x78;
    pub(crate) const MORE_TO_FREE: u64 = 0x80;
    /// Notes of the heap transaction: pairs of offset and old word.
    pub(crate) const INNER_NOTES: u64 = 0x100;
    pub(crate) const MAX_INNER_NOTES: u64 = 48;
    /// Blocks allocated in this transaction, given back if it does not commit.
    pub(crate) const ALLOCATED: u64 = 0x400;
    /// Blocks and references to be given up once it has committed.
    pub(crate) const TO_FREE: u64 = 0x800;
    pub(crate) const LIST_INLINE: u64 = 128;
    /// Notes: pairs of offset and old word.
    pub(crate) const NOTES: u64 = 0xC00;
    pub(crate) const NOTES_INLINE: u64 = (SIZE - NOTES) / 16;
    /// Entries of each continued list: a block of 1 MiB.
    pub(crate) const MORE_BYTES: u64 = 1 << 20;
}

/// A page's descriptor: kind and length, and the links of a free run.
pub(crate) mod page {
    pub(crate) const SIZE: u64 = 16;
    pub(crate) const STATE: u64 = 0;
    pub(crate) const LINKS: u64 = 8;
}

/// A variable's header: two cache lines, of which an operation needs mostly the first.
pub(crate) mod variable {
    pub(crate) const SIZE: u64 = 128;
    /// Short lock (`u32`).
    pub(crate) const LOCK: u64 = 0x00;
    /// Odd while a change is under way; never goes back, survives reuse of the header.
    pub(crate) const VERSION: u64 = 0x08;
    /// Holder of the long lock; [`crate::locks::long_lock`] draws the word.
    pub(crate) const LONG: u64 = 0x10;
    /// Counts changes, one-word changes too; written under the lock, never journaled.
    pub(crate) const CHANGES: u64 = 0x18;
    /// The kind's own words: four in the first line, four in the second.
    pub(crate) const BODY: u64 = 0x20;
    pub(crate) const BODY_SECOND: u64 = 0x58;
    /// Moves on when the variable is freed.
    pub(crate) const GENERATION: u64 = 0x40;
    /// Kind and flags.
    pub(crate) const KIND: u64 = 0x48;
    /// References: one per participant that holds it, one per place in a container.
    pub(crate) const REFERENCES: u64 = 0x50;
    /// Next in the free or the dying list.
    pub(crate) const NEXT: u64 = 0x78;
}

/// A span: pages cut into blocks of one size.
pub(crate) mod span {
    pub(crate) const PAGES: u64 = 16;
    pub(crate) const CLASS: u64 = 0x00;
    pub(crate) const FREE: u64 = 0x08;
    /// Previous and next span of the class with room, as page numbers plus one.
    pub(crate) const LINKS: u64 = 0x10;
    /// Where the last search ended; a hint, never journaled.
    pub(crate) const HINT: u64 = 0x18;
    pub(crate) const BITMAP: u64 = 0x40;
}

/// Block sizes of the classes in bytes, ascending; larger blocks are page runs.
pub(crate) const CLASS_SIZES: [u64; 18] =
    [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192];

/// The regions whose size depends on the reservation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regions {
    /// How many lanes there is room for.
    pub(crate) lanes: u32,
    /// Start of the page descriptors.
    pub(crate) descriptors: u64,
    /// Start of the variable headers.
    pub(crate) variables: u64,
    /// How many variable headers there is room for.
    pub(crate) max_variables: u64,
    /// Start of the pages.
    pub(crate) pages: u64,
    /// End of the pages and of the arena.
    pub(crate) end: u64,
}

impl Regions {
    /// The regions of an arena of `reservation` bytes with room for `lanes`.
    pub(crate) const fn of(reservation: u64, lanes: u32) -> Self {
        let descriptors = lane::START + lane::SIZE * lanes as u64;
        let variables = round_up(descriptors + reservation / PAGE * page::SIZE, PAGE);
        let by_size = reservation / PAGE;
        let max_variables = if by_size < 4096 { 4096 } else { by_size };
        let pages = round_up(variables + max_variables * variable::SIZE, PAGE);
        Self { lanes, descriptors, variables, max_variables, pages, end: reservation }
    }

    /// The reservation that leaves room for `capacity` bytes of pages.
    pub(crate) const fn reservation_for(capacity: u64, lanes: u32) -> u64 {
        // Descriptors and headers take 1/256 and 1/32 of the reservation.
        let fixed = lane::START + lane::SIZE * lanes as u64 + 4096 * variable::SIZE + 2 * PAGE;
        let all = fixed + capacity;
        round_up(all + all / 24, RESERVATION_UNIT)
    }

    /// The largest capacity whose reservation is not larger than `reservation`, which may be anything; 0 if there
    /// is none.
    pub(crate) const fn capacity_within(reservation: u64, lanes: u32) -> u64 {
        if reservation >= Self::reservation_for(MOST_CAPACITY, lanes) {
            return MOST_CAPACITY;
        }
        let reservation = reservation / RESERVATION_UNIT * RESERVATION_UNIT;
        let fixed = Self::reservation_for(0, lanes);
        let mut capacity = reservation.saturating_sub(fixed) / PAGE * PAGE;
        while capacity > 0 && Self::reservation_for(capacity, lanes) > reservation {
            capacity -= if capacity / 16 > PAGE { capacity / 16 / PAGE * PAGE } else { PAGE };
        }
        capacity
    }

    /// How many lanes an arena gets that may be no larger than `reservation`: a quarter of it, if
    /// that is little.
    pub(crate) const fn lanes_within(reservation: u64) -> u32 {
        let lanes = reservation / 4 / lane::SIZE;
        if lanes < lane::LEAST as u64 {
            lane::LEAST
        } else if lanes > lane::MAX as u64 {
            lane::MAX
        } else {
            lanes as u32
        }
    }
}

/// No arena has more bytes of pages than these.
pub(crate) const MOST_CAPACITY: u64 = 1 << 42;

/// Bits of the largest offset there can be.
pub const OFFSET_BITS: u32 = 44;

/// Reservations are multiples of this.
pub(crate) const RESERVATION_UNIT: u64 = 1 << 20;

/// The next multiple of `unit`, a power of two.
pub(crate) const fn round_up(bytes: u64, unit: u64) -> u64 {
    (bytes + unit - 1) & !(unit - 1)
}

const _: () = {
    assert!(header::CLASSES + header::CLASS_SIZE * CLASS_SIZES.len() as u64 <= header::VARIABLE_LOCK);
    assert!(header::CLASSES + header::CLASS_SIZE * CLASS_SIZES.len() as u64 <= header::NAME);
    assert!(header::RUN_FREE + 8 * header::RUN_BUCKETS <= header::CLASSES);
    assert!(lane::INNER_NOTES + 16 * lane::MAX_INNER_NOTES <= lane::ALLOCATED);
    assert!(lane::LOCKS + 8 * lane::MAX_LOCKS as u64 <= lane::INNER_LOCKS);
    assert!(lane::ALLOCATED + 8 * lane::LIST_INLINE <= lane::TO_FREE);
    assert!(lane::TO_FREE + 8 * lane::LIST_INLINE <= lane::NOTES);
    assert!(
        slot::START.is_multiple_of(PAGE)
            && lane::START.is_multiple_of(PAGE)
            && lane::SIZE.is_multiple_of(PAGE)
    );
    let small = Regions::of(Regions::reservation_for(1 << 20, lane::LEAST), lane::LEAST);
    assert!(small.end - small.pages >= 1 << 20);
    let large = Regions::of(Regions::reservation_for(1 << 40, lane::MAX), lane::MAX);
    assert!(large.end - large.pages >= 1 << 40);
    assert!(Regions::reservation_for(MOST_CAPACITY, lane::MAX) <= 1 << OFFSET_BITS);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_capacity_within_any_reservation_is_reserved_within_it() {
        let of_any_size = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 3 << bit]);
        for reservation in of_any_size.chain([u64::MAX]) {
            for lanes in [lane::LEAST, lane::MAX] {
                let capacity = Regions::capacity_within(reservation, lanes);
                assert!(capacity <= MOST_CAPACITY);
                if capacity > 0 {
                    assert!(Regions::reservation_for(capacity, lanes) <= reservation, "{reservation}");
                }
            }
        }
        assert_eq!(Regions::capacity_within(u64::MAX, lane::MAX), MOST_CAPACITY);
    }
}
