//! Spans: sixteen pages cut into blocks of one size, with a bitmap in front.
//!
//! Spans with room stand in their class's list, full ones in none. Every step is
//! bounded: an allocation looks at the list's head only, which has room.

use super::heap_transaction::HeapTransaction;
use super::run::{self, RunKind};
use crate::error::{Error, Result};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{CLASS_SIZES, PAGE, header, round_up, span};

/// A class's blocks in a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) size: u64,
    pub(crate) blocks: u64,
    /// The offset of the first block from the start of the span.
    pub(crate) first: u64,
}

/// The geometry of a span of `class`.
pub(crate) const fn geometry(class: u64) -> Geometry {
    let size = CLASS_SIZES[class as usize];
    let bytes = span::PAGES * PAGE;
    let mut blocks = (bytes - span::BITMAP) / size;
    loop {
        // Blocks whose size is a multiple of a cache line begin on one.
        let first = round_up(span::BITMAP + blocks.div_ceil(64) * 8, 64);
        if first + blocks * size <= bytes {
            return Geometry { size, blocks, first };
        }
        blocks -= 1;
    }
}

const GEOMETRIES: [Geometry; CLASS_SIZES.len()] = {
    let mut all = [geometry(0); CLASS_SIZES.len()];
    let mut class = 0;
    while class < all.len() {
        all[class] = geometry(class as u64);
        class += 1;
    }
    all
};

/// The smallest class whose blocks hold `bytes`, if any does.
#[inline]
pub(crate) fn class_of(bytes: u64) -> Option<u64> {
    CLASS_SIZES.iter().position(|size| *size >= bytes).map(|class| class as u64)
}

/// The lock of a class, as an offset.
#[inline]
pub(crate) const fn class_lock(class: u64) -> u64 {
    header::CLASSES + class * header::CLASS_SIZE + header::CLASS_LOCK
}

const fn partial_word(class: u64) -> u64 {
    header::CLASSES + class * header::CLASS_SIZE + header::CLASS_PARTIAL
}

/// Takes a block, or says that more pages must be published first. Takes the class's lock.
pub(crate) fn allocate(inner: &mut HeapTransaction<'_>, class: u64) -> Result<Option<u64>> {
    let arena = inner.lane().arena;
    inner.lock(class_lock(class))?;
    if crate::proof::mutation::is_seeded(crate::proof::mutation::Mutation::UnboundedHeapWalk) {
        drop_full_spans(inner, class)?;
    }
    let mut link = inner.load(partial_word(class))?;
    if link == 0 {
        let Some(page) = run::allocate(inner, span::PAGES)? else { return Ok(None) };
        start(inner, page, class)?;
        link = page + 1;
    }
    let start = run::offset_of(arena, link - 1);
    let geometry = GEOMETRIES[class as usize];
    let words = geometry.blocks.div_ceil(64);
    let hint = inner.load(start + span::HINT)? % words;
    for turn in 0..words {
        let index = (hint + turn) % words;
        let at = start + span::BITMAP + index * 8;
        let bits = inner.load(at)?;
        let usable = if index == words - 1 { last_word(geometry.blocks) } else { u64::MAX };
        let room = !bits & usable;
        if room == 0 {
            continue;
        }
        let bit = u64::from(room.trailing_zeros());
        inner.set(at, bits | 1 << bit)?;
        if index != hint {
            inner.put(start + span::HINT, index)?;
        }
        let free = inner.load(start + span::FREE)?;
        inner.set(start + span::FREE, free.wrapping_sub(1))?;
        if free == 1
            && !crate::proof::mutation::is_seeded(crate::proof::mutation::Mutation::UnboundedHeapWalk)
        {
            unlink(inner, link - 1, class)?;
        }
        return Ok(Some(start + geometry.first + (index * 64 + bit) * geometry.size));
    }
    Err(Error::corrupt("a span in the list of those with room is full", start))
}

/// A mutation, once the prototype's defect: full spans are dropped from the list only when an
/// allocation meets them, all in one transaction, so that its notes have no bound.
fn drop_full_spans(inner: &mut HeapTransaction<'_>, class: u64) -> Result<()> {
    loop {
        let link = inner.load(partial_word(class))?;
        if link == 0 || inner.load(run::offset_of(inner.lane().arena, link - 1) + span::FREE)? > 0 {
            return Ok(());
        }
        unlink(inner, link - 1, class)?;
    }
}

const fn last_word(blocks: u64) -> u64 {
    match blocks % 64 {
        0 => u64::MAX,
        rest => (1 << rest) - 1,
    }
}

