//! Runs of pages: allocated first fit by powers of two, merged when freed.
//!
//! A page's descriptor says what begins, ends or lies there. Only the descriptors of
//! the first and the last page of a run are ever read. So every operation that makes
//! a boundary writes the descriptors on both sides of it, and the others may be stale.

use super::heap_transaction::HeapTransaction;
use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{PAGE, header, page};
use crate::sync::Ordering;

/// The most candidates that are tried in the bucket whose runs may be too short.
const FIRST_FIT: u32 = 4;

/// The content of a page's descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RunKind {
    /// Inside or at the end of something that begins elsewhere.
    Inside,
    /// A free run of so many pages begins.
    Free { pages: u64 },
    /// A free run of so many pages ends.
    FreeEnd { pages: u64 },
    /// A large block of so many pages begins.
    Run { pages: u64 },
    /// A span of small blocks begins.
    Span { class: u64 },
    /// Inside a span that began so many pages before.
    SpanBody { distance: u64 },
}

/// A page's descriptor word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor(u64);

impl Descriptor {
    pub(crate) fn of(kind: RunKind) -> Self {
        let (tag, number) = match kind {
            RunKind::Inside => (0, 0),
            RunKind::Free { pages } => (1, pages),
            RunKind::FreeEnd { pages } => (2, pages),
            RunKind::Run { pages } => (3, pages),
            RunKind::Span { class } => (4, class),
            RunKind::SpanBody { distance } => (5, distance),
        };
        Self(number << 8 | tag)
    }

    pub(crate) fn kind(self) -> RunKind {
        let number = self.0 >> 8;
        match self.0 & 0xff {
            1 => RunKind::Free { pages: number },
            2 => RunKind::FreeEnd { pages: number },
            3 => RunKind::Run { pages: number },
            4 => RunKind::Span { class: number },
            5 => RunKind::SpanBody { distance: number },
            _ => RunKind::Inside,
        }
    }
}

fn state_word(arena: &Arena, page: u64) -> u64 {
    arena.regions.descriptors + page * page::SIZE + page::STATE
}

fn links_word(arena: &Arena, page: u64) -> u64 {
    arena.regions.descriptors + page * page::SIZE + page::LINKS
}

fn bucket_word(pages: u64) -> u64 {
    header::RUN_FREE + 8 * u64::from(pages.ilog2())
}

/// The descriptor of a page that is published.
pub(crate) fn descriptor(arena: &Arena, page: u64) -> Result<Descriptor> {
    if page >= arena.pages() {
        return Err(Error::corrupt("a page number is beyond the published pages", page));
    }
    Ok(Descriptor(arena.table_word(state_word(arena, page)).load(Ordering::Acquire)))
}

/// The first page that was never used.
pub(crate) fn pages_top(arena: &Arena) -> u64 {
    arena.table_word(header::RUN_TOP).load(Ordering::Acquire)
}

pub(crate) fn offset_of(arena: &Arena, page: u64) -> u64 {
    arena.regions.pages + page * PAGE
}

pub(crate) fn page_of(arena: &Arena, offset: u64) -> Result<u64> {
    offset
        .checked_sub(arena.regions.pages)
        .map(|from| from / PAGE)
        .ok_or_else(|| Error::corrupt("a block lies before the pages", offset))
}

/// Takes a run of `pages` pages, or says that more must be published first.
/// Takes the lock of the runs.
pub(crate) fn allocate(inner: &mut HeapTransaction<'_>, pages: u64) -> Result<Option<u64>> {
    inner.lock(header::RUN_LOCK)?;
    if let Some((found, length)) = find(inner, pages)? {
        unlink(inner, found, length)?;
        if length > pages {
            set_free(inner, found + pages, length - pages)?;
        }
        set_allocated(inner, found, pages)?;
        return Ok(Some(found));
    }
    let top = inner.load(header::RUN_TOP)?;
    if top + pages > inner.lane().arena.pages() {
        return Ok(None);
    }
    inner.set(header::RUN_TOP, top + pages)?;
    set_allocated(inner, top, pages)?;
    Ok(Some(top))
}

