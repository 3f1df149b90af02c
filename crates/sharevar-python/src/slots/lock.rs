//! Taking locks and giving them back.

use super::call::{instance, not_installed, result};
use super::replace::replace_method;
use crate::kinds::lock::Lock;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use std::sync::OnceLock;

// The functions that PyO3 has made, each set before its replacement can be called.
static LOCK_ACQUIRE: OnceLock<ffi::PyCFunctionFastWithKeywords> = OnceLock::new();
static LOCK_RELEASE: OnceLock<ffi::PyCFunction> = OnceLock::new();

unsafe extern "C" fn lock_acquire(
    lock: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, with live objects; a method descriptor has checked
    // the first.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Lock>(py, &lock))
    };
    if count == 0 && names.is_null() && this.quick_acquire() {
        return result(py, Ok(PyBool::new(py, true).to_owned().into_any()));
    }
    match LOCK_ACQUIRE.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(lock, arguments, count, names) },
        None => result(py, Err(not_installed())),
    }
}

unsafe extern "C" fn lock_release(
    lock: *mut ffi::PyObject,
    nothing: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, with live objects; a method descriptor has checked
    // the first.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Lock>(py, &lock))
    };
    if this.quick_release() {
        return py.None().into_ptr();
    }
    match LOCK_RELEASE.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(lock, nothing) },
        None => result(py, Err(not_installed())),
    }
}

/// Puts the methods in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let lock = py.get_type::<Lock>();
    // SAFETY: each function is of its method's type, and so is what was found there.
    unsafe {
        let acquire = ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: lock_acquire };
        replace_method(&lock, "acquire", ffi::METH_FASTCALL | ffi::METH_KEYWORDS, acquire, |old| {
            LOCK_ACQUIRE.set(old.PyCFunctionFastWithKeywords).is_ok()
        })?;
        let release = ffi::PyMethodDefPointer { PyCFunction: lock_release };
        replace_method(&lock, "release", ffi::METH_NOARGS, release, |old| {
            LOCK_RELEASE.set(old.PyCFunction).is_ok()
        })
    }
}
