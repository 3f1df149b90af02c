//! Items in an order.

use super::content::Content;
use super::handle::Handle;
use super::span::Span;
use super::stamp::Stamp;
use crate::error::{Error, Result};
use crate::shm::Attempts;
use sharevar_value::Encoded;
use std::fmt::Debug;

/// The operations of an engine on lists. Each method is one operation for all processes. Negative indices
/// count from the end; one that is beyond the ends is
/// [`IndexOutOfRange`](crate::Error::IndexOutOfRange).
pub trait List: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns the state now. It is taken before what it is about is read.
    fn stamp(&self) -> Result<Stamp>;

    /// Returns the number of items.
    fn len(&self) -> Result<u64>;

    /// Returns whether there are no items.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Returns item `index`.
    fn get(&self, index: i64) -> Result<Content>;

    /// Replaces item `index`.
    fn set(&self, index: i64, value: &Encoded) -> Result<()>;

    /// Adds an item at the end.
    fn push(&self, value: &Encoded) -> Result<()>;

    /// Adds items at the end. [`RawList::MAX_ATOMIC_EXTEND`](crate::shm::RawList::MAX_ATOMIC_EXTEND) of
    /// them are one operation in every engine.
    fn extend(&self, values: &[Encoded]) -> Result<()>;

    /// Puts an item before item `index`; beyond the ends means at the end.
    fn insert(&self, index: i64, value: &Encoded) -> Result<()>;

    /// Removes item `index` and returns it.
    fn remove(&self, index: i64) -> Result<Content>;

    /// Removes item `index` without a look at it.
    fn discard(&self, index: i64) -> Result<()> {
        self.remove(index).map(drop)
    }

    /// Removes all items.
    fn clear(&self) -> Result<()>;

    /// Turns the order round.
    fn reverse(&self) -> Result<()>;

    /// Makes the list hold its items `times` times over.
    fn repeat(&self, times: u64) -> Result<()> {
        if times == 0 {
            return self.clear();
        }
        let mut attempts = Attempts::at(None);
        loop {
            let (items, stamp) = self.snapshot()?;
            let again = usize::try_from(times - 1).unwrap_or(usize::MAX);
            if items.is_empty() || again == 0 {
                return Ok(());
            }
            let mut values = Vec::new();
            let length = items.len().saturating_mul(again);
            if values.try_reserve_exact(length).is_err() {
                let asked = (length as u64).saturating_mul(size_of::<Encoded>() as u64);
                return Err(Error::OutOfMemory { asked, free: 0, limit: isize::MAX as u64 });
            }
            let once: Vec<_> = items.iter().map(Content::to_encoded).collect();
            values.extend(std::iter::repeat_n(&once, again).flatten().cloned());
            if self.replace(&[], u64::MAX, &values, stamp)? {
                return Ok(());
            }
            attempts.fail()?;
        }
    }

    /// Returns the items that a span names, in its order.
    fn get_slice(&self, span: Span) -> Result<Vec<Content>>;

    /// Replaces the items that a span names: by any number of values, or one for one if the span has a
    /// step.
    ///
    /// # Errors
    /// [`WrongLength`](crate::Error::WrongLength) if there are more or fewer values than places with a
    /// step.
    fn set_slice(&self, span: Span, values: &[Encoded]) -> Result<()>;

    /// Removes the items that a span names.
    fn delete_slice(&self, span: Span) -> Result<()>;

    /// Returns all items, and the state at the one moment of which they are.
    fn snapshot(&self) -> Result<(Vec<Content>, Stamp)>;

    /// Brings the items into another order if nothing was changed since `stamp`: place `n` gets what
    /// stood at `order[n]`. Returns whether it did. `order` must name each place once.
    fn reorder(&self, order: &[u64], stamp: Stamp) -> Result<bool>;

    /// Removes the items at `indices` (ascending, each once) and puts `values` where the first of them
    /// was, or at `at` if there are none, if nothing was changed since `stamp`. Returns whether it did.
    fn replace(&self, indices: &[u64], at: u64, values: &[Encoded], stamp: Stamp) -> Result<bool>;
}
