//! The typed queue.

use crate::engine::wait::{deadline, run, run_without_limit};
use crate::engine::{self, Backed};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::{Got, QueueKind, RawQueue, Readiness};
use crate::values::{decode, encode};
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::Encoded;
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A queue between processes, and between the threads of one: first in, first out.
///
/// An item is in the queue when `put` returns, and stays there when its producer dies. Each item
/// is got by one consumer; one that is killed in the middle of `get` has taken the item or has
/// not. A process that dies while it waits hinders no other.
///
/// The forms that do not wait, or not for ever, say by `false` or `None` that there was no room or
/// no item: that is an answer, and no error. [`Error::QueueShutDown`] is one, since nothing will
/// ever come of trying again.
///
/// ```
/// use sharevar::Error;
///
/// let manager = sharevar::Manager::new()?;
/// let jobs = manager.queue::<String>()?;
/// jobs.put("first")?;
/// jobs.put("second")?;
/// assert_eq!(jobs.len()?, 2);
/// assert_eq!(jobs.get()?, "first");
/// jobs.shutdown(false)?;
/// assert_eq!(jobs.get()?, "second");
/// assert_eq!(jobs.get(), Err(Error::QueueShutDown));
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// `K` is the kind of queue, by which the items are ordered.
pub struct Queue<T, K = RawQueue> {
    raw: Backed<K, dyn engine::Queue>,
    items: PhantomData<fn() -> T>,
}

impl_shared!(backed Queue, [T, K: QueueKind], Backed<K, dyn engine::Queue>, K::KIND, { items: PhantomData });

impl<T, K: QueueKind> Queue<T, K> {
    pub(crate) fn create(manager: &Manager, limit: usize) -> Result<Self> {
        Self::from_handle(manager.home().create(&K::make(limit as u64))?)
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<K, dyn engine::Queue>) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// The untyped queue, if it is in shared memory.
    pub fn shm(&self) -> Option<&K> {
        self.raw.shm()
    }

    /// The untyped queue, whichever engine keeps it.
    pub(crate) fn any(&self) -> &dyn engine::Queue {
        self.raw.any()
    }

    /// Number of items, exact at some moment of this call.
    pub fn len(&self) -> Result<usize> {
        Ok(self.raw.any().len()? as usize)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.raw.any().len()? == 0)
    }

    /// Whether there is no room for another item.
    pub fn is_full(&self) -> Result<bool> {
        let limit = self.raw.any().limit()?;
        Ok(limit != 0 && self.raw.any().len()? >= limit)
    }

    /// The most items at a time, if there is a limit.
    pub fn capacity(&self) -> Result<Option<usize>> {
        Ok(Some(self.raw.any().limit()? as usize).filter(|limit| *limit != 0))
    }

    /// Says that an item that was got is dealt with. [`Error::NoTaskLeft`] if all were already.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let jobs = manager.queue::<u32>()?;
    /// jobs.put(&1)?;
    /// // ... in a worker:
    /// let job = jobs.get()?;
    /// jobs.task_done()?;
    /// // ... in who waits for the work:
    /// jobs.join()?;
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn task_done(&self) -> Result<()> {
        self.raw.any().task_done()
    }

    /// Waits until every item that was put is [done](Self::task_done).
    pub fn join(&self) -> Result<()> {
        run_without_limit(&mut *self.raw.any().join_wait())
    }

    /// The same for at most `limit`: whether all are done.
    pub fn join_timeout(&self, limit: Duration) -> Result<bool> {
        Ok(run(&mut *self.raw.any().join_wait(), deadline(limit))?.is_some())
    }

    /// Ends the queue for all processes: no item can be put any more, and a get that finds none left
    /// fails with [`Error::QueueShutDown`]. `immediate` also takes away, as done, the items that are there.
    pub fn shutdown(&self, immediate: bool) -> Result<()> {
        self.raw.any().shut_down(immediate)
    }

    /// A descriptor that is readable while the queue has items, for `poll`, `epoll` and event loops.
    ///
    /// It is this process's own, and stays the same while it is held. Nothing is read from it:
    /// it stops being readable when the last item is taken, a moment later if another process takes
    /// it. It is readable, too, when a get would fail at once: once the queue is shut
    /// down or the manager closed.
    ///
    /// ```
    /// use std::os::fd::AsFd;
    ///
    /// let manager = sharevar::Manager::new()?;
    /// let jobs = manager.queue::<u32>()?;
    /// let readiness = jobs.readiness()?;
    /// let _descriptor = readiness.as_fd();
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn readiness(&self) -> Result<Arc<Readiness>> {
        let Some(raw) = self.raw.shm() else {
            return Err(self.raw.handle().unsupported("descriptor of a queue"));
        };
        Readiness::of(raw, |follow| {
            follow();
            true
        })
    }

    #[inline]
    fn try_put_encoded(&self, value: &Encoded) -> Result<bool> {
        match &self.raw {
            Backed::Shm(raw) => raw.try_put(value, false),
            Backed::Other(queue) => queue.try_put(value),
        }
    }
}

