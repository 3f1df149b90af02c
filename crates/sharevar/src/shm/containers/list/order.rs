//! Sorting and turning round a list whose order needs no code of the user's.

use super::sorting::{Order, Sorting};
use super::strays::Placing;
use super::walk::{self, BATCH};
use super::{RawList, Shape};
use crate::engine::stamp::Stamp;
use crate::error::Result;
use crate::shm::items::attempts::Attempts;
use crate::shm::items::source::Locked;
use sharevar_value::Word;

impl RawList {
    /// Turns the order round.
    pub fn reverse(&self) -> Result<()> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            if let Some((mut words, stamp)) = self.words(|_, _, _| Ok(true))? {
                words.reverse();
                if words.len() < 2 || self.publish_words(&words, stamp)? {
                    return Ok(());
                }
            }
            attempts.fail()?;
        }
    }

    /// Sorts the list, equal items in the order in which they were, or in falling order if
    /// `reverse`; if each item is comparable to each other by their bytes ([`OrderKeys`]). Whether
    /// it did.
    ///
    /// [`OrderKeys`]: sharevar_value::OrderKeys
    pub fn sort(&self, reverse: bool) -> Result<bool> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            let (mut sorting, mut are_comparable) = (Sorting::new(reverse), true);
            let read = self.words(|source, words, from| {
                are_comparable = sorting.add(source, words, from)?;
                Ok(are_comparable)
            })?;
            if !are_comparable {
                return Ok(false);
            }
            if let Some((words, stamp)) = read {
                let words = match sorting.finish(words) {
                    Order::Sorted => return Ok(true),
                    Order::Changed(words) => Some(words),
                    Order::Strays(placing) => self.place(placing, stamp)?,
                };
                if let Some(words) = words
                    && self.publish_words(&words, stamp)?
                {
                    return Ok(true);
                }
            }
            attempts.fail()?;
        }
    }

    /// The words in order, after the strays have found their places. `None` if the list has changed
    /// since `stamp`.
    fn place(&self, mut placing: Placing, stamp: Stamp) -> Result<Option<Vec<Word>>> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock_short(variable)?;
            if self.stamp() != stamp {
                return Ok(None);
            }
            let is_done = placing.go_on(&Locked(&transaction, variable))?;
            transaction.commit()?;
            if is_done {
                return Ok(Some(placing.finish()));
            }
        }
    }

    /// The words of all items, at one moment, and the stamp then. `None` if the list has
    /// changed meanwhile, or when `look` says no. That is shown, under the short lock, all the words
    /// up to each piece, and where the piece begins.
    fn words(
        &self,
        mut look: impl FnMut(&Locked<'_, '_>, &[Word], usize) -> sharevar_arena::Result<bool>,
    ) -> Result<Option<(Vec<Word>, Stamp)>> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        let (mut words, mut seen) = (Vec::new(), None);
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock_short(variable)?;
            let source = Locked(&transaction, variable);
            let shape = Shape::of(&source);
            let stamp = self.stamp();
            if seen.is_some_and(|seen| seen != stamp) {
                return Ok(None);
            }
            seen = Some(stamp);
            let from = words.len() as u64;
            let to = shape.length.min(from + BATCH);
            walk::copy_words(&source, shape, from, to, &mut words)?;
            let goes_on = look(&source, &words, from as usize)?;
            transaction.commit()?;
            if !goes_on {
                return Ok(None);
            }
            if to == shape.length {
                return Ok(Some((words, stamp)));
            }
        }
    }
}
