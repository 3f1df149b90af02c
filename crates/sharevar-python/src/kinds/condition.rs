//! The condition.

use crate::errors::{Class, OrRaise, end_of_block, raise, to_python, unless_closed};
use crate::proxy;
use crate::variable::variable_of;
use crate::variable::{ArenaOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar::shm::{Handle, RawCondition};
use sharevar::{Error, Kind};

/// A condition: threads that hold its lock wait in it until they are notified.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Condition {
    raw: RawCondition,
    /// The object of its lock.
    lock: Py<PyAny>,
}

/// A handle on the lock in an object, which must be one of ours.
fn lock_handle(lock: &Bound<'_, PyAny>, arena: &sharevar::Participant) -> PyResult<sharevar::Variable> {
    let variable = variable_of(lock).filter(|variable| variable.is_lock());
    let Some(variable) = variable else {
        let name = lock.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "the lock of a condition is a shared Lock or RLock, no {name}"
        )));
    };
    if variable.offset_in(arena).is_none() {
        return Err(raise(Class::WrongKind, "a condition and its lock must be in the same arena"));
    }
    Ok(variable.place())
}

impl Condition {
    fn require_lock(&self, py: Python<'_>, message: &'static str) -> PyResult<()> {
        if self.lock.bind(py).call_method0(intern!(py, "_is_owned"))?.is_truthy()? {
            return Ok(());
        }
        // Shut down: that is why `wait` has not taken it again.
        match unless_closed(self.raw.handle(), Error::NotOwner) {
            Error::NotOwner => Err(raise(Class::NotOwner, message)),
            closed => Err(to_python(closed)),
        }
    }
}

#[pymethods]
impl Condition {
    #[new]
    #[pyo3(signature = (arena, lock = None))]
    fn new(arena: &Bound<'_, PyAny>, lock: Option<&Bound<'_, PyAny>>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = ArenaOrFound::from_argument(arena)?;
        let participant = argument.arena.get().participant().clone();
        let raw = match lock {
            Some(lock) if !argument.exists() => {
                let place = lock_handle(lock, &participant)?;
                let handle = Handle::open(&participant, place).or_raise()?;
                RawCondition::create(&participant, &handle).or_raise()?
            }
            _ => argument.open(RawCondition::from_handle, |participant| {
                // By name, or from code that knows of no façade.
                RawCondition::create(participant, &Handle::create(participant, Kind::Lock)?)
            })?,
        };
        let lock = match lock {
            Some(lock) => lock.clone(),
            None => proxy::for_handle(&argument.arena, raw.lock().clone())?,
        };
        let base = Variable::of(&argument.arena, raw.handle(), Kind::Condition);
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw, lock: lock.unbind() }))
    }

    /// The lock that belongs to it.
    #[getter]
    fn _lock(&self, py: Python<'_>) -> Py<PyAny> {
        self.lock.clone_ref(py)
    }

    /// How many wait, and how many are notified and have not gone on yet.
    fn _counts(&self) -> PyResult<(u64, u64)> {
        self.raw.living().or_raise()
    }

    /// Take the lock, with its arguments.
    #[pyo3(signature = (*arguments, **named), text_signature = "($self, block=True, timeout=None)")]
    fn acquire<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.lock.bind(py).call_method(intern!(py, "acquire"), arguments, named)
    }

    /// Give the lock back.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.lock.bind(py).call_method0(intern!(py, "release")).map(|_| ())
    }

    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.lock.bind(py).call_method0(intern!(py, "acquire"))
    }

    #[pyo3(signature = (exception_type, _exception, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        end_of_block(exception_type, self.release(py))
    }

    /// Wait until notified, without the lock; false if that does not happen in time.
    #[pyo3(signature = (timeout = None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let (this, py) = (slf.get(), slf.py());
        this.require_lock(py, "must acquire() condition before using wait()")?;
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let entry = this.raw.join().or_raise()?;
        let saved = match this.lock.bind(py).call_method0(intern!(py, "_release_save")) {
            Ok(saved) => saved,
            Err(error) => {
                let _ = this.raw.give_up(entry);
                return Err(error);
            }
        };
        let waited = waiting::until(py, &mut this.raw.notified_wait(&entry), end);
        // It is taken whatever a signal's handler raises.
        let taken = this.lock.bind(py).call_method1(intern!(py, "_acquire_restore"), (saved,));
        // Only now the entry goes: a notification is used up by a waiter that has the lock.
        match taken.and(waited) {
            Ok(_) => this.raw.leave(entry).or_raise(),
            Err(error) => {
                // It fails if the arena is closed, and then no thread waits any more.
                let _ = this.raw.give_up(entry);
                Err(error)
            }
        }
    }

    /// Notify those that have waited longest, ``n`` at most.
    #[pyo3(signature = (n = 1))]
    fn notify(&self, py: Python<'_>, n: i64) -> PyResult<()> {
        self.require_lock(py, "lock is not owned")?;
        if n > 0 {
            self.raw.notify(n.unsigned_abs()).or_raise()?;
        }
        Ok(())
    }

    /// Notify all waiters.
    fn notify_all(&self, py: Python<'_>) -> PyResult<()> {
        self.notify(py, i64::MAX)
    }
}
