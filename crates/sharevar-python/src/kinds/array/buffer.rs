//! The buffer protocol: a view of an array's elements without a copy.
#![allow(unsafe_code)]

use crate::errors::{Class, OrRaise, raise, to_python};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use sharevar::Error;
use sharevar::shm::RawArray;
use std::ffi::{CStr, c_int};
use std::ptr;

/// The error of an array whose elements are in no memory of this process.
#[cold]
pub(super) fn unsupported(py: Python<'_>, engine: &'static str) -> PyErr {
    let cause = to_python(Error::Unsupported { operation: "view of an array", engine });
    let error = PyBufferError::new_err(cause.to_string());
    error.set_cause(py, Some(cause));
    error
}

/// Fills a view of the elements of `array`, which keeps `object` alive.
///
/// # Safety
/// `view` points to a buffer structure that may be written, or is null. `object` holds the array, and
/// `shape` stands in it.
pub(super) unsafe fn fill(
    object: &Bound<'_, PyAny>,
    array: &RawArray,
    format: &'static CStr,
    shape: &[isize; 2],
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    if view.is_null() {
        return Err(PyBufferError::new_err("no view was given to be filled"));
    }
    if array.handle().participant().is_closed() {
        return Err(raise(Class::Closed, sharevar_arena::Error::Closed.to_string()));
    }
    let [length, stride] = shape;
    let wants = |flag| flags & flag == flag;
    let text = if wants(ffi::PyBUF_FORMAT) { format.as_ptr().cast_mut() } else { ptr::null_mut() };
    let shape = if wants(ffi::PyBUF_ND) { ptr::from_ref(length).cast_mut() } else { ptr::null_mut() };
    let strides = if wants(ffi::PyBUF_STRIDES) { ptr::from_ref(stride).cast_mut() } else { ptr::null_mut() };
    let filled = ffi::Py_buffer {
        buf: array.address().or_raise()?.cast(),
        obj: object.clone().into_ptr(),
        len: length * stride,
        itemsize: *stride,
        readonly: 0,
        ndim: 1,
        format: text,
        shape,
        strides,
        suboffsets: ptr::null_mut(),
        internal: ptr::null_mut(),
    };
    // SAFETY: the caller's promise. The elements stay mapped and the shape stays in place while
    // `obj` lives: it holds a handle, which holds the mapping, and objects do not move.
    unsafe { view.write(filled) };
    Ok(())
}
