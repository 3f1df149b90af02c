//! The functions of `sharevar._hosting.wire` that are called from here, none of them on the fast path.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

static WIRE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

fn wire(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    let module = WIRE.get_or_try_init(py, || PyResult::Ok(py.import("sharevar._hosting.wire")?.unbind()))?;
    Ok(module.bind(py))
}

/// A pickle, and the proxies in it.
pub(super) struct Pickled<'py> {
    pub(super) bytes: Bound<'py, PyBytes>,
    pub(super) proxies: Vec<Py<PyAny>>,
}

/// Pickles a value of no native type.
pub(super) fn dumps<'py>(value: &Bound<'py, PyAny>) -> PyResult<Pickled<'py>> {
    let (bytes, proxies) =
        wire(value.py())?.call_method1(intern!(value.py(), "dumps"), (value,))?.extract()?;
    Ok(Pickled { bytes, proxies })
}

/// An exception on its way to the caller.
pub(super) struct Described<'py> {
    pub(super) typename: String,
    pub(super) message: String,
    pub(super) traceback: String,
    /// None if it cannot be pickled.
    pub(super) pickle: Option<Bound<'py, PyBytes>>,
}

/// Describes an exception for the caller.
pub(super) fn describe(py: Python<'_>, error: PyErr) -> PyResult<Described<'_>> {
    let described = wire(py)?.call_method1(intern!(py, "describe"), (error.into_value(py),))?;
    let (typename, message, traceback, pickle) = described.extract()?;
    Ok(Described { typename, message, traceback, pickle })
}

/// Makes the exception for the caller. `value` is the exception as the host has sent it, if it has.
pub(super) fn revive<'py>(
    py: Python<'py>,
    typename: &str,
    message: &str,
    traceback: &str,
    value: Option<Bound<'py, PyAny>>,
) -> PyErr {
    let arguments = (typename, message, traceback, value);
    let revived = wire(py).and_then(|wire| wire.call_method1(intern!(py, "revive"), arguments));
    match revived {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
