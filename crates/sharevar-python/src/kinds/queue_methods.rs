//! The methods of the classes of all kinds of queues: putting, taking and waiting.

use crate::argument_types::Argument;
use crate::encoding::decode::{decode, word as decode_word};
use crate::encoding::encode::{self, encode, prepare};
use crate::encoding::long::Prepared;
use crate::errors::{OrRaise, to_python};
use crate::variable::Variable;
use crate::waiting;
use crate::waiting::timeout;
use pyo3::PyClass;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyType};
use sharevar::engine::{self, Backed, InHome};
use sharevar::shm::{Got, QueueKind, Readiness};
use sharevar::{Content, Error};
use sharevar_value::Encoded;
use std::sync::{Arc, Mutex, PoisonError};

static FULL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static EMPTY: PyOnceLock<Py<PyType>> = PyOnceLock::new();

#[cold]
fn raise_standard(py: Python<'_>, cell: &'static PyOnceLock<Py<PyType>>, name: &'static str) -> PyErr {
    match cell.import(py, "queue", name) {
        Ok(class) => PyErr::from_type(class.clone(), ()),
        Err(error) => error,
    }
}

fn full(py: Python<'_>) -> PyErr {
    raise_standard(py, &FULL, "Full")
}

pub(crate) fn empty(py: Python<'_>) -> PyErr {
    raise_standard(py, &EMPTY, "Empty")
}

/// The item that is put, under the name that it was given by.
#[inline(always)]
pub(crate) fn only<'py>(obj: Argument<'py>, item: Argument<'py>) -> PyResult<Bound<'py, PyAny>> {
    match (obj.0, item.0) {
        (Some(object), None) | (None, Some(object)) => Ok(object),
        _ => Err(PyTypeError::new_err("a queue's put takes one item, as 'obj' or as 'item'")),
    }
}

/// Calls a function with the interpreter's lock, unless the interpreter is about to end.
fn attached(function: &mut dyn FnMut()) -> bool {
    Python::try_attach(|_| function()).is_some()
}

/// A queue of a kind, whichever engine keeps it.
pub(crate) type AnyQueue<K> = Backed<K, dyn engine::Queue>;

/// The descriptor of an object that is readable while its queue has items, once one was asked for.
#[derive(Debug, Default)]
pub(crate) struct OwnReadiness(Mutex<Option<Arc<Readiness>>>);

impl OwnReadiness {
    /// The descriptor of this process, made when it is first asked for.
    pub(crate) fn of<K: QueueKind>(&self, queue: &AnyQueue<K>) -> PyResult<Arc<Readiness>> {
        let queue = in_shared_memory(queue)?;
        let mut readiness = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A forked child has its parent's, and a program may have closed all descriptors.
        if let Some(known) = readiness.as_ref().filter(|known| known.is_usable()) {
            known.follow();
            return Ok(known.clone());
        }
        let made = Readiness::of(queue, attached).or_raise()?;
        *readiness = Some(made.clone());
        Ok(made)
    }
}

/// The queue, if it is where this process can be told of its items.
pub(crate) fn in_shared_memory<K: QueueKind>(queue: &AnyQueue<K>) -> PyResult<&K> {
    let unsupported = || queue.handle().unsupported("descriptor of a queue");
    queue.shm().ok_or_else(unsupported).or_raise()
}

/// Whether there is no room for another item.
pub(crate) fn is_full(queue: &dyn engine::Queue) -> PyResult<bool> {
    let limit = queue.limit().or_raise()?;
    Ok(limit != 0 && queue.len().or_raise()? >= limit)
}

/// Waits until every item that was put is dealt with.
pub(crate) fn wait_until_done(py: Python<'_>, queue: &dyn engine::Queue) -> PyResult<()> {
    let mut wait = queue.join_wait();
    match wait.attempt(false).or_raise()? {
        Some(()) => Ok(()),
        None => waiting::without_limit(py, &mut *wait),
    }
}

/// A class of queues.
pub(crate) trait QueueClass: PyClass<BaseType = Variable, Frozen = True> + Sync {
    /// The variable that its objects refer to.
    type Raw: QueueKind;

    /// The queue that the object refers to.
    fn raw(&self) -> &AnyQueue<Self::Raw>;

    /// Whether it is as the classes of the module `queue`, and not as those of `multiprocessing`.
    fn is_of_standard_queue(&self) -> bool {
        true
    }

    /// Raises if the object was closed.
    #[inline(always)]
    fn expect_open(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Ok(())
    }

    /// Notes that something is put by this object.
    #[inline(always)]
    fn note_use(&self) {}

