//! The queue.

use crate::argument_types::{Argument, Truthy};
use crate::errors::{Class, OrRaise, is_of, is_ours};
use crate::kinds::queue_class;
use crate::kinds::queue_methods::{
    AnyQueue, OwnReadiness, QueueClass, in_shared_memory, is_full, only, wait_until_done,
};
use crate::variable::{StoreOrFound, Variable, generic_alias};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::{PyException, PyMemoryError, PyOSError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use sharevar::Kind;
use sharevar::engine::{Form, Make};
use sharevar::shm::RawQueue;
use sharevar_os::process_epoch;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A shared queue. Each method but the two for many items is atomic.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Queue {
    raw: AnyQueue<RawQueue>,
    form: Form,
    /// The process that has closed it, by this object. A forked child's copy is open again.
    closed_by: AtomicU64,
    /// Whether this object has put anything: one that has not may be asked after `close`, as in the
    /// standard library, whose `close` does nothing before the first `put`.
    used: AtomicBool,
    /// The descriptor that is readable while there are items, once one was asked for.
    readiness: OwnReadiness,
}

impl QueueClass for Queue {
    type Raw = RawQueue;

    #[inline(always)]
    fn raw(&self) -> &AnyQueue<RawQueue> {
        &self.raw
    }

    /// Only a manager's is one of `queue`'s, and not of `multiprocessing`'s.
    fn is_of_standard_queue(&self) -> bool {
        matches!(self.form, Form::Queue | Form::JoinableQueue)
    }

    #[inline(always)]
    fn expect_open(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().is_closed() { Err(Self::closed_error(slf)) } else { Ok(()) }
    }

    #[inline(always)]
    fn note_use(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    /// An object that cannot be pickled: `multiprocessing.Queue`, whose pickling is done by a
    /// thread of its own, tells a method and goes on; all others raise. So does whatever else is
    /// wrong: a reader would wait for an item that was dropped for its size.
    #[cold]
    fn drop_object(slf: &Bound<'_, Self>, object: &Bound<'_, PyAny>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        let tells = matches!(slf.get().form, Form::ProcessQueue | Form::JoinableProcessQueue);
        let by_size =
            error.is_instance_of::<PyMemoryError>(py) || (is_ours(py, &error) && error.cause(py).is_none());
        if !tells || by_size || !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        let cause = if is_of(py, &error, Class::NotShareable) { error.cause(py) } else { None };
        slf.call_method1(intern!(py, "_dropped"), (cause.unwrap_or(error), object))?;
        Ok(())
    }
}

impl Queue {
    /// A number that no process has that this one was forked from.
    #[inline(always)]
    fn own_number(&self) -> u64 {
        match self.raw.shm() {
            Some(raw) => raw.handle().participant().identity().word(),
            None => process_epoch(),
        }
    }

    #[inline(always)]
    fn is_closed(&self) -> bool {
        let by = self.closed_by.load(Ordering::Relaxed);
        by != 0 && by == self.own_number()
    }

    #[cold]
    fn closed_error(slf: &Bound<'_, Self>) -> PyErr {
        if slf.get().form == Form::SimpleQueue {
            return PyOSError::new_err("handle is closed");
        }
        match slf.repr() {
            Ok(name) => PyValueError::new_err(format!("Queue {name} is closed")),
            Err(error) => error,
        }
    }
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (arena, maxsize = 0, form = "queue"))]
    fn new(arena: &Bound<'_, PyAny>, maxsize: i64, form: &str) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let form = queue_class::form_of_name(form)?;
        let limit = u64::try_from(maxsize).unwrap_or(0);
        let handle = argument.handle(&Make::Queue { limit, form })?;
        let base = Variable::of(&argument.store, &handle, Kind::Queue);
        let raw = AnyQueue::<RawQueue>::open(handle, Kind::Queue).or_raise()?;
        let form = raw.any().form().or_raise()?;
        let closed_by = AtomicU64::new(0);
        let used = AtomicBool::new(form == Form::SimpleQueue);
        Ok(PyClassInitializer::from(base).add_subclass(Self {
            raw,
            form,
            closed_by,
            used,
            readiness: OwnReadiness::default(),
        }))
    }

    /// A descriptor that is readable while there are items: for `select`, `selectors` and event loops.
    ///
    /// It belongs to this process and lives as long as this object. Nothing is to be read from it.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.readiness.of(&self.raw)?.reader().as_raw_fd())
    }

    /// The other end of what `fileno` gives, which is always writable. Nothing is to be written.
    fn _writer_fileno(&self) -> PyResult<i32> {
        Ok(self.readiness.of(&self.raw)?.writer().as_raw_fd())
    }

    /// Wait until a get would come back at once, with an item or an error; false if not in time.
    #[pyo3(signature = (timeout = Some(0.0)), text_signature = "($self, timeout=0.0)")]
    fn _poll(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let raw = in_shared_memory(&slf.get().raw)?;
        if raw.is_ready() {
            return Ok(true);
        }
        let found = waiting::until(slf.py(), &mut raw.ready_wait(), timeout::in_seconds(timeout))?;
        Ok(found.is_some())
    }

    /// Put an item into the queue; `queue.Full` if there is no room, or not in time.
    ///
    /// ``item`` is what `queue.Queue` calls ``obj``.
    #[pyo3(signature = (obj = Argument(None), block = Truthy(true), timeout = None, *, item = Argument(None)), text_signature = "($self, obj, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn put<'py>(
        slf: &Bound<'py, Self>,
        obj: Argument<'py>,
        block: Truthy,
        timeout: Option<f64>,
        item: Argument<'py>,
    ) -> PyResult<()> {
        Self::put_object(slf, &only(obj, item)?, block.0, timeout)
    }

    /// Put an item without waiting; `queue.Full` if there is no room.
    #[pyo3(signature = (obj = Argument(None), *, item = Argument(None)), text_signature = "($self, obj)")]
    fn put_nowait<'py>(slf: &Bound<'py, Self>, obj: Argument<'py>, item: Argument<'py>) -> PyResult<()> {
        Self::put_object(slf, &only(obj, item)?, false, None)
    }

    /// Take the first item; `queue.Empty` if there is none, or none in time.
    #[pyo3(signature = (block = Truthy(true), timeout = None), text_signature = "($self, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn get<'py>(slf: &Bound<'py, Self>, block: Truthy, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, block.0, timeout)
    }

    /// Take an item without waiting; `queue.Empty` if there is none.
    fn get_nowait<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, false, None)
    }

    /// Put all items, some thousands in one step, waiting for room where there is none.
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
    fn empty(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let this = slf.get();
        if this.is_closed() && this.used.load(Ordering::Relaxed) {
            return Err(PyOSError::new_err("handle is closed"));
        }
        Ok(this.raw.any().len().or_raise()? == 0)
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

    /// Use it no more in this process.
    fn close(&self) {
        self.closed_by.store(self.own_number(), Ordering::Relaxed);
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    /// The most items at a time; 0 is no limit.
    #[getter]
    fn maxsize(&self) -> PyResult<u64> {
        self.raw.any().limit().or_raise()
    }

    /// Set the most items at a time; those that are too many already stay.
    #[pyo3(signature = (maxsize, /))]
    fn set_maxsize(&self, maxsize: i64) -> PyResult<()> {
        self.raw.any().set_limit(u64::try_from(maxsize).unwrap_or(0)).or_raise()
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