impl<T: Serialize + DeserializeOwned, K: QueueKind> Queue<T, K> {
    /// Puts an item at the end, and waits for room as long as it takes.
    #[inline]
    pub fn put<W>(&self, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        let value = encode::value(&self.raw, value)?;
        if self.try_put_encoded(&value.encoded)? {
            return Ok(());
        }
        run_without_limit(&mut *self.raw.any().put_wait(&value.encoded))
    }

    /// Puts an item at the end, if there is room: whether there was.
    #[inline]
    pub fn try_put<W>(&self, value: &W) -> Result<bool>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        let value = encode::value(&self.raw, value)?;
        self.try_put_encoded(&value.encoded)
    }

    /// Puts an item at the end, and waits for room no longer than `limit`: whether there was.
    #[inline]
    pub fn put_timeout<W>(&self, value: &W, limit: Duration) -> Result<bool>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        let value = encode::value(&self.raw, value)?;
        if self.try_put_encoded(&value.encoded)? {
            return Ok(true);
        }
        Ok(run(&mut *self.raw.any().put_wait(&value.encoded), deadline(limit))?.is_some())
    }

    /// Returns the first item without taking it, if there is one.
    pub(crate) fn first(&self) -> Result<Option<T>> {
        self.any().first()?.map(decode::content).transpose()
    }

    /// Takes the first item, and waits for one as long as it takes.
    #[inline]
    pub fn get(&self) -> Result<T> {
        if let Some(item) = self.try_get()? {
            return Ok(item);
        }
        decode::content(run_without_limit(&mut *self.raw.any().get_wait())?)
    }

    /// Takes the first item, if there is one.
    #[inline]
    pub fn try_get(&self) -> Result<Option<T>> {
        let found = match &self.raw {
            Backed::Shm(raw) => match raw.get_word(false)? {
                Got::Word(word) => return decode::word(word).map(Some),
                Got::Nothing => return Ok(None),
                Got::Long => raw.try_get(false)?,
            },
            Backed::Other(queue) => queue.try_get()?,
        };
        found.map(decode::content).transpose()
    }

    /// Takes the first item, and waits for one no longer than `limit`.
    #[inline]
    pub fn get_timeout(&self, limit: Duration) -> Result<Option<T>> {
        if let Some(item) = self.try_get()? {
            return Ok(Some(item));
        }
        let content = run(&mut *self.raw.any().get_wait(), deadline(limit))?;
        content.map(decode::content).transpose()
    }

    /// The items, each taken as the walk comes to it, until the queue is
    /// [shut down](Self::shutdown) and empty.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let numbers = manager.bounded_queue::<i64>(10)?;
    /// for number in 1..=3 {
    ///     numbers.put(&number)?;
    /// }
    /// numbers.shutdown(false)?;
    /// assert_eq!(numbers.iter().sum::<Result<i64, _>>()?, 6);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Result<T>> + '_ {
        std::iter::from_fn(|| match self.get() {
            Err(Error::QueueShutDown) => None,
            item => Some(item),
        })
    }
}

impl Manager {
    /// An empty queue.
    pub fn queue<T: Serialize + DeserializeOwned>(&self) -> Result<Queue<T>> {
        Queue::create(self, 0)
    }

    /// An empty queue of at most `limit` items at a time; 0 is no limit.
    pub fn bounded_queue<T: Serialize + DeserializeOwned>(&self, limit: usize) -> Result<Queue<T>> {
        Queue::create(self, limit)
    }
}

impl Named<'_> {
    /// The queue of that name.
    pub fn queue<T: Serialize + DeserializeOwned>(&self) -> Result<Queue<T>> {
        self.get_or_make_typed(|| self.manager().queue(), Queue::first)
    }

    /// The queue of that name; `limit` counts only if this call makes it.
    pub fn bounded_queue<T: Serialize + DeserializeOwned>(&self, limit: usize) -> Result<Queue<T>> {
        self.get_or_make_typed(|| self.manager().bounded_queue(limit), Queue::first)
    }
}
