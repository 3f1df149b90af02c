//! Items that are in order but for a few, or in the opposite order, found to be so one by one.

use super::item_keys::Keys;
use super::neighbour::Neighbour;
use super::strays::Strays;
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::cmp::Ordering;
use std::ops::Range;

/// Items at the beginning that stand in the opposite order may all be strays, if they are so few.
const FEW: usize = 8;
/// There may be so many strays among the first items, and one among so many of the others.
const STRAYS: usize = 32;

/// Items that are in order, or in the opposite one, so far.
pub(super) struct Run {
    reverse: bool,
    neighbour: Neighbour,
    /// Whether the items stand in the opposite order, as far as two differed.
    way: Option<bool>,
    /// Where equal items stand that keep their order when all others are turned round.
    equals: Vec<Range<usize>>,
    /// The indices of the items that are in order.
    in_order: Vec<usize>,
    strays: Strays,
}

/// The items in order, and the others.
pub(super) enum Runs {
    /// All are in order.
    Sorted,
    /// All are in the opposite order; where equal items stand that keep theirs.
    Opposite(Vec<Range<usize>>),
    /// The indices of those that are in order, and those that are not.
    Strays(Vec<usize>, Strays),
}

impl Run {
    pub(super) fn new(reverse: bool) -> Self {
        Self {
            reverse,
            neighbour: Neighbour::default(),
            way: None,
            equals: Vec::new(),
            in_order: Vec::new(),
            strays: Strays::new(reverse),
        }
    }

    pub(super) fn finish(self) -> Runs {
        if !self.strays.is_empty() {
            Runs::Strays(self.in_order, self.strays)
        } else if self.way == Some(true) {
            Runs::Opposite(self.equals)
        } else {
            Runs::Sorted
        }
    }

    /// Takes in the words from `from` on. Whether the run goes on behind them; `None` if one is not
    /// comparable to the others.
    pub(super) fn add(
        &mut self,
        source: &impl Source,
        words: &[Word],
        from: usize,
        keys: &mut Keys,
    ) -> sharevar_arena::Result<Option<bool>> {
        for (index, word) in words.iter().enumerate().skip(from) {
            if self.in_order.is_empty() {
                if !self.neighbour.set(source, *word, keys)? {
                    return Ok(None);
                }
                self.in_order.push(index);
                continue;
            }
            let Some(order) = self.neighbour.compare(source, *word, keys)? else { return Ok(None) };
            if self.is_in_order(order, index) {
                self.neighbour.advance();
                self.in_order.push(index);
            } else if !self.leave_out(source, words, index, keys)? {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    /// Whether an item that has this order behind the last one goes on with the run.
    #[inline]
    fn is_in_order(&mut self, order: Ordering, index: usize) -> bool {
        if order == Ordering::Equal {
            if self.way != Some(false) {
                self.note_equal(index);
            }
            return true;
        }
        let is_opposite = (order == Ordering::Greater) != self.reverse;
        *self.way.get_or_insert(is_opposite) == is_opposite
    }

    /// The item equals the one before, and no two items have told the way yet, or the opposite one.
    fn note_equal(&mut self, index: usize) {
        match self.equals.last_mut() {
            Some(equals) if equals.end == index => equals.end = index + 1,
            _ => self.equals.push(index - 1..index + 1),
        }
    }

    /// Takes an item that does not go on, and the one in its way, for strays: either may be the one
    /// that stands at a wrong place. `false` if there are too many.
    fn leave_out(
        &mut self,
        source: &impl Source,
        words: &[Word],
        index: usize,
        keys: &mut Keys,
    ) -> sharevar_arena::Result<bool> {
        let in_the_way = match self.way {
            Some(true) if self.in_order.len() > FEW => return Ok(false),
            Some(true) => self.in_order.len(),
            _ => 1,
        };
        if self.strays.len() > STRAYS + index / STRAYS {
            return Ok(false);
        }
        self.way = Some(false);
        self.equals.clear();
        let kept = self.in_order.len() - in_the_way;
        for stray in self.in_order.drain(kept..).chain([index]) {
            if !self.strays.push(source, words[stray], stray, keys)? {
                return Ok(false);
            }
        }
        match self.in_order.last() {
            Some(last) => self.neighbour.set(source, words[*last], keys),
            None => Ok(true),
        }
    }
}
