//! The typed priority queue.

use crate::error::Result;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::RawPriorityQueue;
use crate::variables::queue::Queue;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A [`Queue`] whose lowest item is the first, and of equal ones the one that was put first.
///
/// All that is said of [`Queue`] holds for it, and so do its methods: `put`, `get`, the tasks, the
/// waiting.
///
/// Items are ordered by their encoded values, and not by `T: Ord`, so that Rust and Python share
/// one order: numbers by value, strs and bytes byte by byte, tuples and lists element by element.
/// A derived `Ord` of tuples, arrays and `Vec`s of these agrees, and one of `Option` inside of
/// them. Structs and maps have no order, nor has an enum's variant with fields: put a tuple
/// `(priority, item)`. An element without an order ends the comparison, and items that are equal
/// up to there come in the order in which they were put. An item without any order is
/// [`EncodeError::NoOrder`](sharevar_value::EncodeError::NoOrder). Values of different classes are
/// ordered, too: None, numbers, strs, bytes, tuples, lists.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let jobs = manager.priority_queue::<(f64, String)>()?;
/// jobs.put(&(2.5, "later".to_owned()))?;
/// jobs.put(&(1.0, "first".to_owned()))?;
/// assert_eq!(jobs.peek()?, Some((1.0, "first".to_owned())));
/// assert_eq!(jobs.get()?.1, "first");
/// assert_eq!(jobs.get()?.1, "later");
/// # Ok::<(), sharevar::Error>(())
/// ```
pub type PriorityQueue<T> = Queue<T, RawPriorityQueue>;

impl<T: Serialize + DeserializeOwned> PriorityQueue<T> {
    /// Returns the first item without taking it, if there is one.
    pub fn peek(&self) -> Result<Option<T>> {
        self.first()
    }
}

impl Manager {
    /// An empty priority queue.
    pub fn priority_queue<T: Serialize + DeserializeOwned>(&self) -> Result<PriorityQueue<T>> {
        Queue::create(self, 0)
    }

    /// An empty priority queue of at most `limit` items at a time; 0 is no limit.
    pub fn bounded_priority_queue<T: Serialize + DeserializeOwned>(
        &self,
        limit: usize,
    ) -> Result<PriorityQueue<T>> {
        Queue::create(self, limit)
    }
}

impl Named<'_> {
    /// The priority queue of that name.
    pub fn priority_queue<T: Serialize + DeserializeOwned>(&self) -> Result<PriorityQueue<T>> {
        self.get_or_make_typed(|| self.manager().priority_queue(), Queue::first)
    }

    /// The priority queue of that name; `limit` counts for the process that makes it.
    pub fn bounded_priority_queue<T: Serialize + DeserializeOwned>(
        &self,
        limit: usize,
    ) -> Result<PriorityQueue<T>> {
        self.get_or_make_typed(|| self.manager().bounded_priority_queue(limit), Queue::first)
    }
}
