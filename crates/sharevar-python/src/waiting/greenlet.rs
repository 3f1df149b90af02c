//! Greenlets, of gevent for example: several take turns in one thread.
//!
//! Each holds recursive locks and monitors for itself, and one that waits lets the others go on.

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

struct Functions {
    /// Gives the greenlet that runs.
    current: Py<PyAny>,
    /// Gives what a greenlet of this thread sleeps with; None in a thread that has no others.
    sleeper: Py<PyAny>,
}

static FUNCTIONS: PyOnceLock<Functions> = PyOnceLock::new();
static ARE_USED: AtomicBool = AtomicBool::new(false);

/// Says that there may be greenlets from now on, and how to find the one that runs.
#[pyfunction]
#[pyo3(signature = (current, sleeper))]
pub(crate) fn set_greenlets(py: Python<'_>, current: Py<PyAny>, sleeper: Py<PyAny>) {
    if FUNCTIONS.set(py, Functions { current, sleeper }).is_ok() {
        sharevar::tell_actors_apart(actor);
        ARE_USED.store(true, Ordering::Release);
    }
}

/// The function with which the current greenlet sleeps, if there are others that it would hold up.
pub(crate) fn sleep(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    if !ARE_USED.load(Ordering::Acquire) {
        return Ok(None);
    }
    let functions = FUNCTIONS.get(py).ok_or_else(|| PyRuntimeError::new_err("no greenlets are known"))?;
    let sleep = functions.sleeper.bind(py).call0()?;
    Ok((!sleep.is_none()).then_some(sleep))
}

/// The number of the current greenlet; none for the one that is the thread itself.
fn actor() -> Option<u32> {
    Python::attach(|py| match number(py) {
        Ok(number) => number,
        Err(error) => {
            error.write_unraisable(py, None);
            // An actor of its own: a greenlet that cannot be told from others must not hold their locks.
            Some(sharevar::new_actor())
        }
    })
}

fn number(py: Python<'_>) -> PyResult<Option<u32>> {
    let Some(functions) = FUNCTIONS.get(py) else { return Ok(None) };
    let greenlet = functions.current.bind(py).call0()?;
    if greenlet.getattr(intern!(py, "parent"))?.is_none() {
        return Ok(None);
    }
    let name = intern!(py, "_sharevar_actor");
    if let Some(number) = greenlet.getattr_opt(name)? {
        return number.extract().map(Some);
    }
    let number = sharevar::new_actor();
    greenlet.setattr(name, number)?;
    Ok(Some(number))
}
