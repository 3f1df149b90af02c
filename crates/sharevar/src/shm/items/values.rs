//! Many values, as they were read: most are words, and these stand together.

use super::content::{self, Content, Copied};
use super::source::Source;
use crate::error::Result;
use sharevar_arena::Participant;
use sharevar_value::Word;
use std::sync::Arc;

/// Many values, in order.
#[derive(Debug, Default)]
pub struct Values {
    /// A word for each. Of one that is no scalar the value is among the others.
    words: Vec<Word>,
    others: Vec<Content>,
}

impl Values {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(crate) fn append(&mut self, mut more: Self) {
        self.words.append(&mut more.words);
        self.others.append(&mut more.others);
    }
}

impl IntoIterator for Values {
    type Item = Content;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { words: self.words.into_iter(), others: self.others.into_iter() }
    }
}

/// The values, one after the other.
#[derive(Debug, Default)]
pub struct IntoIter {
    words: std::vec::IntoIter<Word>,
    others: std::vec::IntoIter<Content>,
}

impl Iterator for IntoIter {
    type Item = Content;

    #[inline(always)]
    fn next(&mut self) -> Option<Content> {
        let word = self.words.next()?;
        if word.is_scalar() { Some(Content::Word(word)) } else { self.others.next() }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.words.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

/// The same, copied out and not held yet.
#[derive(Default)]
pub(crate) struct CopiedValues {
    pub(crate) words: Vec<Word>,
    others: Vec<Copied>,
}

impl CopiedValues {
    /// Copies the values of the words that are no scalars. Those from the first one on that has gone
    /// are left away.
    pub(crate) fn of(source: &impl Source, mut words: Vec<Word>) -> sharevar_arena::Result<Self> {
        let mut others = Vec::new();
        for index in 0..words.len() {
            if words[index].is_scalar() {
                continue;
            }
            let Some(copied) = content::copy(source, words[index])? else {
                words.truncate(index);
                break;
            };
            others.push(copied);
        }
        Ok(Self { words, others })
    }

    /// As [`Copied::hold`].
    pub(crate) fn hold(self, participant: &Arc<Participant>) -> Result<Values> {
        let others = self.others.into_iter().map(|copied| copied.hold(participant));
        Ok(Values { words: self.words, others: others.collect::<Result<_>>()? })
    }
}
