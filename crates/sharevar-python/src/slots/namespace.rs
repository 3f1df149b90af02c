//! Reading, setting and deleting the attributes of namespaces.

use super::call::{Assign, Subscript, argument, instance, result, scalar, set_error};
use super::replace::replace;
use crate::fast_access;
use crate::kinds::namespace::Namespace;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sharevar::shm::Look;
use std::ffi::{c_int, c_void};

/// The name, if it is that of a shared attribute: no underscore comes first.
#[inline(always)]
fn shared_name<'a, 'py>(name: &'a Bound<'py, PyAny>) -> Option<(&'a Bound<'py, PyString>, Option<&'a str>)> {
    let name = name.cast::<PyString>().ok()?;
    let Some(text) = fast_access::text(name) else { return is_shared(name).then_some((name, None)) };
    (text.as_bytes().first() != Some(&b'_')).then_some((name, Some(text)))
}

/// The same for a name with lone surrogates.
#[cold]
fn is_shared(name: &Bound<'_, PyString>) -> bool {
    fast_access::text_with_surrogates(name).is_ok_and(|text| text.as_bytes().first() != Some(&b'_'))
}

unsafe extern "C" fn namespace_get(
    namespace: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &namespace).cast_unchecked::<Namespace>(), argument(py, &name))
    };
    let Some((name, text)) = shared_name(object) else {
        // SAFETY: the arguments are those of this call; what is no str is refused there.
        return unsafe { ffi::PyObject_GenericGetAttr(namespace, object.as_ptr()) };
    };
    let mut copied = None;
    let look = match text {
        Some(text) => this.get().look(text, &mut copied),
        None => Look::Unknown,
    };
    match look {
        Look::Word(word) => scalar(py, word),
        look => result(py, Python::attach(|_| Namespace::give(this, name, &look))),
    }
}

unsafe extern "C" fn namespace_assign(
    namespace: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Namespace>(py, &namespace), argument(py, &name))
    };
    let Some((name, text)) = shared_name(object) else {
        // SAFETY: the arguments are those of this call; what is no str is refused there.
        return unsafe { ffi::PyObject_GenericSetAttr(namespace, object.as_ptr(), value) };
    };
    let done = if value.is_null() {
        this.delete(name)
    } else {
        // SAFETY: not null and alive.
        let value = unsafe { argument(py, &value) };
        if text.is_some_and(|text| this.quick_set(text, value)) {
            return 0;
        }
        this.set(name, value)
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            set_error(py, error);
            -1
        }
    }
}

/// Puts the slots in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let namespace = py.get_type::<Namespace>();
    // SAFETY: each function is of its slot's type. The replaced one is the root class's, which is not
    // needed.
    unsafe {
        replace(&namespace, &["__getattribute__"], namespace_get as Subscript as *mut c_void, |_| true)?;
        let assign = namespace_assign as Assign as *mut c_void;
        replace(&namespace, &["__setattr__", "__delattr__"], assign, |_| true)
    }
}
