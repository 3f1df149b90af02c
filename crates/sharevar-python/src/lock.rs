//! The lock.
//!
//! Hazard 18: while detached from the interpreter a thread only waits; the lock is
//! taken by one try after re-attaching, with signals checked before it and never
//! after, so that neither Ctrl-C nor shutdown loses a lock that was taken.

use crate::errors::{OrRaise, to_python};
use crate::variable::{Origin, Variable};
use pyo3::prelude::*;
use sharevar::{Acquired, Error, Handle, Kind, RobustLock};
use std::time::{Duration, Instant};

/// A lock that outlives its holder: when he dies, the next one gets it.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Lock {
    handle: Handle,
}

/// How long to try before sleeping: about two microseconds.
const TRIES: u32 = 20;
/// Pauses between two tries.
const PAUSES: u32 = 16;
/// The longest sleep at a time: signals are looked after in between.
const SLICE: Duration = Duration::from_millis(100);

impl Lock {
    #[inline(always)]
    fn lock(&self) -> RobustLock<'_> {
        RobustLock::of(self.handle.participant(), self.handle.variable())
    }

    /// Waits for the lock, until `limit` if there is one.
    #[cold]
    fn wait(&self, py: Python<'_>, limit: Option<Instant>) -> PyResult<bool> {
        let lock = self.lock();
        for _ in 0..TRIES {
            if !lock.is_taken() && lock.try_acquire().or_raise()? != Acquired::Not {
                return Ok(true);
            }
            for _ in 0..PAUSES {
                std::hint::spin_loop();
            }
        }
        for round in 0.. {
            py.check_signals()?;
            let left = limit.map_or(SLICE, |limit| limit.saturating_duration_since(Instant::now()));
            py.detach(|| lock.wait(left.min(SLICE), round));
            if lock.try_acquire_after_wait().or_raise()? != Acquired::Not {
                return Ok(true);
            }
            if left.is_zero() {
                break;
            }
        }
        Ok(false)
    }

    #[inline(always)]
    fn take(&self, py: Python<'_>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        if self.lock().try_acquire().or_raise()? != Acquired::Not {
            return Ok(true);
        }
        if !block {
            return Ok(false);
        }
        // Longer than a process lives is for ever.
        let limit = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
        self.wait(py, limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    #[inline(always)]
    fn give_back(&self) -> PyResult<()> {
        if self.lock().release().or_raise()? { Ok(()) } else { Err(to_python(Error::NotLocked)) }
    }
}

#[pymethods]
impl Lock {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut origin = Origin::from_argument(arena)?;
        let handle = origin.open(
            |handle| handle.expect(Kind::Lock),
            |participant| Handle::create(participant, Kind::Lock),
        )?;
        let base = Variable::of(&origin.arena, &handle, Kind::Lock);
        Ok(PyClassInitializer::from(base).add_subclass(Self { handle }))
    }

    /// Take the lock; false if it cannot be had, or not in time.
    ///
    /// ``blocking`` is what `threading` and manager proxies call ``block``.
    #[pyo3(signature = (block = true, timeout = None, *, blocking = true))]
    fn acquire(&self, py: Python<'_>, block: bool, timeout: Option<f64>, blocking: bool) -> PyResult<bool> {
        self.take(py, block && blocking, timeout)
    }

    /// Give the lock back.
    fn release(&self) -> PyResult<()> {
        self.give_back()
    }

    /// Whether somebody alive holds the lock.
    fn locked(&self) -> bool {
        self.lock().is_locked()
    }

    /// Whether an earlier holder died, and nobody has put things right since.
    #[getter]
    fn owner_died(&self) -> bool {
        self.lock().owner_died()
    }

    /// Say that what the lock protects is in order again.
    fn mark_consistent(&self) {
        self.lock().mark_consistent();
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.take(py, true, None)
    }

    #[pyo3(signature = (_exception_type, _exception, _traceback, /))]
    fn __exit__(
        &self,
        _exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.give_back()
    }
}
