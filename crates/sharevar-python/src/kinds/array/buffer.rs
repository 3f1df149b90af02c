//! The buffer protocol: a view of an array's elements without a copy.
#![allow(unsafe_code)]

use crate::errors::{Class, OrRaise, raise};
use crate::kinds::array::Array;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::c_int;
use std::ptr;

/// Fills a view of the array, which keeps the array's object alive.
///
/// # Safety
/// `view` points to a buffer structure that may be written, or is null.
pub(crate) unsafe fn fill(array: &Bound<'_, Array>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    if view.is_null() {
        return Err(PyBufferError::new_err("no view was given to be filled"));
    }
    let this = array.get();
    if this.raw().handle().participant().is_closed() {
        return Err(raise(Class::Closed, sharevar_arena::Error::Closed.to_string()));
    }
    let [length, stride] = this.shape();
    let wants = |flag| flags & flag == flag;
    let text =
        if wants(ffi::PyBUF_FORMAT) { this.format().text.as_ptr().cast_mut() } else { ptr::null_mut() };
    let shape = if wants(ffi::PyBUF_ND) { ptr::from_ref(length).cast_mut() } else { ptr::null_mut() };
    let strides = if wants(ffi::PyBUF_STRIDES) { ptr::from_ref(stride).cast_mut() } else { ptr::null_mut() };
    let filled = ffi::Py_buffer {
        buf: this.raw().address().or_raise()?.cast(),
        obj: array.clone().into_ptr(),
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
