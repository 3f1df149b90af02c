//! The recursive lock.

use crate::argument_types::Truthy;
use crate::errors::{OrRaise, end_of_block, to_python, unless_closed};
use crate::variable::{ArenaOrFound, Variable};
use crate::waiting;
use crate::waiting::timeout;
use pyo3::prelude::*;
use sharevar::shm::RawRLock;
use sharevar::{Error, Holder, Kind, RecursiveLock, TryLock};

/// A lock that its thread may take again. When its holder dies or ends, the next one gets it.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct RLock {
    raw: RawRLock,
}

impl RLock {
    #[inline(always)]
    fn lock(&self) -> RecursiveLock<'_> {
        self.raw.recursive()
    }

    #[inline(always)]
    fn take(slf: &Bound<'_, Self>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        if slf.get().lock().try_acquire().or_raise()? != TryLock::Busy {
            return Ok(true);
        }
        if !block {
            return Ok(false);
        }
        let end = timeout::end_of(timeout, slf.as_super().get())?;
        let taken = waiting::until(slf.py(), &mut slf.get().raw.acquire_wait(), end)?;
        Ok(taken.is_some())
    }

    #[inline(always)]
    fn give_back(&self) -> PyResult<()> {
        if self.lock().release().or_raise()? { Ok(()) } else { Err(self.not_owner()) }
    }

    #[cold]
    fn not_owner(&self) -> PyErr {
        to_python(unless_closed(self.raw.handle(), Error::NotOwner))
    }
}

#[pymethods]
impl RLock {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = ArenaOrFound::from_argument(arena)?;
        let raw = argument.open(RawRLock::from_handle, RawRLock::create)?;
        let base = Variable::of(&argument.arena, raw.handle(), Kind::RLock);
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    /// Take the lock, or take it once more; false if it cannot be had, or not in time.
    ///
    /// ``blocking`` is what `threading` and manager proxies call ``block``.
    #[pyo3(signature = (block = Truthy(true), timeout = None, *, blocking = Truthy(true)), text_signature = "($self, block=True, timeout=None, *, blocking=True)")]
    #[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
    fn acquire(
        slf: &Bound<'_, Self>,
        block: Truthy,
        timeout: Option<f64>,
        blocking: Truthy,
    ) -> PyResult<bool> {
        let (block, timeout) = timeout::of_lock(block.0 && blocking.0, timeout, slf.as_super().get())?;
        Self::take(slf, block, timeout)
    }

    /// Undo one ``acquire``.
    fn release(&self) -> PyResult<()> {
        self.give_back()
    }

    /// Whether a living process holds the lock.
    fn locked(&self) -> bool {
        self.lock().is_locked()
    }

    /// Whether an earlier holder died, and no later one has put things right since.
    #[getter]
    fn owner_died(&self) -> bool {
        self.lock().owner_died()
    }

    /// Say that what the lock protects is in order again.
    fn mark_consistent(&self) {
        self.lock().mark_consistent();
    }

    /// Whether this thread holds the lock: what a condition asks before it waits.
    fn _is_owned(&self) -> bool {
        self.lock().is_mine()
    }

    /// How many times this thread holds the lock.
    fn _recursion_count(&self) -> u64 {
        self.lock().count()
    }

    /// ``'none'``, ``'this thread'``, ``'another thread'`` or ``'another process'``.
    fn _holder(&self) -> &'static str {
        match self.lock().holder() {
            Holder::Free => "none",
            Holder::Me => "this thread",
            Holder::OtherThread => "another thread",
            Holder::OtherProcess => "another process",
        }
    }

    /// Give the lock back entirely; what is given back is for `_acquire_restore`.
    fn _release_save(&self) -> PyResult<u64> {
        self.lock().release_all().or_raise()?.ok_or_else(|| self.not_owner())
    }

    /// Take the lock again, as often as it was held, however long it takes and whatever a
    /// signal's handler raises.
    #[pyo3(signature = (state, /))]
    fn _acquire_restore(slf: &Bound<'_, Self>, state: u64) -> PyResult<()> {
        waiting::without_fail(slf.py(), || {
            let taken = Self::take(slf, true, None)?;
            if taken {
                slf.get().lock().restore(state);
            }
            Ok(taken)
        })
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
        end_of_block(exception_type, self.give_back())
    }
}
