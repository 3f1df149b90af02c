//! The items of a list, read piece by piece and brought into order.

use super::item_keys::Keys;
use super::run::Run;
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::cmp::Ordering;

/// The type of all items so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Or bools; in words.
    Int,
    /// In words, and so not NaN.
    Float,
    /// Whatever has a key.
    Keyed,
}

/// The order in which the items are to be stored.
pub(super) enum Order {
    /// Nothing: the items are in order.
    Sorted,
    /// These words.
    Changed(Vec<Word>),
}

/// The items that were read, and what their order depends on.
pub(super) struct Sorting {
    reverse: bool,
    class: Class,
    keys: Keys,
    /// While all the items with keys are in order, or in the opposite one. Then no key is kept.
    run: Option<Run>,
    keyed: Vec<Keyed>,
    /// The encodings of which the keys are parts.
    bytes: Vec<u8>,
}

impl Sorting {
    pub(super) fn new(reverse: bool) -> Self {
        let (keys, run) = (Keys::default(), Some(Run::new(reverse)));
        Self { reverse, class: Class::Int, keys, run, keyed: Vec::new(), bytes: Vec::new() }
    }

    /// Takes in the words from `from` on, behind those that it has had. `false` if one has no key
    /// that is comparable to the others'.
    pub(super) fn add(
        &mut self,
        source: &impl Source,
        words: &[Word],
        mut from: usize,
    ) -> sharevar_arena::Result<bool> {
        if from == 0 && words.first().is_some_and(|word| word.as_float().is_some()) {
            self.class = Class::Float;
        }
        let is_of_class = match self.class {
            Class::Int => words[from..].iter().all(|word| int(*word).is_some()),
            Class::Float => words[from..].iter().all(|word| word.as_float().is_some()),
            Class::Keyed => false,
        };
        if is_of_class {
            return Ok(true);
        }
        if self.class != Class::Keyed {
            (self.class, from) = (Class::Keyed, 0);
        }
        if let Some(run) = &mut self.run {
            let mut goes_on = true;
            for word in &words[from..] {
                match run.goes_on(source, *word, &mut self.keys)? {
                    Some(still) => goes_on = still,
                    None => return Ok(false),
                }
                if !goes_on {
                    break;
                }
            }
            if goes_on {
                return Ok(true);
            }
            (self.run, from) = (None, 0);
        }
        for word in &words[from..] {
            let at = self.bytes.len();
            let Some(start) = self.keys.add(source, *word, &mut self.bytes)? else { return Ok(false) };
            self.keyed.push(Keyed::new(&self.bytes, at + start, *word));
        }
        Ok(true)
    }

    /// The order of `words`, all of which it has had.
    pub(super) fn finish(mut self, mut words: Vec<Word>) -> Order {
        let bytes = &self.bytes;
        match (self.class, self.run) {
            (Class::Int, _) => sort(words, self.reverse, |left, right| int(*left).cmp(&int(*right))),
            (Class::Float, _) => sort(words, self.reverse, |left, right| {
                left.as_float().partial_cmp(&right.as_float()).unwrap_or(Ordering::Equal)
            }),
            (Class::Keyed, Some(run)) if run.is_opposite() => {
                run.turn_round(&mut words);
                Order::Changed(words)
            }
            (Class::Keyed, Some(_)) => Order::Sorted,
            (Class::Keyed, None) => {
                self.keyed.sort_by(|left, right| {
                    let order = left.compare(right, bytes);
                    if self.reverse { order.reverse() } else { order }
                });
                Order::Changed(self.keyed.iter().map(|keyed| keyed.word).collect())
            }
        }
    }
}

/// The int that is in a word.
#[inline]
fn int(word: Word) -> Option<i64> {
    match word {
        Word::FALSE => Some(0),
        Word::TRUE => Some(1),
        word => word.as_int(),
    }
}

/// Sorts stably, in falling order if `reverse`.
fn sort(mut words: Vec<Word>, reverse: bool, compare: impl Fn(&Word, &Word) -> Ordering) -> Order {
    let directed =
        |left: &Word, right: &Word| if reverse { compare(right, left) } else { compare(left, right) };
    if words.is_sorted_by(|left, right| directed(left, right) != Ordering::Greater) {
        return Order::Sorted;
    }
    words.sort_by(directed);
    Order::Changed(words)
}

/// An item with its key.
#[derive(Debug, Clone, Copy)]
struct Keyed {
    /// The first eight bytes, the first one highest, padded with zeros.
    prefix: u64,
    start: usize,
    end: usize,
    word: Word,
}

impl Keyed {
    /// Of the key from `start` to the end of `bytes`.
    fn new(bytes: &[u8], start: usize, word: Word) -> Self {
        let mut prefix = [0; 8];
        let short = (bytes.len() - start).min(8);
        prefix[..short].copy_from_slice(&bytes[start..start + short]);
        Self { prefix: u64::from_be_bytes(prefix), start, end: bytes.len(), word }
    }

    fn compare(&self, other: &Self, bytes: &[u8]) -> Ordering {
        let key = |of: &Self| &bytes[of.start..of.end];
        self.prefix.cmp(&other.prefix).then_with(|| key(self).cmp(key(other)))
    }
}
