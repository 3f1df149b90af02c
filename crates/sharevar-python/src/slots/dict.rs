//! Reading and setting the entries of dicts.

use super::call::{Assign, Subscript, argument, assign, instance, not_installed, result, scalar};
use super::replace::{replace, replace_method};
use crate::kinds::dict::{Dict, missing};
use pyo3::ffi;
use pyo3::prelude::*;
use sharevar::shm::{Glance, Look};
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;

// The functions that PyO3 has made, each set before its replacement can be called.
static DICT_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static DICT_ASSIGN: OnceLock<Assign> = OnceLock::new();
static DICT_VIEW: OnceLock<ffi::PyCFunctionFastWithKeywords> = OnceLock::new();

unsafe extern "C" fn dict_subscript(dict: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &dict).cast_unchecked::<Dict>(), argument(py, &key))
    };
    match this.get().glance(object) {
        Glance::Word(word) => return scalar(py, word),
        Glance::Unknown => {}
        glance @ Glance::Located(_) => match give(this, object, glance) {
            Ok(None) => {}
            Ok(Some(object)) => return object.into_ptr(),
            Err(error) => return result(py, Err(error)),
        },
    }
    match DICT_SUBSCRIPT.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(dict, key) },
        None => result(py, Err(not_installed())),
    }
}

/// Returns the object that a search has found, if it is no scalar; `None` if the dict has changed since.
/// Decoding may run code, so `PyO3` is told that the interpreter is attached.
#[inline(never)]
fn give<'py>(
    dict: &Bound<'py, Dict>,
    key: &Bound<'py, PyAny>,
    glance: Glance,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(raw) = dict.get().shm() else { return Ok(None) };
    let mut copied = None;
    let look = glance.look(raw.handle(), &mut copied);
    Python::attach(|_| match look {
        Look::Bytes(bytes) => Dict::decoded(dict, bytes).map(Some),
        Look::There(located) => Dict::located(dict, key, located)?.ok_or_else(|| missing(key)).map(Some),
        Look::Absent => Err(missing(key)),
        Look::Word(_) | Look::Unknown => Ok(None),
    })
}

unsafe extern "C" fn dict_assign(
    dict: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    if !value.is_null() {
        // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's
        // type; the value is not null.
        let (this, object, value) = unsafe {
            let py = Python::assume_attached();
            (instance::<Dict>(py, &dict), argument(py, &key), argument(py, &value))
        };
        if this.quick_set(object, value) {
            return 0;
        }
    }
    // SAFETY: the arguments are those of this call.
    unsafe { assign(&DICT_ASSIGN, dict, key, value) }
}

/// The view of a value, which takes no more than the key in the common case.
unsafe extern "C" fn dict_view(
    dict: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached.
    let py = unsafe { Python::assume_attached() };
    if count == 1 && names.is_null() {
        // SAFETY: all are live objects, as many as counted; a method descriptor has checked the first.
        let (this, key) =
            unsafe { (argument(py, &dict).cast_unchecked::<Dict>(), argument(py, &*arguments)) };
        // A new object may start a collection, which runs code.
        match Python::attach(|_| Dict::quick_view(this, key, false)) {
            Ok(Some(view)) => return view.into_ptr(),
            Ok(None) => {}
            Err(error) => return result(py, Err(error)),
        }
    }
    match DICT_VIEW.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(dict, arguments, count, names) },
        None => result(py, Err(not_installed())),
    }
}

/// Puts the slots in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let dict = py.get_type::<Dict>();
    // SAFETY: each function is of its slot's type, and so is what was found there.
    unsafe {
        replace(&dict, &["__getitem__"], dict_subscript as Subscript as *mut c_void, |old| {
            DICT_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&dict, &["__setitem__", "__delitem__"], dict_assign as Assign as *mut c_void, |old| {
            DICT_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })?;
        let method = ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: dict_view };
        replace_method(&dict, "view", ffi::METH_FASTCALL | ffi::METH_KEYWORDS, method, |old| {
            DICT_VIEW.set(old.PyCFunctionFastWithKeywords).is_ok()
        })
    }
}
