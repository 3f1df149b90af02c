//! The queue.

use crate::argument_types::{Given, Truth};
use crate::encoding::decode::{decode, word as decode_word};
use crate::encoding::encode::{self, encode};
use crate::errors::{Class, OrRaise, is_of, is_ours, to_python};
use crate::kinds::queue_class;
use crate::variable::{Origin, Variable, generic_alias};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::{PyException, PyMemoryError, PyOSError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyType};
use sharevar::shm::{Content, Form, Got, RawQueue, Readiness};
use sharevar::{Error, Kind, Participant};
use sharevar_value::Encoded;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A shared queue. Each method but the two for many items is atomic.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Queue {
    raw: RawQueue,
    form: Form,
    /// The participant that has closed it, by this object. A forked child's copy is open again.
    closed_by: AtomicU64,
    /// Whether this object has put anything: one that has not may be asked after `close`, as in the
    /// standard library, whose `close` does nothing before the first `put`.
    used: AtomicBool,
    /// The descriptor that is readable while there are items, once one was asked for.
    readiness: Mutex<Option<Arc<Readiness>>>,
}

static FULL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static EMPTY: PyOnceLock<Py<PyType>> = PyOnceLock::new();

#[cold]
fn raise_standard(py: Python<'_>, cell: &'static PyOnceLock<Py<PyType>>, name: &'static str) -> PyErr {
    match cell.import(py, "queue", name) {
        Ok(class) => PyErr::from_type(class.clone(), ()),
        Err(error) => error,
    }
}

/// What is put, under the name that it was given by.
#[inline(always)]
fn only<'py>(obj: Given<'py>, item: Given<'py>) -> PyResult<Bound<'py, PyAny>> {
    match (obj.0, item.0) {
        (Some(object), None) | (None, Some(object)) => Ok(object),
        _ => Err(PyTypeError::new_err("a queue's put takes one item, as 'obj' or as 'item'")),
    }
}

fn full(py: Python<'_>) -> PyErr {
    raise_standard(py, &FULL, "Full")
}

fn empty(py: Python<'_>) -> PyErr {
    raise_standard(py, &EMPTY, "Empty")
}

/// Calls a function with the interpreter's lock, unless the interpreter is about to end.
fn attached(function: &mut dyn FnMut()) -> bool {
    Python::try_attach(|_| function()).is_some()
}

impl Queue {
    /// The descriptor of this process, made when it is first asked for.
    fn readiness(&self) -> PyResult<Arc<Readiness>> {
        let mut readiness = self.readiness.lock().unwrap_or_else(PoisonError::into_inner);
        // A forked child has its parent's, and a program may have closed all descriptors.
        if let Some(known) = readiness.as_ref().filter(|known| known.is_usable()) {
            known.follow();
            return Ok(known.clone());
        }
        let made = Readiness::of(&self.raw, attached).or_raise()?;
        *readiness = Some(made.clone());
        Ok(made)
    }

    #[inline(always)]
    fn participant(&self) -> &Arc<Participant> {
        self.raw.handle().participant()
    }

    /// Whether it is one of `multiprocessing`'s own, not a manager's.
    fn is_top_level(&self) -> bool {
        !matches!(self.form, Form::Queue | Form::JoinableQueue)
    }

    #[inline(always)]
    fn is_closed(&self) -> bool {
        let by = self.closed_by.load(Ordering::Relaxed);
        by != 0 && by == self.participant().identity().word()
    }

