//! An arena as one process sees it: bounds, growth, words.

use crate::error::{Error, Result};
use crate::mapping::layout::{PAGE, Regions, header, lane, page, slot, variable};
use crate::mapping::named::Name;
use crate::mapping::source::Source;
use crate::proof::crash::{self, compare_exchange};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use sharevar_os::{Access, Mapping, Window, memory_limit};
use std::any::Any;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// Growth steps in bytes: a quarter of what there is, within these. Populating takes about a
/// millisecond for each MiB, of the process that grows; no other waits for it.
const GROWTH: std::ops::RangeInclusive<u64> = (128 << 10)..=(2 << 20);
/// Bytes that an operation finds published ahead of it: a span and a segment.
const AHEAD: u64 = 128 << 10;

/// A mapped arena.
#[derive(Debug)]
pub(crate) struct Arena {
    /// The tables, and the published pages as far as this process has seen them.
    window: Window,
    pub(crate) source: Source,
    pub(crate) regions: Regions,
    capacity: u64,
    id: [u64; 2],
    seed: u64,
    /// Dropped after the memory is unmapped, which is why it is the last field.
    companion: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Arena {
    /// The arena in `mapping`, as its header describes it.
    pub(crate) fn over(
        mapping: Mapping,
        source: Source,
        regions: Regions,
        capacity: u64,
        id: [u64; 2],
        seed: u64,
    ) -> Result<Self> {
        let window = Window::new(mapping, regions.pages).map_err(Error::os("mprotect"))?;
        Ok(Self { window, source, regions, capacity, id, seed, companion: OnceLock::new() })
    }

    /// Whether this process may only read it: a store is SIGSEGV.
    #[inline(always)]
    pub(crate) fn is_read_only(&self) -> bool {
        self.window.mapping().access() == Access::Read
    }

    /// Gives the mapping to children that are forked from now on.
    pub(crate) fn give_to_children(&self) -> Result<()> {
        Ok(self.window.mapping().give_to_children()?)
    }

    /// Has `companion` dropped after the memory is unmapped. An arena has one at most.
    pub(crate) fn accompany(&self, companion: Box<dyn Any + Send + Sync>) {
        let _ = self.companion.set(companion);
    }

    /// Whether the arena has a name. Its first character is not zero.
    pub(crate) fn has_name(&self) -> bool {
        self.table_word(header::NAME).load(Ordering::Relaxed) != 0
    }

    /// The name by which processes find the arena, if it has one.
    pub(crate) fn name(&self) -> Option<Name> {
        let mut bytes = [0; Name::MAX];
        self.copy_out(header::NAME, &mut bytes);
        Name::from_header(&bytes)
    }

    /// The arena's 128-bit identity.
    pub(crate) fn id(&self) -> [u64; 2] {
        self.id
    }

    /// The seed of the key hash.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Bytes that may be used.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Length of the mapping.
    pub(crate) fn reservation(&self) -> u64 {
        self.window.mapping().len()
    }

    /// A word of the tables before the pages.
    #[inline(always)]
    pub(crate) fn table_word(&self, offset: u64) -> &AtomicU64 {
        self.window.mapping().word(offset)
    }

    /// A 32-bit word of the tables before the pages.
    #[inline(always)]
    pub(crate) fn table_word32(&self, offset: u64) -> &AtomicU32 {
        self.window.mapping().word32(offset)
    }

    /// A word of the published pages.
    #[inline(always)]
    pub(crate) fn word(&self, offset: u64) -> Result<&AtomicU64> {
        match self.window.word(offset) {
            Some(word) => Ok(word),
            None => self.word_after_refresh(offset),
        }
    }

    /// `count` words of the published pages.
    #[inline(always)]
    pub(crate) fn words(&self, offset: u64, count: u64) -> Result<&[AtomicU64]> {
        match self.window.words(offset, count) {
            Some(words) => Ok(words),
            None => self.words_after_refresh(offset, count),
        }
    }

    #[cold]
    fn words_after_refresh(&self, offset: u64, count: u64) -> Result<&[AtomicU64]> {
        self.refresh();
        self.window
            .words(offset, count)
            .ok_or_else(|| Error::corrupt("a range leads out of the published pages", offset))
    }

    /// `N` words of the tables before the pages.
    #[inline(always)]
    pub(crate) fn table_line<const N: usize>(&self, offset: u64) -> &[AtomicU64; N] {
        self.window.mapping().line(offset)
    }

    /// `N` words of the published pages, if `offset` leads there as far as this process knows.
    #[inline(always)]
    pub(crate) fn known_line<const N: usize>(&self, offset: u64) -> Option<&[AtomicU64; N]> {
        self.window.line(offset)
    }

    #[cold]
    fn word_after_refresh(&self, offset: u64) -> Result<&AtomicU64> {
        self.refresh();
        self.window
            .word(offset)
            .ok_or_else(|| Error::corrupt("an offset leads out of the published pages", offset))
    }

    /// Any word that a note may name: of a table or of a published page.
    pub(crate) fn any_word(&self, offset: u64) -> Result<&AtomicU64> {
        if offset < self.regions.pages && offset.is_multiple_of(8) {
            return Ok(self.window.mapping().word(offset));
        }
        self.word(offset)
    }

    /// Checks that `bytes` from `offset` on lie in the published pages.
    pub(crate) fn check_range(&self, offset: u64, bytes: u64) -> Result<()> {
        let within = |end: u64| offset >= self.regions.pages && offset <= end && bytes <= end - offset;
        if within(self.window.end()) || within(self.refresh()) {
            return Ok(());
        }
        Err(Error::corrupt("a range leads out of the published pages", offset))
    }

    /// Reads the element of `size` (1, 2, 4 or 8) bytes at `offset`, which was checked.
    pub(crate) fn load_element(&self, offset: u64, size: u64) -> u64 {
        self.window.mapping().load_element(offset, size)
    }

    /// Stores an element; see [`Self::load_element`].
    pub(crate) fn store_element(&self, offset: u64, size: u64, bits: u64) {
        crash::point();
        self.window.mapping().store_element(offset, size, bits);
    }

    /// Copies from words at `offset`, which was checked up to the padded length.
    #[inline]
    pub(crate) fn copy_out(&self, offset: u64, out: &mut [u8]) {
        self.window.mapping().copy_out(offset, out);
    }

    /// A copy of `length` bytes from words at `offset`, which was checked up to the padded length.
    #[inline]
    pub(crate) fn copy_of(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let copied = self.window.mapping().copy_of(offset, length as usize);
        copied.map_err(|_| Error::NoMemory { asked: length })
    }

    /// Copies from any byte at `offset` on, which was checked up to the end of the last word, to memory
    /// that holds nothing yet.
    pub(crate) fn copy_part(&self, offset: u64, out: &mut [MaybeUninit<u8>]) {
        self.window.mapping().copy_part(offset, out);
    }

    /// A copy of `length` bytes from any byte at `offset` on, which was checked up to the end of the last word.
    pub(crate) fn copy_of_part(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let copied = self.window.mapping().copy_of_part(offset, length as usize);
        copied.map_err(|_| Error::NoMemory { asked: length })
    }

    /// Copies to words at `offset`, which was checked up to the padded length.
    #[inline]
    pub(crate) fn copy_in(&self, offset: u64, bytes: &[u8]) {
        crash::point();
        self.window.mapping().copy_in(offset, bytes);
    }

    /// Stores zeros from `offset` on, which was checked, by words.
    pub(crate) fn fill_zero(&self, offset: u64, bytes: u64) {
        crash::point();
        self.window.mapping().fill_zero(offset, bytes);
    }

    /// The address of a range, for a view that other code reads and writes.
    pub(crate) fn address(&self, offset: u64, bytes: u64) -> Option<*mut u8> {
        self.window.mapping().address(offset, bytes)
    }

    /// Takes over the published end from the header, bounded by what is mapped here.
    pub(crate) fn refresh(&self) -> u64 {
        let end = self.table_word(header::PUBLISHED).load(Ordering::Acquire);
        self.window.extend_to(end).unwrap_or_else(|_| self.window.end())
    }

    /// Whether the manager was shut down.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.table_word(header::CLOSED).load(Ordering::Relaxed) != 0
    }

