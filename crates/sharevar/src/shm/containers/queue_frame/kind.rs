//! The operations of every kind of queue.

use super::{ITEM, QueueFrame, ROOM};
use crate::engine::form::Form;
use crate::engine::make::Make;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::content::Content;
use crate::shm::point_wait::PointWait;
use sharevar_value::{Encoded, Word};
use std::fmt::Debug;
use std::ops::Deref;

/// The result of a short attempt to take an item.
#[derive(Debug)]
pub enum Got {
    /// An item that fits a word.
    Word(Word),
    /// There is none now.
    Nothing,
    /// There is one, for the long way.
    Long,
}

/// A kind of queue: the [frame](QueueFrame) that all have, and items in an order of its own.
pub trait QueueKind: Deref<Target = QueueFrame> + Debug + Clone + Eq + Send + Sync + Sized {
    /// The kind of its variables.
    const KIND: Kind;

    /// An empty queue of at most `limit` items at a time; 0 is no limit, and so is more than memory
    /// holds.
    fn make(limit: u64) -> Make<'static>;

    /// The queue that a handle leads to.
    fn from_handle(handle: Handle) -> Result<Self>;

    /// The form with which the queue was made.
    fn form(&self) -> Result<Form> {
        Ok(Form::Queue)
    }

    /// The first item, without taking it.
    fn first(&self) -> Result<Option<Content>>;

    /// Puts an item that fits a word, if the kind has a short way for it: whether there was room.
    /// `None` says that it needs the long way.
    #[inline(always)]
    fn put_word(&self, _word: Word, _announce: bool) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Takes the first item if it fits a word, if the kind has a short way for it.
    #[inline(always)]
    fn get_word(&self, _announce: bool) -> Result<Got> {
        Ok(Got::Long)
    }

    /// Puts an item, if there is room. `announce` says, where there is none, that a thread is
    /// about to sleep for room.
    fn try_put(&self, value: &Encoded, announce: bool) -> Result<bool>;

    /// Takes the first item, if there is one. `announce` says, where there is none, that a thread
    /// is about to sleep for an item.
    ///
    /// # Errors
    /// [`Error::QueueShutDown`](crate::Error::QueueShutDown) if there is none and none will come.
    fn try_get(&self, announce: bool) -> Result<Option<Content>>;

    /// A wait until there was room for an item, and it is put.
    fn put_wait<'a>(&'a self, value: &'a Encoded) -> impl Wait<()> + 'a {
        PointWait::new(
            self.point(),
            ROOM,
            || self.may_put(),
            |announce| Ok(self.try_put(value, announce)?.then_some(())),
        )
    }

    /// A wait until there was an item, and it is taken.
    fn get_wait(&self) -> impl Wait<Content> + '_ {
        PointWait::new(self.point(), ITEM, || self.may_get(), |announce| self.try_get(announce))
    }

    /// Puts items as far as there is room, in steps of the kind's choice. Returns their number: less
    /// than there are, and 0 if there is no room at all.
    fn try_put_many(&self, values: &[Encoded]) -> Result<usize>;

    /// Takes up to `most` items into `items`. Returns their number: less than there are, and 0 if
    /// there is none. The item at which this ends early is for [`Self::try_get`].
    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize>;
}
