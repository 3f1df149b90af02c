//! The items of a list, read piece by piece and brought into order.

use super::item_keys::{Keyed, Keys};
use super::run::{Run, Runs};
use super::strays::Placing;
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::cmp::Ordering;
use std::ops::Range;

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
    /// All words, once a few of them have found their places.
    Strays(Placing),
}

/// The items that were read, and what their order depends on.
pub(super) struct Sorting {
    reverse: bool,
    class: Class,
    keys: Keys,
    /// While nearly all items with keys are in order, or all in the opposite one. Then no keys but those
    /// of the others are kept.
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
            match run.add(source, words, from, &mut self.keys)? {
                None => return Ok(false),
                Some(true) => return Ok(true),
                Some(false) => (self.run, from) = (None, 0),
            }
        }
        for word in &words[from..] {
            let Some(keyed) = self.keys.keyed(source, *word, &mut self.bytes)? else { return Ok(false) };
            self.keyed.push(keyed);
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
            (Class::Keyed, Some(run)) => match run.finish() {
                Runs::Sorted => Order::Sorted,
                Runs::Opposite(equals) => {
                    turn_round(&mut words, &equals);
                    Order::Changed(words)
                }
                Runs::Strays(in_order, strays) => {
                    Order::Strays(Placing::new(words, in_order, strays, self.keys))
                }
            },
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

/// Turns items round, but for those at `equals`, which keep their order among each other.
fn turn_round(words: &mut [Word], equals: &[Range<usize>]) {
    words.reverse();
    let count = words.len();
    for equals in equals {
        words[count - equals.end..count - equals.start].reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, Sorting};
    use crate::shm::items::source::Source;
    use sharevar_arena::Participant;
    use sharevar_value::Word;

    /// For items that stand in their words.
    struct NoBlocks;

    impl Source for NoBlocks {
        fn load(&self, _: u64) -> sharevar_arena::Result<u64> {
            unreachable!()
        }

        fn body(&self, _: usize) -> u64 {
            unreachable!()
        }

        fn is_valid(&self) -> bool {
            true
        }

        fn participant(&self) -> &Participant {
            unreachable!()
        }
    }

    fn order(numbers: &[usize]) -> Order {
        let words: Vec<_> =
            numbers.iter().map(|number| Word::from_short_str(&format!("{number:05}")).unwrap()).collect();
        let mut sorting = Sorting::new(false);
        assert!(sorting.add(&NoBlocks, &words[..words.len() / 2], 0).unwrap());
        assert!(sorting.add(&NoBlocks, &words, words.len() / 2).unwrap());
        sorting.finish(words)
    }

    #[test]
    fn a_few_strays_are_placed_and_no_others_moved() {
        let ordered: Vec<_> = (0..1000).collect();
        assert!(matches!(order(&ordered), Order::Sorted));
        for (from, to) in [(0, 999), (999, 0), (1, 0), (500, 20), (20, 500), (7, 8)] {
            let mut numbers = ordered.clone();
            let moved = numbers.remove(from);
            numbers.insert(to, moved);
            let Order::Strays(mut placing) = order(&numbers) else { panic!("{from} is no stray at {to}") };
            while !placing.go_on(&NoBlocks).unwrap() {}
            let words: Vec<_> = placing.finish().iter().map(|word| word.short_text_order()).collect();
            assert!(words.is_sorted() && words.len() == 1000);
        }
    }

    #[test]
    fn many_strays_are_sorted_with_the_others() {
        let numbers: Vec<_> = (0..1000).map(|number| number * 7 % 1000).collect();
        assert!(
            matches!(order(&numbers), Order::Changed(words) if words.is_sorted_by_key(|word| word.short_text_order()))
        );
        let falling: Vec<_> = (0..1000).rev().collect();
        assert!(matches!(order(&falling), Order::Changed(_)));
    }
}
