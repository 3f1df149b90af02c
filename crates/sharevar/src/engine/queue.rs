//! Items that are put, and taken once.

use super::content::Content;
use super::form::Form;
use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use sharevar_value::Encoded;
use std::fmt::Debug;

/// The operations of an engine on queues. The kind tells in which order the items come.
#[allow(clippy::len_without_is_empty)] // An engine is asked once.
pub trait Queue: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns what the queue was made as; [`Form::Queue`] if its kind has one form.
    fn form(&self) -> Result<Form>;

    /// Returns the number of items.
    fn len(&self) -> Result<u64>;

    /// Returns the most items at a time; 0 is no limit.
    fn limit(&self) -> Result<u64>;

    /// Sets the most items at a time. Those that are too many already stay.
    fn set_limit(&self, limit: u64) -> Result<()>;

    /// Puts an item, if there is room. Returns whether there was.
    ///
    /// # Errors
    /// [`QueueShutDown`](crate::Error::QueueShutDown).
    fn try_put(&self, value: &Encoded) -> Result<bool>;

    /// Returns a wait until there was room for an item, and it is put.
    fn put_wait<'a>(&'a self, value: &'a Encoded) -> Box<dyn Wait<()> + 'a>;

    /// Puts items as far as there is room, in steps of the engine's choice. Returns their number: less
    /// than there are, and 0 if there is no room at all.
    fn try_put_many(&self, values: &[Encoded]) -> Result<usize>;

    /// Takes the first item, if there is one.
    ///
    /// # Errors
    /// [`QueueShutDown`](crate::Error::QueueShutDown) if there is none and none will come.
    fn try_get(&self) -> Result<Option<Content>>;

    /// Returns the first item, without taking it.
    fn first(&self) -> Result<Option<Content>>;

    /// Returns a wait until there was an item, and it is taken.
    fn get_wait(&self) -> Box<dyn Wait<Content> + '_>;

    /// Takes up to `most` items into `items`. Returns their number, which may be less than there are;
    /// the item at which this ends early is for [`Self::try_get`].
    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize>;

    /// Returns the number of items that were put and not yet said to be done.
    fn unfinished(&self) -> Result<u64>;

    /// Says that an item that was taken is dealt with.
    ///
    /// # Errors
    /// [`NoTaskLeft`](crate::Error::NoTaskLeft) if all were.
    fn task_done(&self) -> Result<()>;

    /// Returns a wait until every item that was put is done.
    fn join_wait(&self) -> Box<dyn Wait<()> + '_>;

    /// Ends the queue for all processes. `immediate` takes the items that are still there away, as done.
    fn shut_down(&self, immediate: bool) -> Result<()>;

    /// Returns whether it was shut down.
    fn is_shut_down(&self) -> Result<bool>;
}
