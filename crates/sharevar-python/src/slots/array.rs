//! Reading and setting the elements of arrays.

use super::call::{Assign, Subscript, argument, assign, instance, not_installed, result};
use super::replace::replace;
use crate::fast_access;
use crate::kinds::array::Array;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;

// The functions that PyO3 has made, each set before its replacement can be called.
static ARRAY_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static ARRAY_ASSIGN: OnceLock<Assign> = OnceLock::new();

unsafe extern "C" fn array_subscript(
    array: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Array>(py, &array), argument(py, &index))
    };
    if let Some(index) = fast_access::exact_int(object)
        && let Some(number) = this.quick_get(py, index)
    {
        return number.into_ptr();
    }
    match ARRAY_SUBSCRIPT.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(array, index) },
        None => result(py, Err(not_installed())),
    }
}

unsafe extern "C" fn array_assign(
    array: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    if !value.is_null() {
        // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's
        // type; the value is not null.
        let (this, object, value) = unsafe {
            let py = Python::assume_attached();
            (instance::<Array>(py, &array), argument(py, &index), argument(py, &value))
        };
        if fast_access::exact_int(object).is_some_and(|index| this.quick_set(index, value)) {
            return 0;
        }
    }
    // SAFETY: the arguments are those of this call.
    unsafe { assign(&ARRAY_ASSIGN, array, index, value) }
}

/// Puts the slots in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let array = py.get_type::<Array>();
    // SAFETY: each function is of its slot's type, and so is what was found there.
    unsafe {
        replace(&array, &["__getitem__"], array_subscript as Subscript as *mut c_void, |old| {
            ARRAY_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&array, &["__setitem__", "__delitem__"], array_assign as Assign as *mut c_void, |old| {
            ARRAY_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })
    }
}
