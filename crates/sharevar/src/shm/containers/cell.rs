//! One value of any type, in word 0 of the body.

use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::{Handle, variable_of_kind};
use crate::shm::items::content::{self, Cell, Content};
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Word};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

/// A shared value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawValue {
    handle: Handle,
}

variable_of_kind!(RawValue, Value);

/// The one cell.
struct Only;

impl Cell for Only {
    #[inline(always)]
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>> {
        Ok(Some(Word(source.body(0))))
    }
}

impl RawValue {
    /// Makes a value. It is absent until it is first set.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        Self::from_handle(Handle::create(participant, Kind::Value)?)
    }

    /// The state of the value now. It is taken before what it is about is read.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        self.handle.stamp()
    }

    /// The value; `None` if it was never set.
    #[inline]
    pub fn get(&self) -> Result<Option<Content>> {
        let found = content::read_cell(&self.handle, &Only)?;
        Ok(found.filter(|content| !matches!(content, Content::Word(word) if word.is_absent())))
    }

    /// The value; `None` if it was never set, and the state of the value at that moment or before.
    pub fn get_stamped(&self) -> Result<(Option<Content>, Stamp)> {
        let stamp = self.stamp();
        Ok((self.get()?, stamp))
    }

    /// The value if it fits a word. `None` says nothing: ask [`Self::get`].
    #[inline(always)]
    pub fn get_word(&self) -> Option<Word> {
        self.handle.participant().peek(self.handle.variable(), |peek| {
            let word = Word(peek.body(0));
            (word.is_scalar() && !word.is_absent()).then_some(word)
        })
    }

    /// Sets it if it was a word and becomes one. If not, nothing is done and the answer is
    /// `false`: go by [`Self::set`].
    #[inline(always)]
    pub fn set_word(&self, word: Word) -> bool {
        if !word.is_scalar() {
            return false;
        }
        let done = self.handle.participant().change_one(self.handle.variable(), |change| {
            let old = Word(change.body(0));
            if !old.is_scalar() {
                return None;
            }
            change.change_body(0, word.0);
            Some(())
        });
        done.is_some()
    }

    /// Adds to an integer, if the sum fits a word. The sum. `None` says nothing: go by
    /// [`Self::increment`].
    #[inline]
    pub fn increment_word(&self, by: i64) -> Option<i64> {
        self.handle.participant().change_one(self.handle.variable(), |change| {
            let sum = Word(change.body(0)).as_int()?.checked_add(by)?;
            change.change_body(0, Word::from_int(sum)?.0);
            Some(sum)
        })
    }

    /// Sets it.
    #[inline]
    pub fn set(&self, value: &Encoded) -> Result<()> {
        self.set_where(value, None).map(|_| ())
    }

    /// Sets it if it was not changed since `stamp`. Whether it was set.
    pub fn set_if_unchanged(&self, value: &Encoded, stamp: Stamp) -> Result<bool> {
        self.set_where(value, Some(stamp))
    }

    #[inline(always)]
    fn set_where(&self, value: &Encoded, stamp: Option<Stamp>) -> Result<bool> {
        let variable = self.handle.variable();
        let participant = self.handle.participant();
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(variable)?;
        if stamp.is_some_and(|stamp| stamp != self.stamp()) {
            return Ok(false);
        }
        let old = Word(transaction.body(variable, 0));
        if !old.is_scalar() || !word.is_scalar() {
            transaction.set_body(variable, 0, word.0)?;
            content::free_on_commit(&mut transaction, old)?;
        } else {
            transaction.change_body(variable, 0, word.0);
        }
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    /// Adds `by` to an integer, as one operation. The new value.
    pub fn increment(&self, by: i64) -> Result<i64> {
        let variable = self.handle.variable();
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(variable)?;
        let old = Word(transaction.body(variable, 0)).as_int();
        let sum = old.and_then(|old| old.checked_add(by));
        let (Some(sum), Some(word)) = (sum, sum.and_then(Word::from_int)) else {
            return Err(Error::NotANumber { operation: "an increment" });
        };
        transaction.change_body(variable, 0, word.0);
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(sum)
    }
}

/// Takes the content of a dying value away.
fn reap(participant: &Participant, variable: sharevar_arena::Variable) -> sharevar_arena::Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(variable)?;
    let word = Word(transaction.body(variable, 0));
    transaction.set_body(variable, 0, 0)?;
    content::free_on_commit(&mut transaction, word)?;
    transaction.commit()?;
    Ok(true)
}

/// Names what the value leads to.
fn trace(source: &AtOnce<'_, '_>, _living: bool, visit: &mut dyn FnMut(u64)) -> sharevar_arena::Result<()> {
    content::trace(source, Word(source.body(0)), visit)
}