    /// Number of pages that are published.
    pub(crate) fn pages(&self) -> u64 {
        (self.refresh() - self.regions.pages) / PAGE
    }

    /// Publishes more pages, so that there are at least `pages`; populated before any process sees them.
    ///
    /// Takes no lock: several processes may populate the same pages, which is harmless.
    pub(crate) fn grow_to(&self, pages: u64) -> Result<()> {
        let have = self.pages();
        if have >= pages {
            return Ok(());
        }
        let limit = self.capacity / PAGE;
        if pages > limit {
            return Err(self.out_of_memory((pages - have) * PAGE));
        }
        let step = (have * PAGE / 4).clamp(*GROWTH.start(), *GROWTH.end()) / PAGE;
        let target = (have + step).max(pages).min(limit);
        let bytes = (target - have) * PAGE;
        if let Some(room) = memory_limit::room()
            && room.left < bytes
        {
            return Err(Error::OutOfSharedMemory { asked: bytes, free: room.left, limit: room.limit });
        }
        let (start, end) = (self.regions.pages + have * PAGE, self.regions.pages + target * PAGE);
        let descriptors = self.regions.descriptors;
        let mapping = self.window.mapping();
        self.window
            .open_to(end)
            .and_then(|()| {
                mapping.populate(descriptors + have * page::SIZE, descriptors + target * page::SIZE)
            })
            .and_then(|()| mapping.populate(start, end))
            .map_err(|cause| Error::populate(cause, || self.out_of_memory(bytes)))?;
        let published = self.table_word(header::PUBLISHED);
        let mut seen = published.load(Ordering::Acquire);
        while seen < end {
            match compare_exchange(published, seen, end) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        self.refresh();
        Ok(())
    }

    /// Whether `bytes` and some more lie published above everything ever used.
    #[inline]
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        let top = self.regions.pages + self.table_word(header::RUN_TOP).load(Ordering::Relaxed) * PAGE;
        top + bytes + AHEAD <= self.window.end()
    }

