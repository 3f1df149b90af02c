//! Reading and setting the content of values.

use super::call::{argument, instance, not_installed, result, scalar, set_error};
use crate::encoding::encode;
use crate::kinds::value::Value;
use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use sharevar::shm::RawValue;
use std::ffi::{c_int, c_void};
use std::ptr;

/// The attribute that `PyO3` has made, set before its replacement can be called.
static VALUE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

unsafe extern "C" fn value_get(value: *mut ffi::PyObject, _: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with a live object, which an attribute descriptor has
    // checked.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Value>(py, &value))
    };
    if let Some(word) = this.shm().and_then(RawValue::get_word) {
        return scalar(py, word);
    }
    match VALUE.get(py) {
        // SAFETY: all are live objects; the class is the object's own.
        Some(general) => result(py, unsafe {
            let value = argument(py, &value);
            general.bind(py).call_method1("__get__", (value, value.get_type()))
        }),
        None => result(py, Err(not_installed())),
    }
}

unsafe extern "C" fn value_set(value: *mut ffi::PyObject, item: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: as in `value_get`.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Value>(py, &value))
    };
    if item.is_null() {
        set_error(py, PyAttributeError::new_err("can't delete attribute"));
        return -1;
    }
    // SAFETY: not null and alive.
    let item = unsafe { argument(py, &item) };
    if let Some(raw) = this.shm()
        && let Some(word) = encode::word(item)
        && raw.set_word(word)
    {
        return 0;
    }
    match this.set(item) {
        Ok(()) => 0,
        Err(error) => {
            set_error(py, error);
            -1
        }
    }
}

/// Puts the attribute in its place.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let value = py.get_type::<Value>();
    if VALUE.set(py, value.getattr("__dict__")?.get_item("value")?.unbind()).is_ok() {
        let definition = Box::leak(Box::new(ffi::PyGetSetDef {
            name: c"value".as_ptr(),
            get: Some(value_get),
            set: Some(value_set),
            doc: c"The value.".as_ptr(),
            closure: ptr::null_mut(),
        }));
        // SAFETY: the type is alive and the definition for ever; the result is a new reference
        // or null with an exception set.
        let attribute = unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewGetSet(value.as_type_ptr(), definition))
        };
        value.setattr("value", attribute?)?;
    }
    Ok(())
}
