//! The arguments and results of slots, and the calls that hand rare cases on.

use crate::encoding::decode;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use sharevar_value::Word;
use std::ffi::c_int;
use std::ptr;
use std::sync::OnceLock;

pub(super) type Subscript = ffi::binaryfunc;
pub(super) type Assign = ffi::objobjargproc;

/// An argument of a slot.
///
/// # Safety
/// `object` points to a live object, for as long as the slot's call lasts.
#[inline(always)]
pub(super) unsafe fn argument<'a, 'py>(
    py: Python<'py>,
    object: &'a *mut ffi::PyObject,
) -> &'a Bound<'py, PyAny> {
    // SAFETY: not null and alive, as the caller says.
    unsafe { Bound::ref_from_ptr(py, object) }
}

/// The object that a slot belongs to.
///
/// # Safety
/// As for [`argument`], and the object is an instance of `T`.
#[inline(always)]
pub(super) unsafe fn instance<'a, T: pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync>(
    py: Python<'a>,
    object: &'a *mut ffi::PyObject,
) -> &'a T {
    // SAFETY: of that type, as the caller says.
    unsafe { argument(py, object).cast_unchecked::<T>() }.get()
}

/// A slot's result.
#[inline(always)]
pub(super) fn result(py: Python<'_>, object: PyResult<Bound<'_, PyAny>>) -> *mut ffi::PyObject {
    match object {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            set_error(py, error);
            ptr::null_mut()
        }
    }
}

/// A scalar as a slot's result.
#[inline(always)]
pub(super) fn scalar(py: Python<'_>, word: Word) -> *mut ffi::PyObject {
    match word.as_int() {
        // SAFETY: the interpreter is attached; the result is a new reference or null with an
        // exception set.
        Some(int) => unsafe { ffi::PyLong_FromLongLong(int) },
        None => no_int(py, word),
    }
}

#[inline(never)]
fn no_int(py: Python<'_>, word: Word) -> *mut ffi::PyObject {
    result(py, decode::word(py, word))
}

/// Sets the exception. Making it drops objects, which `PyO3` puts off unless it was told that the
/// interpreter is attached.
#[cold]
pub(super) fn set_error(_: Python<'_>, error: PyErr) {
    Python::attach(|py| error.restore(py));
}

/// Hands an assignment or deletion on.
///
/// # Safety
/// The arguments are those of a slot's call.
#[inline(always)]
pub(super) unsafe fn assign(
    general: &OnceLock<Assign>,
    container: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    match general.get() {
        // SAFETY: as the caller says.
        Some(general) => unsafe { general(container, key, value) },
        None => Python::attach(|py| {
            not_installed().restore(py);
            -1
        }),
    }
}

#[cold]
pub(super) fn not_installed() -> PyErr {
    PySystemError::new_err("a slot was called before it was installed")
}
