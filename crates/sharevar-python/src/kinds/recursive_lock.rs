//! The recursive lock.

use crate::argument_types::Flag;
use crate::errors::{OrRaise, end_of_block, to_python};
use crate::fencing;
use crate::kinds::quick_lock::QuickLock;
use crate::variable::{StoreOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::prelude::*;
use sharevar::engine::{Backed, Exclusive, Make};
use sharevar::shm::RawRLock;
use sharevar::{Error, Holder, Kind, TryLock};

/// A lock that its thread may take again. When its holder dies or ends, the next one gets it.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct RLock {
    raw: Backed<RawRLock, dyn Exclusive>,
}

impl QuickLock for RLock {
    #[inline(always)]
    fn quick_acquire(&self) -> bool {
        self.raw.shm().is_some_and(|raw| raw.recursive().acquire_free())
    }

    #[inline(always)]
    fn quick_release(&self) -> bool {
        self.raw.shm().is_some_and(|raw| raw.recursive().release().unwrap_or(false))
    }
}

impl RLock {
    fn try_acquire(&self) -> sharevar::Result<bool> {
        match &self.raw {
            Backed::Shm(raw) => Ok(raw.recursive().try_acquire()? != TryLock::Busy),
            Backed::Other(lock) => Ok(lock.try_acquire()?.is_some()),
        }
    }

    fn take(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        if slf.get().try_acquire().or_raise()? {
            return Ok(true);
        }
        if !block {
            return Ok(false);
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let taken = waiting::until(slf.py(), &mut *slf.get().raw.any().acquire_wait(), end)?;
        Ok(taken.is_some())
    }

    fn give_back(slf: &Bound<'_, Self>) -> PyResult<()> {
        let was_held = match &slf.get().raw {
            Backed::Shm(raw) => raw.recursive().release().or_raise()?,
            Backed::Other(lock) => lock.release().or_raise()?,
        };
        if was_held { Ok(()) } else { Err(Self::not_owner(slf)) }
    }

    #[cold]
    fn not_owner(slf: &Bound<'_, Self>) -> PyErr {
        to_python(slf.as_super().get().unless_closed(Error::NotOwner))
    }
}

#[pymethods]
impl RLock {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::RLock)?;
        let base = Variable::of(&argument.store, &handle, Kind::RLock);
        let raw = Backed::<RawRLock, dyn Exclusive>::open(handle, Kind::RLock).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    // The common case of the next two is in `slots`.

    /// Take the lock, or take it once more; false if it cannot be had, or not in time.
    ///
    /// ``blocking`` is what `threading` and manager proxies call ``block``.
    #[pyo3(signature = (block = Flag::SET, timeout = None, *, blocking = Flag::SET), text_signature = "($self, block=True, timeout=None, *, blocking=True)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn acquire(slf: &Bound<'_, Self>, block: Flag, timeout: Option<f64>, blocking: Flag) -> PyResult<bool> {
        let (block, timeout) =
            timeout::of_lock(block.of_int()? && blocking.of_int()?, timeout, slf.as_super().get())?;
        Self::take(slf, block, timeout)
    }

    /// Undo one ``acquire``.
    fn release(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::give_back(slf)
    }

    /// Whether a living process holds the lock.
    fn locked(&self) -> PyResult<bool> {
        self.raw.any().is_locked().or_raise()
    }

    /// Whether an earlier holder died, and no later one has put things right since.
    #[getter]
    fn owner_died(&self) -> PyResult<bool> {
        self.raw.any().owner_died().or_raise()
    }

    /// Say that what the lock protects is in order again.
    fn mark_consistent(&self) -> PyResult<()> {
        self.raw.any().mark_consistent().or_raise()
    }

    /// The number of this thread's hold, higher than that of each hold before; None if it does not hold the
    /// lock, and in shared memory, where no living holder loses one.
    #[getter]
    fn token(&self) -> PyResult<Option<u64>> {
        self.raw.any().token().or_raise()
    }

    /// Whether this thread, which took the lock, has lost it to another holder.
    #[getter]
    fn lost(&self) -> PyResult<bool> {
        self.raw.any().is_lost().or_raise()
    }

    /// The same variable, whose operations raise `Fenced` once this lock, which the caller holds, has
    /// another holder.
    #[pyo3(signature = (variable, /))]
    fn fence<'py>(slf: &Bound<'py, Self>, variable: &Bound<'py, Variable>) -> PyResult<Bound<'py, PyAny>> {
        fencing::fence(slf.as_super().get(), variable)
    }

    /// Whether this thread holds the lock: what a condition asks before it waits.
    fn _is_owned(&self) -> PyResult<bool> {
        self.raw.any().is_mine().or_raise()
    }

    /// How many times this thread holds the lock.
    fn _recursion_count(&self) -> PyResult<u64> {
        self.raw.any().count().or_raise()
    }

    /// ``'none'``, ``'this thread'``, ``'another thread'`` or ``'another process'``; of another engine,
    /// which knows holders and not what they are, ``'another holder'``.
    fn _holder(&self) -> PyResult<&'static str> {
        let lock = match &self.raw {
            Backed::Shm(raw) => {
                return Ok(match raw.recursive().holder() {
                    Holder::Free => "none",
                    Holder::Me => "this thread",
                    Holder::OtherThread => "another thread",
                    Holder::OtherProcess => "another process",
                });
            }
            Backed::Other(lock) => lock,
        };
        Ok(match (lock.is_mine().or_raise()?, lock.is_locked().or_raise()?) {
            (true, _) => "this thread",
            (false, true) => "another holder",
            (false, false) => "none",
        })
    }

    /// Give the lock back entirely; what is given back is for `_acquire_restore`.
    fn _release_save(slf: &Bound<'_, Self>) -> PyResult<u64> {
        slf.get().raw.any().release_all().or_raise()?.ok_or_else(|| Self::not_owner(slf))
    }

    /// Take the lock again, as often as it was held, however long it takes and whatever a
    /// signal's handler raises.
    #[pyo3(signature = (state, /))]
    fn _acquire_restore(slf: &Bound<'_, Self>, state: u64) -> PyResult<()> {
        waiting::without_fail(slf.py(), || {
            let taken = Self::take(slf, true, None)?;
            if taken {
                slf.get().raw.any().restore(state).or_raise()?;
            }
            Ok(taken)
        })
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::take(slf, true, None)
    }

    #[pyo3(signature = (exception_type, _exception, _traceback, /))]
    fn __exit__(
        slf: &Bound<'_, Self>,
        exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        end_of_block(exception_type, Self::give_back(slf))
    }
}
