//! How much of the heap is in use, by size of its blocks.

use super::{RunKind, descriptor, geometry, pages_top};
use crate::mapping::arena::Arena;
use crate::mapping::layout::{CLASS_SIZES, PAGE, span};
use crate::sync::Ordering;

/// The blocks of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockUsage {
    /// Bytes of a block.
    pub size: u64,
    /// Number of them in use.
    pub blocks: u64,
    /// Bytes of the pages that are set aside for them, in use or free.
    pub reserved: u64,
}

/// The usage of small blocks by size, then that of large ones, which are whole pages, in one entry of
/// size 0.
///
/// It takes no lock and reads a word for each run of pages, so that it is exact only while
/// no participant allocates.
pub(crate) fn usage(arena: &Arena) -> Vec<BlockUsage> {
    let new = |size: &u64| BlockUsage { size: *size, blocks: 0, reserved: 0 };
    let mut usage: Vec<_> = CLASS_SIZES.iter().chain(&[0]).map(new).collect();
    let top = pages_top(arena);
    let mut page = 0;
    while page < top {
        let Ok(descriptor) = descriptor(arena, page) else { break };
        // A page that begins nothing belongs to a run that was made since.
        page += match descriptor.kind() {
            RunKind::Free { pages } => pages.max(1),
            RunKind::Run { pages } => {
                let large = &mut usage[CLASS_SIZES.len()];
                large.blocks += 1;
                large.reserved += pages * PAGE;
                pages.max(1)
            }
            RunKind::Span { class } if (class as usize) < CLASS_SIZES.len() => {
                let small = &mut usage[class as usize];
                let free = arena.word(arena.regions.pages + page * PAGE + span::FREE);
                let free = free.map_or(0, |word| word.load(Ordering::Relaxed));
                small.blocks += geometry(class).blocks.saturating_sub(free);
                small.reserved += span::PAGES * PAGE;
                span::PAGES
            }
            _ => 1,
        };
    }
    usage.retain(|blocks| blocks.reserved > 0);
    usage
}
