//! The semaphore.

use crate::argument_types::Flag;
use crate::errors::{OrRaise, end_of_block};
use crate::kinds::quick_lock::QuickLock;
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use sharevar::engine::{Backed, Make, Units};
use sharevar::shm::RawSemaphore;
use sharevar::{Error, Kind};

/// Units to take and give back; those of a holder that dies are given back.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Semaphore {
    raw: Backed<RawSemaphore, dyn Units>,
}

impl QuickLock for Semaphore {
    #[inline(always)]
    fn quick_acquire(&self) -> bool {
        self.raw.shm().is_some_and(RawSemaphore::acquire_free)
    }

    #[inline(always)]
    fn quick_release(&self) -> bool {
        self.raw.shm().is_some_and(RawSemaphore::release_own)
    }
}

impl Semaphore {
    fn take(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        let raw = &slf.get().raw;
        let is_taken = match raw {
            Backed::Shm(raw) => raw.try_acquire(),
            Backed::Other(units) => units.try_acquire(),
        };
        if is_taken.or_raise()? {
            return Ok(true);
        }
        if !block {
            return Ok(false);
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let taken = waiting::until(slf.py(), &mut *raw.any().acquire_wait(), end)?;
        Ok(taken.is_some())
    }

    fn release_one(&self) -> sharevar::Result<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.release(),
            Backed::Other(units) => units.release(1),
        }
    }
}

#[pymethods]
impl Semaphore {
    #[new]
    #[pyo3(signature = (arena, value = 1, bounded = false, owned = None))]
    fn new(
        arena: &Bound<'_, PyAny>,
        value: i64,
        bounded: bool,
        owned: Option<bool>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        if value < 0 {
            return Err(PyValueError::new_err("semaphore initial value must be >= 0"));
        }
        let most = RawSemaphore::MAX_UNITS;
        let Some(units) = u32::try_from(value).ok().filter(|units| *units <= most) else {
            return Err(PyOverflowError::new_err(format!("semaphore initial value must be <= {most}")));
        };
        let bound = bounded.then_some(units);
        let handle = argument.handle(&Make::Semaphore { units, bound, owned })?;
        let base = Variable::of(&argument.store, &handle, Kind::Semaphore);
        let raw = Backed::<RawSemaphore, dyn Units>::open(handle, Kind::Semaphore).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    // The common case of the next two is in `slots`.

    /// Take a unit; false if there is none, or not in time.
    ///
    /// ``blocking`` is what `threading` and manager proxies call ``block``.
    #[pyo3(signature = (block = Flag::SET, timeout = None, *, blocking = Flag::SET), text_signature = "($self, block=True, timeout=None, *, blocking=True)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn acquire(slf: &Bound<'_, Self>, block: Flag, timeout: Option<f64>, blocking: Flag) -> PyResult<bool> {
        // As `threading.Semaphore` takes it, which is written in Python.
        let is_managed = slf.as_super().get().is_managed();
        let given = [block, blocking].map(|flag| if is_managed { Ok(flag.truth()) } else { flag.of_int() });
        let [block, blocking] = given;
        let block = block? && blocking?;
        timeout::of_semaphore(block, timeout, slf.as_super().get())?;
        Self::take(slf, block, timeout)
    }

    /// Give units back, whichever process took them.
    #[pyo3(signature = (n = 1))]
    fn release(&self, n: i64) -> PyResult<()> {
        if n == 1 {
            return self.release_one().or_raise();
        }
        if n < 1 {
            return Err(PyValueError::new_err("n must be one or more"));
        }
        self.raw.any().release(u32::try_from(n).unwrap_or(u32::MAX)).or_raise()
    }

    /// How many units are free.
    fn get_value(&self) -> PyResult<u32> {
        self.raw.any().available().or_raise()
    }

    /// Whether no unit is free.
    fn locked(&self) -> PyResult<bool> {
        Ok(self.raw.any().available().or_raise()? == 0)
    }

    /// The most units that may be free.
    #[getter]
    fn maxvalue(&self) -> PyResult<u32> {
        Ok(self.raw.any().bound().or_raise()?.unwrap_or(RawSemaphore::MAX_UNITS))
    }

    /// How many units this process holds; none of a signal, which keeps no holders.
    #[getter]
    fn held(&self) -> PyResult<Option<u64>> {
        self.raw.any().held().or_raise()
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::take(slf, true, None)
    }

    #[pyo3(signature = (exception_type, _exception, _traceback, /))]
    fn __exit__(
        &self,
        exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        // Once the arena is closed nothing is held any more, and no thread waits.
        let given_back = match self.release_one() {
            Err(Error::Closed) => Ok(()),
            given_back => given_back.or_raise(),
        };
        end_of_block(exception_type, given_back)
    }
}
