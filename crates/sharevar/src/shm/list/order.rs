//! Sorting and turning round a list whose order needs no code of the user's.

use super::walk::{self, BATCH};
use super::{RawList, Shape};
use crate::error::Result;
use crate::shm::attempts::Attempts;
use crate::shm::content;
use crate::shm::source::{Locked, Source};
use sharevar_value::{Word, WordKind};
use std::cmp::Ordering;

/// What the items of a list are, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Or bools.
    Int,
    /// Not NaN.
    Float,
    Str,
    Bytes,
}

/// The words of a list, and with it the texts that they lead to.
struct Items {
    class: Class,
    words: Vec<Word>,
    /// For strs and bytes, one for each word.
    texts: Vec<Text>,
    bytes: Vec<u8>,
}

/// A str or bytes: the order of strs is that of their bytes.
#[derive(Debug, Clone, Copy)]
struct Text {
    /// The first eight bytes, the first one highest, padded with zeros.
    prefix: u64,
    start: usize,
    length: usize,
    word: Word,
}

impl RawList {
    /// Turns the order round.
    pub fn reverse(&self) -> Result<()> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            if let Some((mut words, changes)) = self.words(|_, _| Ok(true))? {
                words.reverse();
                if words.len() < 2 || self.publish_words(&words, changes)? {
                    return Ok(());
                }
            }
            attempts.fail()?;
        }
    }

    /// Sorts the list, equal items in the order in which they were, or in falling order if
    /// `reverse`; if it holds nothing but ints, floats without NaN, strs, or bytes. Whether it did.
    pub fn sort(&self, reverse: bool) -> Result<bool> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            let mut items =
                Items { class: Class::Int, words: Vec::new(), texts: Vec::new(), bytes: Vec::new() };
            let mut is_first = true;
            let mut are_comparable = true;
            let read = self.words(|source, words| {
                are_comparable = items.add(source, words, is_first)?;
                is_first = false;
                Ok(are_comparable)
            })?;
            if !are_comparable {
                return Ok(false);
            }
            if let Some((words, changes)) = read {
                items.words = words;
                match items.sorted(reverse) {
                    None => return Ok(true),
                    Some(words) if self.publish_words(&words, changes)? => return Ok(true),
                    Some(_) => {}
                }
            }
            attempts.fail()?;
        }
    }

    /// The words of all items, at one moment, and the count of changes then. `None` if the list has
    /// changed meanwhile, or when `look`, which is shown each piece under the short lock, says no.
    fn words(
        &self,
        mut look: impl FnMut(&Locked<'_, '_>, &[Word]) -> sharevar_arena::Result<bool>,
    ) -> Result<Option<(Vec<Word>, u64)>> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let (mut words, mut seen) = (Vec::new(), None);
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock_short(variable)?;
            let source = Locked(&transaction, variable);
            let shape = Shape::of(&source);
            let changes = participant.changes(variable);
            if seen.is_some_and(|seen| seen != changes) {
                return Ok(None);
            }
            seen = Some(changes);
            let from = words.len() as u64;
            let to = shape.length.min(from + BATCH);
            walk::copy_words(&source, shape, from, to, &mut words)?;
            let goes_on = look(&source, &words[from as usize..])?;
            transaction.commit()?;
            if !goes_on {
                return Ok(None);
            }
            if to == shape.length {
                return Ok(Some((words, changes)));
            }
        }
    }
}

impl Items {
    /// Takes in more words. `false` if not all items are of one class that is compared here.
    fn add(&mut self, source: &impl Source, words: &[Word], is_first: bool) -> sharevar_arena::Result<bool> {
        for (index, word) in words.iter().enumerate() {
            let class = match word.kind() {
                WordKind::Int(_) | WordKind::Bool(_) => Class::Int,
                WordKind::Float(_) => Class::Float,
                WordKind::Str(text) => {
                    self.add_text(*word, text.as_bytes());
                    Class::Str
                }
                WordKind::Bytes(text) => {
                    self.add_text(*word, text.as_bytes());
                    Class::Bytes
                }
                WordKind::Block(block) => match self.add_block(source, *word, block)? {
                    Some(class) => class,
                    None => return Ok(false),
                },
                WordKind::None | WordKind::Handle(_) | WordKind::Absent | WordKind::Invalid => {
                    return Ok(false);
                }
            };
            if is_first && index == 0 {
                self.class = class;
            } else if class != self.class {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add_block(
        &mut self,
        source: &impl Source,
        word: Word,
        block: u64,
    ) -> sharevar_arena::Result<Option<Class>> {
        let header = source.load(block)?;
        let (length, handles) = (content::length_of(header) as usize, content::handles_of(header));
        let start = block + 8 + handles * 8;
        // The markers of `MessagePack`, with the bytes that the length takes.
        let (class, skipped) = match source.load(start)?.to_le_bytes()[0] {
            0xa0..=0xbf => (Class::Str, 1),
            0xd9 => (Class::Str, 2),
            0xda => (Class::Str, 3),
            0xdb => (Class::Str, 5),
            0xc4 => (Class::Bytes, 2),
            0xc5 => (Class::Bytes, 3),
            0xc6 => (Class::Bytes, 5),
            _ => return Ok(None),
        };
        let at = self.bytes.len();
        self.bytes.resize(at + length, 0);
        source.participant().copy_out(start, &mut self.bytes[at..])?;
        self.add_range(word, at + skipped, length.saturating_sub(skipped));
        Ok(Some(class))
    }

    fn add_text(&mut self, word: Word, text: &[u8]) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.add_range(word, at, text.len());
    }

    fn add_range(&mut self, word: Word, start: usize, length: usize) {
        let mut prefix = [0; 8];
        let short = length.min(8);
        prefix[..short].copy_from_slice(&self.bytes[start..start + short]);
        self.texts.push(Text { prefix: u64::from_be_bytes(prefix), start, length, word });
    }

    /// The words in order; `None` if they are so already.
    fn sorted(self, reverse: bool) -> Option<Vec<Word>> {
        let Self { class, mut words, mut texts, bytes } = self;
        let int = |word: Word| match word {
            Word::FALSE => 0,
            Word::TRUE => 1,
            word => word.as_int().unwrap_or(0),
        };
        let float = |word: Word| word.as_float().unwrap_or(0.0);
        match class {
            Class::Int => sort(&mut words, reverse, |left, right| int(*left).cmp(&int(*right)))?,
            Class::Float => sort(&mut words, reverse, |left, right| {
                float(*left).partial_cmp(&float(*right)).unwrap_or(Ordering::Equal)
            })?,
            Class::Str | Class::Bytes => {
                let text = |text: &Text| &bytes[text.start..text.start + text.length];
                sort(&mut texts, reverse, |left, right| {
                    left.prefix.cmp(&right.prefix).then_with(|| text(left).cmp(text(right)))
                })?;
                words = texts.into_iter().map(|text| text.word).collect();
            }
        }
        Some(words)
    }
}

/// Sorts stably, in falling order if `reverse`. `None` if there is nothing to do.
fn sort<T>(items: &mut [T], reverse: bool, compare: impl Fn(&T, &T) -> Ordering) -> Option<()> {
    let directed = |left: &T, right: &T| if reverse { compare(right, left) } else { compare(left, right) };
    if items.is_sorted_by(|left, right| directed(left, right) != Ordering::Greater) {
        return None;
    }
    items.sort_by(directed);
    Some(())
}
