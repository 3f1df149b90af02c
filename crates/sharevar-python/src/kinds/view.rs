//! Views of values: a memoryview of bytes in shared memory.
#![allow(unsafe_code)]

use crate::errors::OrRaise;
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use sharevar::engine::Handle;
use sharevar::{Content, View};
use std::ffi::c_int;

/// The error of a variable whose values are in no memory of this process.
#[cold]
pub(crate) fn unsupported(handle: &Handle) -> sharevar::Error {
    handle.unsupported("view of a value")
}

/// The memory of a value, which it keeps where it is.
#[pyclass(frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct ValueBuffer {
    view: View,
    is_writable: bool,
}

#[pymethods]
impl ValueBuffer {
    #[allow(clippy::needless_pass_by_value)] // As the slot is called.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let Some(address) = this.view.address().or_raise()? else {
            return Err(PyBufferError::new_err("the value is in no shared memory"));
        };
        let (length, is_read_only) = (this.view.len() as ffi::Py_ssize_t, c_int::from(!this.is_writable));
        // SAFETY: the interpreter gives a buffer structure to be filled. The bytes stay mapped and in
        // place while the object lives, which the buffer refers to: it holds the value.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), address.cast(), length, is_read_only, flags)
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// A memoryview of a value that is bytes. Of one that is not long it is a view of a copy, which cannot be
/// written.
pub(crate) fn memoryview(
    py: Python<'_>,
    content: Content,
    is_writable: bool,
) -> PyResult<Bound<'_, PyMemoryView>> {
    let Some(view) = View::of(content).or_raise()? else {
        return Err(PyTypeError::new_err("the value is not bytes, and there are views of bytes alone"));
    };
    if view.address().or_raise()?.is_some() {
        return PyMemoryView::from(Bound::new(py, ValueBuffer { view, is_writable })?.as_any());
    }
    if is_writable {
        let message = "a value of less than 64 KiB is copied, so that it cannot be written in place";
        return Err(PyTypeError::new_err(message));
    }
    PyMemoryView::from(PyBytes::new(py, &view.to_vec().or_raise()?).as_any())
}
