//! The condition.

use crate::errors::{Class, OrRaise, end_of_block, raise, to_python};
use crate::proxy;
use crate::variable::variable_of;
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar::engine::{self, Backed, Home, Make};
use sharevar::shm::RawCondition;
use sharevar::{Error, Handle, Kind};

/// A condition: threads that hold its lock wait in it until they are notified.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Condition {
    raw: Backed<RawCondition, dyn engine::Condition>,
    /// The object of its lock.
    lock: Py<PyAny>,
}

/// A handle on the lock in an object, which must be one of ours.
fn lock_handle(lock: &Bound<'_, PyAny>, home: &Home) -> PyResult<Handle> {
    let variable = variable_of(lock).filter(|variable| variable.is_lock());
    let Some(variable) = variable else {
        let name = lock.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "the lock of a condition is a shared Lock or RLock, no {name}"
        )));
    };
    if variable.number_in(home).is_none() {
        return Err(raise(Class::WrongKind, "a condition and its lock must be in the same arena"));
    }
    variable.open_again()
}

impl Condition {
    fn require_lock(slf: &Bound<'_, Self>, message: &'static str) -> PyResult<()> {
        let py = slf.py();
        if slf.get().lock.bind(py).call_method0(intern!(py, "_is_owned"))?.is_truthy()? {
            return Ok(());
        }
        // Shut down: that is why `wait` has not taken it again.
        match slf.as_super().get().unless_closed(Error::NotOwner) {
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
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = match lock {
            Some(lock) if !argument.exists() => {
                let lock = lock_handle(lock, argument.home())?;
                argument.handle(&Make::Condition(&lock))?
            }
            // By name, or from code that knows of no façade.
            _ if !argument.exists() => {
                let lock = argument.home().create(&Make::Lock { owned: None }).or_raise()?;
                argument.handle(&Make::Condition(&lock))?
            }
            // It is found, and nothing is made.
            _ => argument.handle(&Make::Event)?,
        };
        let base = Variable::of(&argument.store, &handle, Kind::Condition);
        let raw = Backed::<RawCondition, dyn engine::Condition>::open(handle, Kind::Condition).or_raise()?;
        let lock = match lock {
            Some(lock) => lock.clone(),
            None => proxy::for_handle(&argument.store, raw.any().lock().or_raise()?)?,
        };
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw, lock: lock.unbind() }))
    }

    /// The lock that belongs to it.
    #[getter]
    fn _lock(&self, py: Python<'_>) -> Py<PyAny> {
        self.lock.clone_ref(py)
    }

    /// How many wait, and how many are notified and have not gone on yet.
    fn _counts(&self) -> PyResult<(u64, u64)> {
        self.raw.any().counts().or_raise()
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
        Self::require_lock(slf, "must acquire() condition before using wait()")?;
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let mut parked = this.raw.any().begin_wait().or_raise()?;
        let waited = waiting::until(py, &mut *parked, end);
        // It is taken whatever a signal's handler raises.
        let taken = this.lock.bind(py).call_method1(intern!(py, "_acquire_restore"), (parked.times(),));
        // Only now it ends: a notification is used up by a waiter that has the lock.
        taken.and(waited)?;
        parked.end().or_raise()
    }

    /// Notify those that have waited longest, ``n`` at most.
    #[pyo3(signature = (n = 1))]
    fn notify(slf: &Bound<'_, Self>, n: i64) -> PyResult<()> {
        Self::require_lock(slf, "lock is not owned")?;
        if n > 0 {
            match &slf.get().raw {
                Backed::Shm(raw) => raw.notify(n.unsigned_abs()),
                Backed::Other(condition) => condition.notify(n.unsigned_abs()),
            }
            .or_raise()?;
        }
        Ok(())
    }

    /// Notify all waiters.
    fn notify_all(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::notify(slf, i64::MAX)
    }
}
