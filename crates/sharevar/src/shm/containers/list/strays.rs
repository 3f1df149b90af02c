//! The few items that are out of order among many, and their places among those.

use super::item_keys::{Keyed, Keys};
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::cmp::Ordering;

/// Strays that are placed under one hold of the short lock.
const BATCH: usize = 64;

/// Items that are out of order, each with its index.
pub(super) struct Strays {
    reverse: bool,
    items: Vec<(Keyed, usize)>,
    bytes: Vec<u8>,
}

impl Strays {
    pub(super) fn new(reverse: bool) -> Self {
        Self { reverse, items: Vec::new(), bytes: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes an item. `false` if it is not comparable to the others.
    pub(super) fn push(
        &mut self,
        source: &impl Source,
        word: Word,
        index: usize,
        keys: &mut Keys,
    ) -> sharevar_arena::Result<bool> {
        let keyed = keys.keyed(source, word, &mut self.bytes)?;
        self.items.extend(keyed.map(|keyed| (keyed, index)));
        Ok(keyed.is_some())
    }

    fn sort(&mut self) {
        let (reverse, bytes) = (self.reverse, &self.bytes);
        self.items.sort_by(|(left, left_index), (right, right_index)| {
            directed(reverse, left.compare(right, bytes)).then(left_index.cmp(right_index))
        });
    }
}

fn directed(reverse: bool, order: Ordering) -> Ordering {
    if reverse { order.reverse() } else { order }
}

/// Strays on their way to their places.
pub(super) struct Placing {
    words: Vec<Word>,
    /// The indices of the items that are in order.
    in_order: Vec<usize>,
    /// In order among themselves.
    strays: Strays,
    /// Before which of the items in order each stands, as far as that is known.
    places: Vec<usize>,
    keys: Keys,
    bytes: Vec<u8>,
}

impl Placing {
    pub(super) fn new(words: Vec<Word>, in_order: Vec<usize>, mut strays: Strays, keys: Keys) -> Self {
        strays.sort();
        Self { words, in_order, strays, places: Vec::new(), keys, bytes: Vec::new() }
    }

    /// Finds the places of some more strays. Whether all are found.
    pub(super) fn go_on(&mut self, source: &impl Source) -> sharevar_arena::Result<bool> {
        let from = self.places.len();
        for stray in from..self.strays.len().min(from + BATCH) {
            let (mut low, mut high) = (self.places.last().copied().unwrap_or(0), self.in_order.len());
            while low < high {
                let middle = low.midpoint(high);
                if self.is_before(source, self.in_order[middle], stray)? {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            self.places.push(low);
        }
        Ok(self.places.len() == self.strays.len())
    }

    /// Whether the item at `index` comes before a stray.
    fn is_before(
        &mut self,
        source: &impl Source,
        index: usize,
        stray: usize,
    ) -> sharevar_arena::Result<bool> {
        let (stray, stray_index) = &self.strays.items[stray];
        self.bytes.clear();
        // Each has been compared with another one, so it has a key.
        let start = self.keys.add(source, self.words[index], &mut self.bytes)?.unwrap_or(0);
        let order = self.bytes[start..].cmp(stray.key(&self.strays.bytes));
        Ok(directed(self.strays.reverse, order).then(index.cmp(stray_index)) == Ordering::Less)
    }

    /// The words in order, once all places are found.
    pub(super) fn finish(self) -> Vec<Word> {
        let mut ordered = Vec::with_capacity(self.words.len());
        let mut from = 0;
        for ((stray, _), place) in self.strays.items.iter().zip(self.places) {
            ordered.extend(self.in_order[from..place].iter().map(|index| self.words[*index]));
            ordered.push(stray.word);
            from = place;
        }
        ordered.extend(self.in_order[from..].iter().map(|index| self.words[*index]));
        ordered
    }
}
