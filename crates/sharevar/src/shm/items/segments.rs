//! Elements of one size that never move once there are many of them.
//!
//! Up to one segment they stand in one block, which doubles by copying; beyond
//! that in segments, found through a directory of words that doubles by copying.
//! So growth copies at most a segment or a directory, and never stops others for
//! long. Nothing about capacities is stored: all follows from how many are used.
//!
//! The root is 0, the block's offset, or the directory's offset plus one.

use super::source::Source;
use sharevar_arena::{Peek, Result, Transaction};

/// Bytes of a segment.
const SEGMENT: u64 = 32 << 10;
/// Words of the smallest directory.
const LEAST_DIRECTORY: u64 = 8;

/// How a growing array of one element size is laid out.
#[derive(Clone, Copy)]
pub(crate) struct Segments {
    /// Bytes of an element, a multiple of 8 and a power of two.
    element: u64,
    /// Elements of the smallest block, a power of two.
    least: u64,
}

impl Segments {
    pub(crate) const fn new(element: u64, least: u64) -> Self {
        assert!(element.is_power_of_two() && element >= 8 && least.is_power_of_two());
        Self { element, least }
    }

    /// Elements of a segment.
    #[inline(always)]
    pub(crate) const fn per_segment(self) -> u64 {
        SEGMENT / self.element
    }

    /// Where element `index` is.
    #[inline(always)]
    pub(crate) fn at(self, source: &impl Source, root: u64, index: u64) -> Result<u64> {
        if root & 1 == 0 {
            return Ok(root.wrapping_add(index.wrapping_mul(self.element)));
        }
        let segment = source.load((root & !1).wrapping_add(index / self.per_segment() * 8))?;
        Ok(segment.wrapping_add(index % self.per_segment() * self.element))
    }

    /// The same for a short look.
    #[inline(always)]
    pub(crate) fn peek(self, peek: &Peek<'_>, root: u64, index: u64) -> Option<u64> {
        if root & 1 == 0 {
            return Some(root.wrapping_add(index.wrapping_mul(self.element)));
        }
        let segment = peek.load((root & !1).wrapping_add(index / self.per_segment() * 8))?;
        Some(segment.wrapping_add(index % self.per_segment() * self.element))
    }

    /// Makes room for element number `used`. Gives back the root to store, the same or a new one.
    #[inline]
    pub(crate) fn grow(self, transaction: &mut Transaction<'_>, root: u64, used: u64) -> Result<u64> {
        if self.is_full(used) { self.grow_full(transaction, root, used) } else { Ok(root) }
    }

    /// Whether element number `used` needs [more room](Self::grow).
    #[inline(always)]
    pub(crate) fn is_full(self, used: u64) -> bool {
        if used == 0 {
            true
        } else if used < self.per_segment() {
            used >= self.least && used.is_power_of_two()
        } else {
            used.is_multiple_of(self.per_segment())
        }
    }

    #[cold]
    fn grow_full(self, transaction: &mut Transaction<'_>, root: u64, used: u64) -> Result<u64> {
        if used == 0 {
            return transaction.allocate(self.least * self.element);
        }
        if used < self.per_segment() {
            let block = transaction.allocate(used * 2 * self.element)?;
            copy_words(transaction, root, block, used * self.element)?;
            transaction.free_on_commit(root)?;
            return Ok(block);
        }
        let segments = used / self.per_segment();
        let segment = transaction.allocate(SEGMENT)?;
        if segments == 1 {
            let directory = transaction.allocate(LEAST_DIRECTORY * 8)?;
            transaction.put(directory, root)?;
            transaction.put(directory + 8, segment)?;
            return Ok(directory | 1);
        }
        let mut directory = root & !1;
        if segments >= LEAST_DIRECTORY && segments.is_power_of_two() {
            let larger = transaction.allocate(segments * 16)?;
            copy_words(transaction, directory, larger, segments * 8)?;
            transaction.free_on_commit(directory)?;
            directory = larger;
        }
        // Beyond the segments in use, so that no reader can reach it yet and it needs no note.
        transaction.put(directory + segments * 8, segment)?;
        Ok(directory | 1)
    }

    /// For a dying variable: gives up what holds only elements from `keep` on, of `used`.
    /// Gives back the root that is left.
    pub(crate) fn shrink(
        self,
        transaction: &mut Transaction<'_>,
        root: u64,
        used: u64,
        keep: u64,
    ) -> Result<u64> {
        if used == 0 {
            return Ok(root);
        }
        if root & 1 == 0 {
            if keep == 0 {
                transaction.free_on_commit(root)?;
                return Ok(0);
            }
            return Ok(root);
        }
        let directory = root & !1;
        for index in keep.div_ceil(self.per_segment())..used.div_ceil(self.per_segment()) {
            let segment = transaction.load(directory + index * 8)?;
            transaction.free_on_commit(segment)?;
        }
        if keep == 0 {
            transaction.free_on_commit(directory)?;
            return Ok(0);
        }
        Ok(root)
    }

    /// Names the blocks that hold `used` elements.
    pub(crate) fn trace(
        self,
        source: &impl Source,
        root: u64,
        used: u64,
        visit: &mut dyn FnMut(u64),
    ) -> Result<()> {
        if root == 0 {
            return Ok(());
        }
        visit(root & !1);
        if root & 1 == 1 {
            for index in 0..used.div_ceil(self.per_segment()) {
                visit(source.load((root & !1) + index * 8)?);
            }
        }
        Ok(())
    }

    /// Elements of which a dying variable may lose so many in one step that the steps end on
    /// segment boundaries.
    pub(crate) fn boundary_below(self, used: u64, most: u64) -> u64 {
        let in_last = (used.saturating_sub(1)) % self.per_segment() + 1;
        used - in_last.min(most).min(used)
    }
}

/// Copies `bytes` (a multiple of 8) into a new block.
pub(crate) fn copy_words(transaction: &Transaction<'_>, from: u64, to: u64, bytes: u64) -> Result<()> {
    for at in (0..bytes).step_by(8) {
        transaction.put(to + at, transaction.load(from + at)?)?;
    }
    Ok(())
}