    /// Encodes an item.
    #[inline(always)]
    fn encode_item(item: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<Encoded> {
        encode(item, home)
    }

    /// Encodes an item that is put at once.
    #[inline(always)]
    fn prepare_item<'h>(item: &Bound<'_, PyAny>, home: &'h dyn InHome) -> PyResult<Prepared<'h>> {
        prepare(item, home)
    }

    /// Handles the error of an object that cannot be encoded.
    fn drop_object(_slf: &Bound<'_, Self>, _object: &Bound<'_, PyAny>, error: PyErr) -> PyResult<()> {
        Err(error)
    }

    /// Refuses a negative time as `queue.Queue` does, which looks at it before it looks whether
    /// there is anything to wait for. `multiprocessing.Queue` does not.
    #[inline(always)]
    fn expect_time(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<()> {
        if block && slf.get().is_of_standard_queue() && timeout.is_some_and(|seconds| seconds < 0.0) {
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
        this.note_use();
        // One without a limit never waits.
        if timeout.is_some() && this.raw().any().limit().or_raise()? > 0 {
            Self::expect_time(slf, block, timeout)?;
        }
        if let Some(raw) = this.raw().shm()
            && let Some(word) = encode::word(object)
            && raw.put_word(word, false).or_raise()? == Some(true)
        {
            return Ok(());
        }
        match Self::prepare_item(object, this.raw()) {
            Ok(value) => Self::put_value(slf, &value, block, timeout),
            Err(error) => Self::drop_object(slf, object, error),
        }
    }

    fn put_value(slf: &Bound<'_, Self>, value: &Encoded, block: bool, timeout: Option<f64>) -> PyResult<()> {
        let (raw, py) = (slf.get().raw(), slf.py());
        let is_put = match raw {
            Backed::Shm(raw) => raw.try_put(value, false),
            Backed::Other(queue) => queue.try_put(value),
        };
        if is_put.or_raise()? {
            return Ok(());
        }
        if !block {
            return Err(full(py));
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let put = waiting::until(py, &mut *raw.any().put_wait(value), end)?;
        put.ok_or_else(|| full(py))
    }

    #[inline(always)]
    fn get_object<'py>(
        slf: &Bound<'py, Self>,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::expect_open(slf)?;
        Self::expect_time(slf, block, timeout)?;
        if let Some(raw) = slf.get().raw().shm()
            && let Got::Word(word) = raw.get_word(false).or_raise()?
        {
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
        decode(slf.py(), content, slf.as_super().get().store())
    }

    fn wait_for_item(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<Content> {
        let (raw, py) = (slf.get().raw(), slf.py());
        let found = match raw {
            Backed::Shm(raw) => raw.try_get(false),
            Backed::Other(queue) => queue.try_get(),
        };
        if let Some(content) = found.or_raise()? {
            return Ok(content);
        }
        if !block {
            return Err(empty(py));
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let content = waiting::until(py, &mut *raw.any().get_wait(), end)?;
        content.ok_or_else(|| empty(py))
    }

    /// Puts all items, some thousands in one step.
    fn put_objects(slf: &Bound<'_, Self>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        Self::expect_open(slf)?;
        this.note_use();
        let mut values = Vec::new();
        for item in items.try_iter()? {
            values.push(Self::encode_item(&item?, this.raw())?);
        }
        let mut rest = &values[..];
        while let Some(first) = rest.first() {
            slf.py().check_signals()?;
            let count = match this.raw().any().try_put_many(rest).or_raise()? {
                0 => Self::put_value(slf, first, true, None).map(|()| 1)?,
                count => count,
            };
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Takes up to `most` items, at least one, for which it waits. The error of one that cannot be read has
    /// the others, which are taken, too.
    fn get_objects<'py>(
        slf: &Bound<'py, Self>,
        most: usize,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (this, py) = (slf.get(), slf.py());
        Self::expect_open(slf)?;
        Self::expect_time(slf, block, timeout)?;
        let (mut contents, mut failed) = (Vec::new(), None);
        while contents.len() < most && failed.is_none() {
            let left = most - contents.len();
            match this.raw().any().try_get_many(left, &mut contents) {
                Ok(0) if contents.is_empty() => contents.push(Self::wait_for_item(slf, block, timeout)?),
                Ok(0) => match this.raw().any().try_get() {
                    Ok(Some(content)) => contents.push(content),
                    Ok(None) | Err(Error::QueueShutDown) => break,
                    Err(error) => failed = Some(error),
                },
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        // One that has changed nothing comes again with the next call.
        let is_told = |error: &Error| contents.is_empty() || error.happened() != Some(false);
        let mut failed = failed.filter(is_told).map(to_python);
        let home = slf.as_super().get().store();
        let objects = PyList::empty(py);
        for content in contents {
            match decode(py, content, home) {
                Ok(object) => objects.append(object)?,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let Some(error) = failed else { return Ok(objects) };
        error.value(py).setattr("others", objects)?;
        Err(error)
    }
}
