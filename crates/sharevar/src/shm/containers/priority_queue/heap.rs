//! The heap of a priority queue: where an entry goes, and what comes into its place.
//!
//! An entry that is on its way is nowhere: others move into the place that is free, one level after
//! another, and it is stored where that ends. So each level costs one store, which is noted.

use super::entry::{ARRIVAL, compare};
use super::{HEAP, PLACES, ROOT, place};
use crate::shm::items::source::{Locked, Source};
use sharevar_arena::{Result, Transaction, Variable};
use std::cmp::Ordering;

/// Children of a place. Four make half as many levels as two: half as many notes of a get, and as
/// many comparisons.
pub(super) const CHILDREN: u64 = 4;
/// Places that are given up at a time, which is one segment.
const SEGMENT: u64 = HEAP.per_segment();

/// A heap of so many entries, under its queue's lock.
pub(super) struct Heap<'t, 'p> {
    transaction: &'t mut Transaction<'p>,
    queue: Variable,
    root: u64,
    count: u64,
}

impl<'t, 'p> Heap<'t, 'p> {
    pub(super) fn of(transaction: &'t mut Transaction<'p>, queue: Variable, count: u64) -> Self {
        let root = transaction.body(queue, ROOT);
        Self { transaction, queue, root, count }
    }

    fn source(&self) -> Locked<'_, 'p> {
        Locked(self.transaction, self.queue)
    }

    fn at(&self, index: u64) -> Result<u64> {
        HEAP.at(&self.source(), self.root, index)
    }

    /// The word of a place.
    fn word(&self, index: u64) -> Result<u64> {
        self.source().load(self.at(index)?)
    }

    /// Whether the entry that one word names comes before that of another.
    fn is_before(&self, left: u64, right: u64) -> Result<bool> {
        Ok(compare(&self.source(), place::entry(left), place::entry(right))? == Ordering::Less)
    }

    /// Stores a word in a place that is in use, or in the one behind them.
    fn set(&mut self, index: u64, word: u64) -> Result<()> {
        let at = self.at(index)?;
        self.transaction.set(at, word)
    }

    /// The first entry.
    pub(super) fn first(&self) -> Result<u64> {
        Ok(place::entry(self.word(0)?))
    }

    /// Adds an entry, and gives it its arrival number.
    pub(super) fn push(&mut self, entry: u64, arrival: u64) -> Result<()> {
        // No reader can reach it yet.
        self.transaction.put(entry + ARRIVAL, arrival)?;
        let places = self.transaction.body(self.queue, PLACES);
        if self.count == places {
            let root = HEAP.grow(self.transaction, self.root, places)?;
            if root != self.root {
                self.root = root;
                self.transaction.set_body(self.queue, ROOT, root)?;
            }
            self.transaction.set_body(self.queue, PLACES, places + 1)?;
        }
        let new = place::word(entry, arrival);
        let mut index = self.count;
        while index > 0 {
            let parent = (index - 1) / CHILDREN;
            let above = self.word(parent)?;
            if !self.is_before(new, above)? {
                break;
            }
            self.set(index, above)?;
            index = parent;
        }
        self.set(index, new)?;
        self.count += 1;
        Ok(())
    }

    /// Takes the first entry out, of at lowest one. It is the caller's to give up.
    pub(super) fn pop(&mut self) -> Result<u64> {
        let first = self.first()?;
        self.count -= 1;
        let last = self.word(self.count)?;
        let mut index = 0;
        loop {
            let from = index * CHILDREN + 1;
            let to = self.count.min(from + CHILDREN);
            if from >= to {
                break;
            }
            let (mut lowest, mut child) = (self.word(from)?, from);
            for other in from + 1..to {
                let word = self.word(other)?;
                if self.is_before(word, lowest)? {
                    (lowest, child) = (word, other);
                }
            }
            if !self.is_before(lowest, last)? {
                break;
            }
            self.set(index, lowest)?;
            index = child;
        }
        if self.count > 0 {
            self.set(index, last)?;
        }
        self.give_up_segment()?;
        Ok(first)
    }

    /// Takes the last entry out, of at lowest one, for a queue that dies.
    pub(super) fn pop_last(&mut self) -> Result<u64> {
        self.count -= 1;
        let last = place::entry(self.word(self.count)?);
        self.give_up_segment()?;
        Ok(last)
    }

    /// Gives up the last segment if neither it nor the one before is used. The first two stay: a heap
    /// that has a directory keeps it.
    fn give_up_segment(&mut self) -> Result<()> {
        let places = self.transaction.body(self.queue, PLACES);
        if places <= 2 * SEGMENT || self.count + 2 * SEGMENT > places {
            return Ok(());
        }
        let keep = (places - 1) / SEGMENT * SEGMENT;
        HEAP.shrink(self.transaction, self.root, places, keep)?;
        self.transaction.set_body(self.queue, PLACES, keep)
    }
}
