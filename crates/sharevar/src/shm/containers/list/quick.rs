//! The fast paths: a look at an item without the lock, and changes of one word.

use super::{GAP, LENGTH, PLACES, RING, RING_BITS, ROOT, RawList, index_from};
use crate::error::Result;
use crate::shm::items::content::Content;
use crate::shm::items::look::{CopiedBytes, Glance, Located, Look, glance};
use sharevar_arena::Peek;
use sharevar_value::Word;

/// Where item `index` is, as in [`Shape::at`](super::Shape::at).
#[inline(always)]
fn place(peek: &Peek<'_>, index: u64) -> Option<u64> {
    place_at(peek, peek.body(ROOT), peek.body(GAP).wrapping_add(index))
}

#[inline(always)]
fn place_at(peek: &Peek<'_>, root: u64, position: u64) -> Option<u64> {
    if root & 1 == 1 {
        let ring = peek.load((root & !1).wrapping_add((position >> RING_BITS).wrapping_mul(8)))?;
        return Some((ring & !(RING - 1)).wrapping_add((ring.wrapping_add(position) & (RING - 1)) * 8));
    }
    Some(root.wrapping_add((position & peek.body(PLACES).wrapping_sub(1)).wrapping_mul(8)))
}

impl RawList {
    /// Looks at item `index`, from the end if negative, without the lock and once.
    #[inline(always)]
    pub fn glance(&self, index: i64) -> Glance {
        glance(self.handle(), |peek| {
            let Some(index) = index_from(index, peek.body(LENGTH)) else { return Some(Word::ABSENT) };
            // No item is zero in an arena that is whole.
            Some(Word(peek.load(place(peek, index)?)?)).filter(|word| !word.is_absent())
        })
    }

    /// The same. `copied` is the place for a value that is no scalar.
    #[inline(always)]
    pub fn look<'a>(&self, index: i64, copied: &'a mut Option<CopiedBytes>) -> Look<'a> {
        self.glance(index).look(self.handle(), copied)
    }

    /// Whether item `index` is in a block, if a look without the lock tells.
    pub(super) fn is_block(&self, index: i64) -> bool {
        let found = self.handle().participant().peek(self.handle().variable(), |peek| {
            let index = index_from(index, peek.body(LENGTH))?;
            Some(Word(peek.load(place(peek, index)?)?).is_block())
        });
        found.unwrap_or(false)
    }

    /// Reads an item that a look has found. `None` if the list has changed since.
    pub fn read_located(&self, located: Located) -> Result<Option<Content>> {
        located.read(self.handle())
    }

    /// Replaces item `index` if it is there, was a word, and becomes one. If not, nothing is done
    /// and the answer is `false`: go by [`Self::set`].
    #[inline(always)]
    pub fn set_word(&self, index: i64, word: Word) -> bool {
        if !word.is_scalar() {
            return false;
        }
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| {
            let index = index_from(index, change.body(LENGTH))?;
            let at = place(change, index)?;
            let old = Word(change.load(at)?);
            if !old.is_scalar() {
                return None;
            }
            change.change(at, word.0)
        });
        done.is_some()
    }

    /// Adds an item that fits a word where there is a place for it. If not, nothing is done and
    /// the answer is `false`: go by [`Self::push`].
    #[inline(always)]
    pub fn push_word(&self, word: Word) -> bool {
        if !word.is_scalar() {
            return false;
        }
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let done = participant.change_one(variable, |change| {
            let (root, length) = (change.body(ROOT), change.body(LENGTH));
            let end = change.body(GAP).wrapping_add(length);
            let full = if root & 1 == 1 { end.is_multiple_of(RING) } else { length >= change.body(PLACES) };
            if full {
                return None;
            }
            // No reader looks beyond the length; the new length is the whole change.
            change.put(place_at(change, root, end)?, word.0)?;
            change.change_body(LENGTH, length + 1);
            Some(())
        });
        done.is_some()
    }
}
