//! Sleeping for a long lock, from inside an operation.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use sharevar_arena::Sleep;
use std::cell::RefCell;

thread_local! {
    /// The exception of a signal's handler while this thread slept for a long lock.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Sleeps for a long lock as every wait does: without the interpreter, and with signals looked at
/// afterwards. `false` if a handler has raised.
pub(crate) fn sleep(sleep: &Sleep<'_>) -> bool {
    let slept = Python::try_attach(|py| {
        py.detach(|| sleep.sleep());
        py.check_signals().map_err(|error| RAISED.replace(Some(error))).is_ok()
    });
    // The interpreter is ending: nothing of Python's runs on this thread any more.
    slept.unwrap_or_else(|| {
        sleep.sleep();
        true
    })
}

/// The exception for an operation that [`sleep`] has ended.
#[cold]
pub(crate) fn interruption() -> PyErr {
    RAISED.take().unwrap_or_else(|| PyKeyboardInterrupt::new_err(()))
}