fn find(inner: &HeapTransaction<'_>, pages: u64) -> Result<Option<(u64, u64)>> {
    let first = u64::from(pages.ilog2());
    let mut link = inner.load(header::RUN_FREE + 8 * first)?;
    for _ in 0..FIRST_FIT {
        if link == 0 {
            break;
        }
        let length = free_length(inner, link - 1)?;
        if length >= pages {
            return Ok(Some((link - 1, length)));
        }
        link = inner.load(links_word(inner.lane().arena, link - 1))? >> 32;
    }
    for bucket in first + 1..header::RUN_BUCKETS {
        let link = inner.load(header::RUN_FREE + 8 * bucket)?;
        if link != 0 {
            return Ok(Some((link - 1, free_length(inner, link - 1)?)));
        }
    }
    Ok(None)
}

fn free_length(inner: &HeapTransaction<'_>, page: u64) -> Result<u64> {
    match descriptor(inner.lane().arena, page)?.kind() {
        RunKind::Free { pages } if pages > 0 => Ok(pages),
        _ => Err(Error::corrupt("a list of free runs holds something else", page)),
    }
}

/// Gives back the run that begins at `page`. The caller holds the lock of the runs.
pub(crate) fn free(inner: &mut HeapTransaction<'_>, page: u64) -> Result<()> {
    let arena = inner.lane().arena;
    let mut start = page;
    let mut length = match descriptor(arena, page)?.kind() {
        RunKind::Run { pages } => pages,
        RunKind::Span { .. } => crate::mapping::layout::span::PAGES,
        _ => return Err(Error::corrupt("a run to be freed is none", page)),
    };
    let top = inner.load(header::RUN_TOP)?;
    if start + length < top
        && let RunKind::Free { pages } = descriptor(arena, start + length)?.kind()
    {
        unlink(inner, start + length, pages)?;
        length += pages;
    }
    if start > 0 {
        let before = match descriptor(arena, start - 1)?.kind() {
            RunKind::FreeEnd { pages } => pages,
            RunKind::Free { pages: 1 } => 1,
            _ => 0,
        };
        if before > 0 {
            unlink(inner, start - before, before)?;
            start -= before;
            length += before;
        }
    }
    if start + length == top { inner.set(header::RUN_TOP, start) } else { set_free(inner, start, length) }
}

fn set_allocated(inner: &mut HeapTransaction<'_>, page: u64, pages: u64) -> Result<()> {
    if pages > 1 {
        inner.set(state_word(inner.lane().arena, page + pages - 1), Descriptor::of(RunKind::Inside).0)?;
    }
    inner.set(state_word(inner.lane().arena, page), Descriptor::of(RunKind::Run { pages }).0)
}

fn set_free(inner: &mut HeapTransaction<'_>, page: u64, pages: u64) -> Result<()> {
    if pages > 1 {
        inner.set(
            state_word(inner.lane().arena, page + pages - 1),
            Descriptor::of(RunKind::FreeEnd { pages }).0,
        )?;
    }
    inner.set(state_word(inner.lane().arena, page), Descriptor::of(RunKind::Free { pages }).0)?;
    let bucket = bucket_word(pages);
    let next = inner.load(bucket)?;
    inner.set(links_word(inner.lane().arena, page), next << 32)?;
    if next != 0 {
        let links = inner.load(links_word(inner.lane().arena, next - 1))?;
        inner.set(links_word(inner.lane().arena, next - 1), links & !0xffff_ffff | (page + 1))?;
    }
    inner.set(bucket, page + 1)
}

fn unlink(inner: &mut HeapTransaction<'_>, page: u64, pages: u64) -> Result<()> {
    let links = inner.load(links_word(inner.lane().arena, page))?;
    let (previous, next) = (links & 0xffff_ffff, links >> 32);
    if previous == 0 {
        inner.set(bucket_word(pages), next)?;
    } else {
        let links = inner.load(links_word(inner.lane().arena, previous - 1))?;
        inner.set(links_word(inner.lane().arena, previous - 1), next << 32 | links & 0xffff_ffff)?;
    }
    if next != 0 {
        let links = inner.load(links_word(inner.lane().arena, next - 1))?;
        inner.set(links_word(inner.lane().arena, next - 1), links & !0xffff_ffff | previous)?;
    }
    Ok(())
}

/// Turns a run just allocated into a span of `class`.
pub(crate) fn make_span(inner: &mut HeapTransaction<'_>, page: u64, class: u64) -> Result<()> {
    // The last page's old word is noted; the others are inside and need no note.
    for distance in 1..crate::mapping::layout::span::PAGES {
        inner.put(
            state_word(inner.lane().arena, page + distance),
            Descriptor::of(RunKind::SpanBody { distance }).0,
        )?;
    }
    inner.set(state_word(inner.lane().arena, page), Descriptor::of(RunKind::Span { class }).0)
}