    /// Publishes so much that [`Self::has_room`] holds, if it can be had.
    #[cold]
    pub(crate) fn grow_ahead(&self, bytes: u64) {
        let top = self.table_word(header::RUN_TOP).load(Ordering::Relaxed);
        let wanted = top + (bytes + AHEAD).div_ceil(PAGE);
        let _ = self.grow_to(wanted.min(self.capacity / PAGE));
    }

    #[cold]
    fn out_of_memory(&self, asked: u64) -> Error {
        let used = self.table_word(header::RUN_TOP).load(Ordering::Relaxed) * PAGE;
        Error::OutOfSharedMemory { asked, free: self.capacity.saturating_sub(used), limit: self.capacity }
    }

    /// Number of lanes that are populated.
    pub(crate) fn lanes(&self) -> u32 {
        let lanes = self.table_word(header::LANES).load(Ordering::Acquire);
        lanes.min(u64::from(self.regions.lanes)) as u32
    }

    /// Number of variable headers that are populated.
    pub(crate) fn variables(&self) -> u64 {
        self.table_word(header::VARIABLES).load(Ordering::Acquire).min(self.regions.max_variables)
    }

    /// Populates the first `count` entries of the lane table.
    pub(crate) fn populate_lanes(&self, count: u32) -> Result<()> {
        if count > self.regions.lanes {
            return Err(Error::TooManyLanes { limit: self.regions.lanes });
        }
        self.populate_table(header::LANES, lane::START, lane::SIZE, u64::from(count))
    }

    /// Populates the first `count` variable headers, and some more.
    pub(crate) fn populate_variables(&self, count: u64) -> Result<()> {
        let per_step = 4 * PAGE / variable::SIZE;
        let count = count.next_multiple_of(per_step).min(self.regions.max_variables);
        self.populate_table(header::VARIABLES, self.regions.variables, variable::SIZE, count)
    }

    /// Number of participants' slots that are populated.
    pub(crate) fn slots(&self) -> u32 {
        let slots = self.table_word(header::SLOTS).load(Ordering::Acquire);
        slots.min(u64::from(slot::MAX)) as u32
    }

    /// Populates the slots up to `index`, and the others of its page.
    pub(crate) fn populate_slot(&self, index: u32) -> Result<()> {
        let count = (u64::from(index) + 1).next_multiple_of(PAGE / slot::SIZE);
        self.populate_table(header::SLOTS, slot::START, slot::SIZE, count)
    }

    fn populate_table(&self, counter: u64, start: u64, size: u64, count: u64) -> Result<()> {
        let word = self.table_word(counter);
        let mut have = word.load(Ordering::Acquire);
        if have < count {
            self.window
                .mapping()
                .populate(start + have * size, start + count * size)
                .map_err(|cause| Error::populate(cause, || self.out_of_memory((count - have) * size)))?;
        }
        while have < count {
            match compare_exchange(word, have, count) {
                Ok(_) => break,
                Err(now) => have = now,
            }
        }
        Ok(())
    }
}