    #[inline(always)]
    fn expect_open(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().is_closed() { Err(Self::closed_error(slf)) } else { Ok(()) }
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

    /// Refuses a negative time as `queue.Queue` does, which looks at it before it looks whether
    /// there is anything to wait for. `multiprocessing.Queue` does not.
    #[inline(always)]
    fn expect_time(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<()> {
        if block && !slf.get().is_top_level() && timeout.is_some_and(|seconds| seconds < 0.0) {
            return Err(PyValueError::new_err("'timeout' must be a non-negative number"));
        }
        Ok(())
    }

    #[inline(always)]
    fn put_object(
        slf: &Bound<'_, Self>,
        object: &Bound<'_, PyAny>,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let this = slf.get();
        Self::expect_open(slf)?;
        this.used.store(true, Ordering::Relaxed);
        // One without a limit never waits.
        if timeout.is_some() && this.raw.limit().or_raise()? > 0 {
            Self::expect_time(slf, block, timeout)?;
        }
        if let Some(word) = encode::word(object)
            && this.raw.put_word(word, false).or_raise()? == Some(true)
        {
            return Ok(());
        }
        match encode(object, this.participant()) {
            Ok(value) => Self::put_value(slf, &value, block, timeout),
            Err(error) => Self::drop_object(slf, object, error),
        }
    }

    fn put_value(slf: &Bound<'_, Self>, value: &Encoded, block: bool, timeout: Option<f64>) -> PyResult<()> {
        let (raw, py) = (&slf.get().raw, slf.py());
        if raw.try_put(value, false).or_raise()? {
            return Ok(());
        }
        if !block {
            return Err(full(py));
        }
        let put = waiting::until(
            py,
            raw.point(),
            RawQueue::ROOM,
            timeout::end_of(timeout, slf.as_super().get())?,
            || raw.may_put(),
            |announce| Ok(raw.try_put(value, announce)?.then_some(())),
        )?;
        put.ok_or_else(|| full(py))
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

    #[inline(always)]
    fn get_object<'py>(
        slf: &Bound<'py, Self>,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::expect_open(slf)?;
        Self::expect_time(slf, block, timeout)?;
        if let Got::Word(word) = slf.get().raw.get_word(false).or_raise()? {
            return decode_word(slf.py(), word);
        }
        Self::get_content(slf, block, timeout)
    }

    fn get_content<'py>(
        slf: &Bound<'py, Self>,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let content = Self::wait_for_item(slf, block, timeout)?;
        decode(slf.py(), content, slf.as_super().get().home())
    }

    fn wait_for_item(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<Content> {
        let (raw, py) = (&slf.get().raw, slf.py());
        if let Some(content) = raw.try_get(false).or_raise()? {
            return Ok(content);
        }
        if !block {
            return Err(empty(py));
        }
        let content = waiting::until(
            py,
            raw.point(),
            RawQueue::ITEM,
            timeout::end_of(timeout, slf.as_super().get())?,
            || raw.may_get(),
            |announce| raw.try_get(announce),
        )?;
        content.ok_or_else(|| empty(py))
    }
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (arena, maxsize = 0, form = "queue"))]
    fn new(arena: &Bound<'_, PyAny>, maxsize: i64, form: &str) -> PyResult<PyClassInitializer<Self>> {
        let mut origin = Origin::from_argument(arena)?;
        let form = queue_class::form_of_name(form)?;
        let limit = u64::try_from(maxsize).unwrap_or(0);
        let raw =
            origin.open(RawQueue::from_handle, |participant| RawQueue::create(participant, limit, form))?;
        let form = raw.form().or_raise()?;
        let base = Variable::of(&origin.arena, raw.handle(), Kind::Queue);
        let closed_by = AtomicU64::new(0);
        let used = AtomicBool::new(form == Form::SimpleQueue);
        Ok(PyClassInitializer::from(base).add_subclass(Self {
            raw,
            form,
            closed_by,
            used,
            readiness: Mutex::new(None),
        }))
    }

