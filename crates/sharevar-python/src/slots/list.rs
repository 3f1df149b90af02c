//! Reading, setting and appending the items of lists.

use super::call::{Assign, Subscript, argument, assign, instance, not_installed, result, scalar};
use super::replace::replace;
use crate::encoding::{decode, encode, long};
use crate::errors::OrRaise;
use crate::fast_access;
use crate::kinds::list::List;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use sharevar::shm::{Glance, Look};
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::ptr;
use std::sync::OnceLock;

// The functions that PyO3 has made, each set before its replacement can be called.
static LIST_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static LIST_ASSIGN: OnceLock<Assign> = OnceLock::new();
static LIST_APPEND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

unsafe extern "C" fn list_subscript(
    list: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &list).cast_unchecked::<List>(), argument(py, &index))
    };
    let glance = match (this.get().shm(), fast_access::exact_int(object)) {
        (Some(raw), Some(index)) => raw.glance(index),
        _ => Glance::Unknown,
    };
    match glance {
        Glance::Word(word) => return scalar(py, word),
        Glance::Unknown => {}
        Glance::Located(_) => match give(this, glance) {
            Ok(None) => {}
            Ok(Some(object)) => return object.into_ptr(),
            Err(error) => return result(py, Err(error)),
        },
    }
    match LIST_SUBSCRIPT.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(list, index) },
        None => result(py, Err(not_installed())),
    }
}

/// Returns the object of an item that is no scalar; `None` if there is none, or the list has changed since the
/// look. Decoding may run code, so `PyO3` is told that the interpreter is attached.
#[inline(never)]
fn give<'py>(list: &Bound<'py, List>, glance: Glance) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(raw) = list.get().shm() else { return Ok(None) };
    let mut copied = None;
    let look = glance.look(raw.handle(), &mut copied);
    Python::attach(|_| match look {
        Look::Bytes(bytes) => {
            decode::decode_bytes(list.py(), bytes, &[], list.as_super().get().store()).map(Some)
        }
        Look::There(located) => {
            let store = list.as_super().get().store();
            if let Some(object) = long::read(list.py(), raw.handle(), located, store)? {
                return Ok(Some(object));
            }
            let content = raw.read_located(located).or_raise()?;
            content.map(|content| List::object(list, content)).transpose()
        }
        _ => Ok(None),
    })
}

unsafe extern "C" fn list_assign(
    list: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    if !value.is_null() {
        // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's
        // type; the value is not null.
        let (this, object, value) = unsafe {
            let py = Python::assume_attached();
            (instance::<List>(py, &list), argument(py, &index), argument(py, &value))
        };
        if let Some(raw) = this.shm()
            && let Some(index) = fast_access::exact_int(object)
            && let Some(word) = encode::word(value)
            && raw.set_word(index, word)
        {
            return 0;
        }
    }
    // SAFETY: the arguments are those of this call.
    unsafe { assign(&LIST_ASSIGN, list, index, value) }
}

unsafe extern "C" fn list_append(list: *mut ffi::PyObject, item: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, with live objects; a method descriptor has checked
    // the first.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<List>(py, &list), argument(py, &item))
    };
    if let Some(raw) = this.shm()
        && let Some(word) = encode::word(object)
        && raw.push_word(word)
    {
        return py.None().into_ptr();
    }
    match LIST_APPEND.get(py) {
        // SAFETY: all are live objects, and null ends them.
        Some(general) => unsafe {
            ffi::PyObject_CallFunctionObjArgs(general.as_ptr(), list, item, ptr::null_mut::<ffi::PyObject>())
        },
        None => result(py, Err(not_installed())),
    }
}

/// Puts the slots in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let list = py.get_type::<List>();
    // SAFETY: each function is of its slot's type, and so is what was found there.
    unsafe {
        replace(&list, &["__getitem__"], list_subscript as Subscript as *mut c_void, |old| {
            LIST_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&list, &["__setitem__", "__delitem__"], list_assign as Assign as *mut c_void, |old| {
            LIST_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })?;
    }
    if LIST_APPEND.set(py, list.getattr("append")?.unbind()).is_ok() {
        give_append(&list)?;
    }
    Ok(())
}

fn give_append(class: &Bound<'_, PyType>) -> PyResult<()> {
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: c"append".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: list_append },
        ml_flags: ffi::METH_O,
        ml_doc: c"append($self, item, /)\n--\n\nAppend an item.".as_ptr(),
    }));
    // SAFETY: the type is alive and the definition for ever; the result is a new reference or
    // null with an exception set.
    let method = unsafe {
        Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewMethod(class.as_type_ptr(), definition))
    };
    class.setattr("append", method?)
}
