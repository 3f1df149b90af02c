//! The object that replaces a function in a monitor's class.

use crate::monitor::Monitor;
use crate::monitor::call::MethodCall;
use crate::monitor::foreign;
use pyo3::exceptions::{PySystemError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar::engine::Backed;
use std::sync::OnceLock;

/// The function, among the slots, by which the interpreter calls a method.
static VECTORCALL: OnceLock<ffi::vectorcallfunc> = OnceLock::new();

/// Sets the function by which the interpreter calls methods, before the first one is made.
pub(crate) fn set_vectorcall(call: ffi::vectorcallfunc) {
    // A second import of the module has the same function.
    let _ = VECTORCALL.set(call);
}

/// A function that is called under the lock of its first argument.
///
/// It has a dictionary for what `functools.update_wrapper` copies.
#[pyclass(dict, frozen, weakref, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Method {
    /// The function by which the interpreter calls an object of this class.
    pub(crate) vectorcall: ffi::vectorcallfunc,
    function: Py<PyAny>,
}

impl Method {
    /// The user's function.
    #[inline(always)]
    pub(crate) fn function(&self) -> &Py<PyAny> {
        &self.function
    }
}

#[pymethods]
impl Method {
    #[new]
    #[pyo3(signature = (function, /))]
    pub(crate) fn new(function: Py<PyAny>) -> PyResult<Self> {
        let vectorcall = VECTORCALL.get().copied();
        let vectorcall = vectorcall
            .ok_or_else(|| PySystemError::new_err("a monitor's method was made before its slots"))?;
        Ok(Self { vectorcall, function })
    }

    // The next two are replaced in `slots::monitor`.
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        object: &Bound<'py, PyAny>,
        _class: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if object.is_none() {
            return Ok(slf.clone().into_any());
        }
        slf.py().import("types")?.getattr("MethodType")?.call1((slf, object))
    }

    #[pyo3(signature = (*arguments, **named))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let first = arguments.get_item(0).ok();
        call(slf, first.as_ref(), || slf.get().function.bind(slf.py()).call(arguments, named))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<monitor method {}>", self.function.bind(py).repr()?))
    }
}

/// Calls a method's function, as `function` does, under the lock of the first argument.
#[inline(always)]
pub(crate) fn call<'py>(
    method: &Bound<'py, Method>,
    first: Option<&Bound<'py, PyAny>>,
    function: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(monitor) = first.and_then(|first| first.cast::<Monitor>().ok()) else {
        return Err(no_monitor(method));
    };
    let monitor = monitor.get();
    let raw = match monitor.backed() {
        Backed::Shm(raw) => raw,
        Backed::Other(foreign) => return foreign::call(method.py(), monitor, &**foreign, function),
    };
    let call = MethodCall::begin(method.py(), monitor, raw)?;
    match function() {
        Ok(result) => call.succeed(&result).map(|()| result),
        Err(error) => Err(call.fail().err().unwrap_or(error)),
    }
}

#[cold]
fn no_monitor(method: &Bound<'_, Method>) -> PyErr {
    let name = method.get().function.bind(method.py()).getattr("__qualname__");
    let name = name.map_or_else(|_| "this".into(), |name| name.to_string());
    PyTypeError::new_err(format!("{name} is a monitor's method; its first argument must be the monitor"))
}