/// With that mutation a full span may still be in the list.
fn still_listed(inner: &HeapTransaction<'_>, page: u64, class: u64) -> Result<bool> {
    Ok(crate::proof::mutation::is_seeded(crate::proof::mutation::Mutation::UnboundedHeapWalk)
        && (inner.load(partial_word(class))? == page + 1
            || inner.load(run::offset_of(inner.lane().arena, page) + span::LINKS)? != 0))
}

/// Makes a new run into an empty span at the head of its class's list, which is empty.
fn start(inner: &mut HeapTransaction<'_>, page: u64, class: u64) -> Result<()> {
    let geometry = GEOMETRIES[class as usize];
    let start = run::offset_of(inner.lane().arena, page);
    for index in 0..geometry.blocks.div_ceil(64) {
        inner.put(start + span::BITMAP + index * 8, 0)?;
    }
    inner.put(start + span::CLASS, class)?;
    inner.put(start + span::FREE, geometry.blocks)?;
    inner.put(start + span::LINKS, 0)?;
    inner.put(start + span::HINT, 0)?;
    run::make_span(inner, page, class)?;
    inner.set(partial_word(class), page + 1)
}

/// Frees a block of a span. Takes the class's lock, and that of the runs if the span goes back.
pub(crate) fn free(inner: &mut HeapTransaction<'_>, block: u64) -> Result<()> {
    let arena = inner.lane().arena;
    let (page, class) = span_of(arena, block)?;
    let geometry = GEOMETRIES[class as usize];
    let start = run::offset_of(arena, page);
    inner.lock(class_lock(class))?;
    let Some(from) = block.checked_sub(start + geometry.first).filter(|from| from % geometry.size == 0)
    else {
        return Err(Error::corrupt("a block to be freed does not begin where one can", block));
    };
    let number = from / geometry.size;
    let at = start + span::BITMAP + number / 64 * 8;
    let bits = inner.load(at)?;
    if number >= geometry.blocks || bits >> (number % 64) & 1 == 0 {
        return Err(Error::corrupt("a block is freed twice", block));
    }
    inner.set(at, bits & !(1 << (number % 64)))?;
    let free = inner.load(start + span::FREE)? + 1;
    inner.set(start + span::FREE, free)?;
    if free == 1 && !still_listed(inner, page, class)? {
        link(inner, page, class)?;
    }
    // An empty span goes back, unless it is the only one with room: that would be
    // taken again at once.
    let alone = inner.load(start + span::LINKS)? == 0;
    if free == geometry.blocks && !alone {
        unlink(inner, page, class)?;
        inner.lock(header::RUN_LOCK)?;
        run::free(inner, page)?;
    }
    Ok(())
}

fn span_of(arena: &Arena, block: u64) -> Result<(u64, u64)> {
    let page = run::page_of(arena, block)?;
    let head = match run::descriptor(arena, page)?.kind() {
        RunKind::SpanBody { distance } => page.wrapping_sub(distance),
        _ => page,
    };
    match run::descriptor(arena, head)?.kind() {
        RunKind::Span { class } if (class as usize) < CLASS_SIZES.len() => Ok((head, class)),
        _ => Err(Error::corrupt("a small block lies in no span", block)),
    }
}

fn link(inner: &mut HeapTransaction<'_>, page: u64, class: u64) -> Result<()> {
    let arena = inner.lane().arena;
    let next = inner.load(partial_word(class))?;
    inner.set(run::offset_of(arena, page) + span::LINKS, next << 32)?;
    if next != 0 {
        let at = run::offset_of(arena, next - 1) + span::LINKS;
        let links = inner.load(at)?;
        inner.set(at, links & !0xffff_ffff | (page + 1))?;
    }
    inner.set(partial_word(class), page + 1)
}

fn unlink(inner: &mut HeapTransaction<'_>, page: u64, class: u64) -> Result<()> {
    let arena = inner.lane().arena;
    let own = run::offset_of(arena, page) + span::LINKS;
    let links = inner.load(own)?;
    let (previous, next) = (links & 0xffff_ffff, links >> 32);
    if previous == 0 {
        inner.set(partial_word(class), next)?;
    } else {
        let at = run::offset_of(arena, previous - 1) + span::LINKS;
        let links = inner.load(at)?;
        inner.set(at, next << 32 | links & 0xffff_ffff)?;
    }
    if next != 0 {
        let at = run::offset_of(arena, next - 1) + span::LINKS;
        let links = inner.load(at)?;
        inner.set(at, links & !0xffff_ffff | previous)?;
    }
    inner.set(own, 0)
}
