//! Comparing each item with the one that came before it, where both stand.
//!
//! Texts are compared word by word, and so are items of one form by their layout. A key is made of
//! what remains only.

use super::item_keys::{self, Keys};
use crate::shm::items::source::Source;
use sharevar_arena::Result;
use sharevar_value::{Layout, Word};
use std::cmp::Ordering;

/// So many items are compared by their keys for each layout that is made.
const ITEMS_FOR_A_LAYOUT: u64 = 8;
/// The words of longer encodings are not read: they have no layout.
const LONGEST: usize = 256;

/// The item that came last, and the one that is compared with it.
#[derive(Default)]
pub(super) struct Neighbour {
    /// Each is the last item and the next one by turns.
    pair: [Item; 2],
    is_second_last: bool,
    layout: Option<Layout>,
    /// Items that were compared by their keys.
    by_key: u64,
    layouts: u64,
}

/// An item as far as it was needed.
#[derive(Default)]
struct Item {
    word: Word,
    text: Option<Text>,
    /// The length of its encoding, if that is in a block and no text.
    length: usize,
    /// Whether it is of the layout's form. Then its encoding is here.
    is_of_layout: bool,
    words: Vec<u64>,
    /// Where the key begins in the bytes, once there is one.
    key: Option<usize>,
    bytes: Vec<u8>,
}

/// A str or bytes in a block.
#[derive(Clone, Copy)]
struct Text {
    /// Where its encoding begins.
    at: u64,
    length: usize,
    /// The first word of the encoding.
    head: u64,
    /// How many bytes stand before the text.
    skip: usize,
}

impl Neighbour {
    /// Makes `word` the item with which the next one is compared. `false` if it has no key that is
    /// comparable to the others'.
    pub(super) fn set(&mut self, source: &impl Source, word: Word, keys: &mut Keys) -> Result<bool> {
        let last = &mut self.pair[usize::from(self.is_second_last)];
        last.begin(source, word, keys, self.layout.as_ref())?;
        Ok(last.text.is_some() || last.make_key(source, keys)?)
    }

    /// The order of the last item and `word`, which comes next; `None` if they are not comparable.
    pub(super) fn compare(
        &mut self,
        source: &impl Source,
        word: Word,
        keys: &mut Keys,
    ) -> Result<Option<Ordering>> {
        let [first, second] = &mut self.pair;
        let (last, next) = if self.is_second_last { (second, first) } else { (first, second) };
        next.begin(source, word, keys, self.layout.as_ref())?;
        if let (Some(last), Some(next)) = (&last.text, &next.text)
            && last.skip == next.skip
        {
            return last.compare(next, source).map(Some);
        }
        if let Some(order) = compare_short(last.word, word) {
            return Ok(Some(order));
        }
        if last.is_of_layout
            && next.is_of_layout
            && let Some(layout) = &self.layout
            && let Some(order) = layout.compare_words(&last.words, &next.words)
        {
            return Ok(Some(order));
        }
        // Each has been compared with another one that has a key, or is of the form of one.
        if !next.make_key(source, keys)? || !last.make_key(source, keys)? {
            return Ok(None);
        }
        let order = last.key().cmp(next.key());
        self.by_key += 1;
        let length = next.length;
        let is_likely = (1..=LONGEST).contains(&length) && length == last.length;
        if !next.is_of_layout && is_likely && self.by_key > self.layouts * ITEMS_FOR_A_LAYOUT {
            // More items are likely to be of the form of this one.
            self.layouts += 1;
            let (at, _) = item_keys::encoding(source, word)?;
            let mut encoding = vec![0; length];
            source.participant().copy_out(at, &mut encoding)?;
            self.layout = Layout::of(&encoding);
            next.read_words(source, at, self.layout.as_ref())?;
        }
        Ok(Some(order))
    }

    /// Makes the item that was compared the last one.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.is_second_last = !self.is_second_last;
    }
}

impl Item {
    #[inline(always)]
    fn begin(
        &mut self,
        source: &impl Source,
        word: Word,
        keys: &mut Keys,
        layout: Option<&Layout>,
    ) -> Result<()> {
        (self.word, self.text, self.key) = (word, None, None);
        (self.length, self.is_of_layout) = (0, false);
        if !word.is_block() {
            return Ok(());
        }
        let (at, length) = item_keys::encoding(source, word)?;
        let head = source.load(at)?;
        if let Some(skip) = keys.order.text_start(head.to_le_bytes()) {
            self.text = Some(Text { at, length, head, skip: skip.min(length) });
            return Ok(());
        }
        self.length = length;
        self.read_words(source, at, layout)
    }

    #[inline]
    fn read_words(&mut self, source: &impl Source, at: u64, layout: Option<&Layout>) -> Result<()> {
        if let Some(layout) = layout.filter(|layout| layout.length() == self.length) {
            let words = source.participant().words(at, self.length.div_ceil(8) as u64)?;
            self.is_of_layout = layout.is_form_of(words, &mut self.words);
        }
        Ok(())
    }

    /// Whether it has a key that is comparable to the others'.
    fn make_key(&mut self, source: &impl Source, keys: &mut Keys) -> Result<bool> {
        if self.key.is_none() {
            self.bytes.clear();
            self.key = keys.add(source, self.word, &mut self.bytes)?;
        }
        Ok(self.key.is_some())
    }

    fn key(&self) -> &[u8] {
        &self.bytes[self.key.unwrap_or(0)..]
    }
}

impl Text {
    /// The order of two texts before which the same number of bytes stands.
    #[inline(always)]
    fn compare(&self, other: &Self, source: &impl Source) -> Result<Ordering> {
        let common = self.length.min(other.length);
        let text = u64::MAX << (8 * self.skip);
        let (mut mine, mut theirs) = (self.head & text, other.head & text);
        let mut at = 0;
        while mine == theirs && at + 8 < common {
            at += 8;
            mine = source.load(self.at + at as u64)?;
            theirs = source.load(other.at + at as u64)?;
        }
        let differs = (mine ^ theirs).trailing_zeros() as usize / 8;
        // Behind the shorter one's end is padding.
        if at + differs < common {
            return Ok(mine.swap_bytes().cmp(&theirs.swap_bytes()));
        }
        Ok(self.length.cmp(&other.length))
    }
}

/// The order of two short texts of one class, which stand in their words.
#[inline]
fn compare_short(left: Word, right: Word) -> Option<Ordering> {
    let (left, right) = (left.short_text_order()?, right.short_text_order()?);
    (left.0 == right.0).then(|| left.1.cmp(&right.1))
}
