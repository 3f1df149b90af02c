//! Items that are in order, found to be so one by one.

use super::item_keys::{self, Keys};
use crate::shm::items::source::Source;
use sharevar_value::{Layout, Word};
use std::cmp::Ordering;
use std::ops::Range;

/// So many items are compared by their keys for each layout that is made.
const ITEMS_FOR_A_LAYOUT: u64 = 8;

/// Items that are in order, or in the opposite one, so far. Of each two that follow each other, it
/// keeps the second.
pub(super) struct Run {
    reverse: bool,
    /// The previous item and the current one, by turns.
    pair: [Item; 2],
    items: u64,
    /// Whether the items stand in the opposite order, as far as two differed.
    way: Option<bool>,
    /// Where equal items stand that keep their order when all others are turned round.
    equals: Vec<Range<usize>>,
    layout: Option<Layout>,
    layouts: u64,
    /// Whether the previous item is of the layout's form.
    is_of_layout: bool,
}

/// An item, and with it its key, once it was needed.
struct Item {
    word: Word,
    /// If it is in a block.
    encoding: Vec<u8>,
    key: Key,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// Not known yet.
    None,
    /// In the encoding from here on.
    Encoding(usize),
    /// In the bytes beside it.
    Bytes,
}

impl Run {
    pub(super) fn new(reverse: bool) -> Self {
        Self {
            reverse,
            pair: [Item::new(), Item::new()],
            items: 0,
            way: None,
            equals: Vec::new(),
            layout: None,
            layouts: 0,
            is_of_layout: false,
        }
    }

    /// Whether the items stand in the opposite order.
    pub(super) fn is_opposite(&self) -> bool {
        self.way == Some(true)
    }

    /// Turns the items round, which stand in the opposite order.
    pub(super) fn turn_round<T>(&self, items: &mut [T]) {
        items.reverse();
        let count = items.len();
        for equals in &self.equals {
            items[count - equals.end..count - equals.start].reverse();
        }
    }

    /// Takes in one more item. Whether the run goes on with it; `None` if it is not comparable to the
    /// others.
    pub(super) fn goes_on(
        &mut self,
        source: &impl Source,
        word: Word,
        keys: &mut Keys,
    ) -> sharevar_arena::Result<Option<bool>> {
        let [first, second] = &mut self.pair;
        let (previous, current) =
            if self.items.is_multiple_of(2) { (second, first) } else { (first, second) };
        current.read(source, word)?;
        let layout = self.layout.as_ref().filter(|_| self.is_of_layout);
        let by_layout = layout.and_then(|layout| layout.compare(&previous.encoding, &current.encoding));
        let order = if by_layout.is_some() {
            by_layout
        } else {
            // The previous one has a key: it, or one of its form, was found to be comparable.
            if !current.make_key(keys) || (self.items > 0 && !previous.make_key(keys)) {
                return Ok(None);
            }
            let order = (self.items > 0).then(|| previous.key().cmp(current.key()));
            self.find_layout();
            order
        };
        self.items += 1;
        let Some(order) = order else { return Ok(Some(true)) };
        if order == Ordering::Equal {
            self.note_equal();
            return Ok(Some(true));
        }
        let is_opposite = (order == Ordering::Greater) != self.reverse;
        Ok(Some(*self.way.get_or_insert(is_opposite) == is_opposite))
    }

    /// The item that came last equals the one before.
    fn note_equal(&mut self) {
        if self.way == Some(false) {
            return;
        }
        let end = self.items as usize;
        match self.equals.last_mut() {
            Some(equals) if equals.end == end - 1 => equals.end = end,
            _ => self.equals.push(end - 2..end),
        }
    }

    /// Looks whether the current item is of the layout's form; or makes its own form the layout, if
    /// more items are likely to be of it.
    fn find_layout(&mut self) {
        let (first, second) = (&self.pair[0].encoding, &self.pair[1].encoding);
        let encoding = if self.items.is_multiple_of(2) { first } else { second };
        self.is_of_layout = self.layout.as_ref().is_some_and(|layout| layout.is_form_of(encoding));
        let is_likely = !encoding.is_empty() && first.len() == second.len();
        if !self.is_of_layout && is_likely && self.items >= self.layouts * ITEMS_FOR_A_LAYOUT {
            self.layouts += 1;
            self.layout = Layout::of(encoding);
            self.is_of_layout = self.layout.is_some();
        }
    }
}

impl Item {
    fn new() -> Self {
        Self { word: Word::NONE, encoding: Vec::new(), key: Key::None, bytes: Vec::new() }
    }

    fn read(&mut self, source: &impl Source, word: Word) -> sharevar_arena::Result<()> {
        (self.word, self.key) = (word, Key::None);
        if !word.is_block() {
            self.encoding.clear();
            return Ok(());
        }
        let (start, length) = item_keys::encoding(source, word)?;
        if self.encoding.len() != length {
            self.encoding.resize(length, 0);
        }
        source.participant().copy_out(start, &mut self.encoding)
    }

    /// Whether it has a key that is comparable to the others'.
    fn make_key(&mut self, keys: &mut Keys) -> bool {
        if self.key != Key::None {
            return true;
        }
        self.bytes.clear();
        if !self.word.is_block() {
            self.key = Key::Bytes;
            return keys.order.add_word(self.word, &mut self.bytes);
        }
        let mut head = [0; 8];
        let short = self.encoding.len().min(8);
        head[..short].copy_from_slice(&self.encoding[..short]);
        if let Some(start) = keys.order.text_start(head) {
            self.key = Key::Encoding(start.min(self.encoding.len()));
            return true;
        }
        self.key = Key::Bytes;
        keys.order.add(&self.encoding, &mut self.bytes)
    }

    fn key(&self) -> &[u8] {
        match self.key {
            Key::None => &[],
            Key::Encoding(start) => &self.encoding[start..],
            Key::Bytes => &self.bytes,
        }
    }
}
