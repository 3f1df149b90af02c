//! How long to wait, by the rules of the standard library's object that one of ours stands for.
//!
//! A manager's objects stand for those of `threading` and `queue`, which refuse what makes no
//! sense to them. Those that are made without a manager stand for those of `multiprocessing`, for
//! which a negative time is none, and which ignore the time of one that does not wait.

use crate::variable::Variable;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// `threading.TIMEOUT_MAX`, in seconds.
const LONGEST: f64 = 9_223_372_036.0;

/// When to give up. `None` is never, which is also what longer than a process lives means where a
/// number so large is not refused.
#[inline(always)]
pub(crate) fn end_of(timeout: Option<f64>, of: &Variable) -> PyResult<Option<Instant>> {
    match timeout {
        None => Ok(None),
        Some(seconds) => end_after(seconds, of.is_managed()),
    }
}

#[cold]
fn end_after(seconds: f64, is_managed: bool) -> PyResult<Option<Instant>> {
    if seconds.is_nan() {
        return Err(not_a_number());
    }
    if is_managed && seconds > LONGEST {
        return Err(too_large(seconds));
    }
    Ok(in_seconds(Some(seconds)))
}

/// When so many seconds have passed. `None` is never, and so is what is longer than time is counted.
pub(crate) fn in_seconds(seconds: Option<f64>) -> Option<Instant> {
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    limit.and_then(|limit| Instant::now().checked_add(limit))
}

/// Whether a lock is waited for, and for how many seconds. A lock of `threading` takes -1 for no
/// limit, and no other negative number.
#[inline(always)]
pub(crate) fn of_lock(block: bool, timeout: Option<f64>, of: &Variable) -> PyResult<(bool, Option<f64>)> {
    match timeout {
        Some(seconds) if of.is_managed() => of_lock_of_threading(block, seconds),
        _ => Ok((block, timeout)),
    }
}

#[cold]
fn of_lock_of_threading(block: bool, seconds: f64) -> PyResult<(bool, Option<f64>)> {
    if seconds.is_nan() {
        return Err(not_a_number());
    }
    if seconds.abs() > LONGEST {
        return Err(too_large(seconds));
    }
    #[allow(clippy::float_cmp)] // That number, and none near it.
    if seconds == -1.0 {
        return Ok((block, None));
    }
    if !block {
        return Err(PyValueError::new_err("can't specify a timeout for a non-blocking call"));
    }
    if seconds < 0.0 {
        return Err(PyValueError::new_err("timeout value must be a non-negative number, or -1 for no limit"));
    }
    Ok((block, Some(seconds)))
}

/// Refuses a time for one that does not wait, as a semaphore of `threading` does.
#[inline(always)]
pub(crate) fn of_semaphore(block: bool, timeout: Option<f64>, of: &Variable) -> PyResult<()> {
    if !block && timeout.is_some() && of.is_managed() {
        return Err(PyValueError::new_err("can't specify timeout for non-blocking acquire"));
    }
    Ok(())
}

fn not_a_number() -> PyErr {
    PyValueError::new_err("Invalid value NaN (not a number)")
}

fn too_large(seconds: f64) -> PyErr {
    PyOverflowError::new_err(format!(
        "a timeout of {seconds} seconds is too large; without a timeout there is no limit"
    ))
}