    /// A descriptor that is readable while there are items: for `select`, `selectors` and event loops.
    ///
    /// It belongs to this process and lives as long as this object. Nothing is to be read from it.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.readiness()?.reader().as_raw_fd())
    }

    /// The other end of what `fileno` gives, which is always writable. Nothing is to be written.
    fn _writer_fileno(&self) -> PyResult<i32> {
        Ok(self.readiness()?.writer().as_raw_fd())
    }

    /// Wait until a get would come back at once, with an item or an error; false if not in time.
    #[pyo3(signature = (timeout = Some(0.0)), text_signature = "($self, timeout=0.0)")]
    fn _poll(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let raw = &slf.get().raw;
        if raw.is_ready() {
            return Ok(true);
        }
        let found = waiting::until(
            slf.py(),
            raw.point(),
            RawQueue::FIRST_ITEM,
            timeout::in_seconds(timeout),
            || raw.may_get(),
            |announce| Ok(raw.has_item(announce)?.then_some(())),
        )?;
        Ok(found.is_some())
    }

    /// Put an item into the queue; `queue.Full` if there is no room, or not in time.
    ///
    /// ``item`` is what `queue.Queue` calls ``obj``.
    #[pyo3(signature = (obj = Given(None), block = Truth(true), timeout = None, *, item = Given(None)), text_signature = "($self, obj, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn put<'py>(
        slf: &Bound<'py, Self>,
        obj: Given<'py>,
        block: Truth,
        timeout: Option<f64>,
        item: Given<'py>,
    ) -> PyResult<()> {
        Self::put_object(slf, &only(obj, item)?, block.0, timeout)
    }

    #[pyo3(signature = (obj = Given(None), *, item = Given(None)), text_signature = "($self, obj)")]
    fn put_nowait<'py>(slf: &Bound<'py, Self>, obj: Given<'py>, item: Given<'py>) -> PyResult<()> {
        Self::put_object(slf, &only(obj, item)?, false, None)
    }

    /// Take the first item; `queue.Empty` if there is none, or none in time.
    #[pyo3(signature = (block = Truth(true), timeout = None), text_signature = "($self, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn get<'py>(slf: &Bound<'py, Self>, block: Truth, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, block.0, timeout)
    }

    fn get_nowait<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_object(slf, false, None)
    }

    /// Put all items, some thousands in one step, waiting for room where there is none.
    #[pyo3(signature = (items, /))]
    fn put_many(slf: &Bound<'_, Self>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        Self::expect_open(slf)?;
        this.used.store(true, Ordering::Relaxed);
        let mut values = Vec::new();
        for item in items.try_iter()? {
            values.push(encode(&item?, this.participant())?);
        }
        let mut rest = &values[..];
        while let Some(first) = rest.first() {
            slf.py().check_signals()?;
            let count = match this.raw.try_put_many(rest).or_raise()? {
                0 => Self::put_value(slf, first, true, None).map(|()| 1)?,
                count => count,
            };
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Take up to ``most`` items, at least one, for which it waits as ``get`` does.
    #[pyo3(signature = (most, block = Truth(true), timeout = None), text_signature = "($self, most, block=True, timeout=None)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn get_many<'py>(
        slf: &Bound<'py, Self>,
        most: usize,
        block: Truth,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (this, py) = (slf.get(), slf.py());
        Self::expect_open(slf)?;
        Self::expect_time(slf, block.0, timeout)?;
        let mut contents = Vec::new();
        while contents.len() < most {
            let left = most - contents.len();
            if this.raw.try_get_many(left, &mut contents).or_raise()? > 0 {
                continue;
            }
            if contents.is_empty() {
                contents.push(Self::wait_for_item(slf, block.0, timeout)?);
                continue;
            }
            match this.raw.try_get(false) {
                Ok(Some(content)) => contents.push(content),
                Ok(None) | Err(Error::QueueShutDown) => break,
                Err(error) => return Err(to_python(error)),
            }
        }
        let home = slf.as_super().get().home();
        let objects = contents.into_iter().map(|content| decode(py, content, home));
        PyList::new(py, objects.collect::<PyResult<Vec<_>>>()?)
    }

    /// The number of items.
    fn qsize(&self) -> PyResult<u64> {
        self.raw.len().or_raise()
    }

    fn empty(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let this = slf.get();
        if this.is_closed() && this.used.load(Ordering::Relaxed) {
            return Err(PyOSError::new_err("handle is closed"));
        }
        this.raw.is_empty().or_raise()
    }

    fn full(&self) -> PyResult<bool> {
        self.raw.is_full().or_raise()
    }

    /// Say that an item that was got is dealt with.
    fn task_done(&self) -> PyResult<()> {
        self.raw.task_done().or_raise()
    }

    /// Wait until every item that was put is dealt with.
    fn join(&self, py: Python<'_>) -> PyResult<()> {
        if self.raw.try_join(false).or_raise()? {
            return Ok(());
        }
        waiting::until(
            py,
            self.raw.point(),
            RawQueue::ALL_DONE,
            None,
            || self.raw.may_join(),
            |announce| Ok(self.raw.try_join(announce)?.then_some(())),
        )?;
        Ok(())
    }

    /// Let nobody put any more, nor get once it is empty; ``immediate`` empties it.
    #[pyo3(signature = (immediate = Truth(false)), text_signature = "($self, immediate=False)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn shutdown(&self, immediate: Truth) -> PyResult<()> {
        self.raw.shut_down(immediate.0).or_raise()
    }

    /// Use it no more in this process.
    fn close(&self) {
        self.closed_by.store(self.participant().identity().word(), Ordering::Relaxed);
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    /// The most items at a time; 0 is no limit.
    #[getter]
    fn maxsize(&self) -> PyResult<u64> {
        self.raw.limit().or_raise()
    }

    /// Set the most items at a time; those that are too many already stay.
    #[pyo3(signature = (maxsize, /))]
    fn set_maxsize(&self, maxsize: i64) -> PyResult<()> {
        self.raw.set_limit(u64::try_from(maxsize).unwrap_or(0)).or_raise()
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
