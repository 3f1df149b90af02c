//! The priority queue.

mod parts;

use crate::argument_types::{Argument, Truthy};
use crate::encoding::decode::decode;
use crate::encoding::long::Prepared;
use crate::errors::OrRaise;
use crate::kinds::queue_methods::{
    AnyQueue, OwnReadiness, QueueClass, empty, is_full, only, wait_until_done,
};
use crate::variable::{StoreOrFound, Variable, generic_alias};
use parts::encode_in_parts;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use sharevar::Kind;
use sharevar::engine::{InHome, Make};
use sharevar::shm::RawPriorityQueue;
use sharevar_value::Encoded;
use std::os::fd::AsRawFd;

/// A shared queue, lowest item first. Each method but the two for many items is atomic.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct PriorityQueue {
    raw: AnyQueue<RawPriorityQueue>,
    readiness: OwnReadiness,
}

impl QueueClass for PriorityQueue {
    type Raw = RawPriorityQueue;

    #[inline(always)]
    fn raw(&self) -> &AnyQueue<RawPriorityQueue> {
        &self.raw
    }

    fn encode_item(item: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<Encoded> {
        encode_in_parts(item, home)
    }

    fn prepare_item<'h>(item: &Bound<'_, PyAny>, home: &'h dyn InHome) -> PyResult<Prepared<'h>> {
        encode_in_parts(item, home).map(Prepared::from)
    }
}

#[pymethods]
impl PriorityQueue {
    #[new]
    #[pyo3(signature = (arena, maxsize = 0))]
    fn new(arena: &Bound<'_, PyAny>, maxsize: i64) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let limit = u64::try_from(maxsize).unwrap_or(0);
        let handle = argument.handle(&Make::PriorityQueue { limit })?;
        let base = Variable::of(&argument.store, &handle, Kind::PriorityQueue);
        let raw = AnyQueue::<RawPriorityQueue>::open(handle, Kind::PriorityQueue).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw, readiness: OwnReadiness::default() }))
    }

    /// A descriptor that is readable while there are items: for `select`, `selectors` and event loops.
    ///
    /// It belongs to this process and lives as long as this object. Nothing is to be read from it.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.readiness.of(&self.raw)?.reader().as_raw_fd())
    }

    /// Put an item into the queue; `queue.Full` if there is no room, or not in time.
    #[pyo3(signature = (item = Argument(None), block = Truthy(true), timeout = None), text_signature = "($self, item, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn put<'py>(
        slf: &Bound<'py, Self>,
        item: Argument<'py>,
        block: Truthy,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        Self::put_object(slf, &only(item, Argument(None))?, block.0, timeout)
    }

    /// Put an item without waiting; `queue.Full` if there is no room.
    #[pyo3(signature = (item = Argument(None)), text_signature = "($self, item)")]
    fn put_nowait<'py>(slf: &Bound<'py, Self>, item: Argument<'py>) -> PyResult<()> {
        Self::put_object(slf, &only(item, Argument(None))?, false, None)
    }

    /// Take the lowest item; `queue.Empty` if there is none, or none in time.
    #[pyo3(signature = (block = Truthy(true), timeout = None), text_signature = "($self, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn get<'py>(slf: &Bound<'py, Self>, block: Truthy, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, block.0, timeout)
    }

    /// Take an item without waiting; `queue.Empty` if there is none.
    fn get_nowait<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, false, None)
    }

    /// The lowest item, which stays in the queue; `queue.Empty` if there is none.
    fn peek<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().raw.any().first().or_raise()? {
            Some(content) => decode(slf.py(), content, slf.as_super().get().store()),
            None => Err(empty(slf.py())),
        }
    }

    /// Put all items, some dozens in one step, waiting for room where there is none.
    #[pyo3(signature = (items, /))]
    fn put_many(slf: &Bound<'_, Self>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::put_objects(slf, items)
    }

    /// Take up to ``most`` items, at least one, for which it waits as ``get`` does.
    #[pyo3(signature = (most, block = Truthy(true), timeout = None), text_signature = "($self, most, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn get_many<'py>(
        slf: &Bound<'py, Self>,
        most: usize,
        block: Truthy,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        Self::get_objects(slf, most, block.0, timeout)
    }

    /// The number of items.
    fn qsize(&self) -> PyResult<u64> {
        self.raw.any().len().or_raise()
    }

    /// Whether there are no items.
    fn empty(&self) -> PyResult<bool> {
        Ok(self.raw.any().len().or_raise()? == 0)
    }

    /// Whether there is no room.
    fn full(&self) -> PyResult<bool> {
        is_full(self.raw.any())
    }

    /// Say that an item that was got is dealt with.
    fn task_done(&self) -> PyResult<()> {
        self.raw.any().task_done().or_raise()
    }

    /// Wait until every item that was put is dealt with.
    fn join(&self, py: Python<'_>) -> PyResult<()> {
        wait_until_done(py, self.raw.any())
    }

    /// Refuse to put from now on, and to get once it is empty; ``immediate`` empties it.
    #[pyo3(signature = (immediate = Truthy(false)), text_signature = "($self, immediate=False)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn shutdown(&self, immediate: Truthy) -> PyResult<()> {
        self.raw.any().shut_down(immediate.0).or_raise()
    }

    /// The most items at a time; 0 is no limit.
    #[getter]
    fn maxsize(&self) -> PyResult<u64> {
        self.raw.any().limit().or_raise()
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
