//! Hand-written slots of monitors and their methods.
//!
//! A call of a method passes at least three of them. Rare cases go to the functions
//! beside the classes.

use super::call::{argument, result, set_error};
use super::replace::replace;
use crate::encoding::decode;
use crate::fast_access;
use crate::monitor::method::{self, Method};
use crate::monitor::overlay::{self, Found, MonitorHolder};
use crate::monitor::{self, Monitor, foreign};
use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sharevar::engine::Backed;
use sharevar::shm::Look;
use std::ffi::{c_int, c_void};
use std::ptr::fn_addr_eq;
#[cfg(Py_GIL_DISABLED)]
use std::sync::atomic::Ordering;

unsafe extern "C" {
    #[cfg(Py_GIL_DISABLED)]
    fn _PyType_LookupRef(class: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
    #[cfg(not(Py_GIL_DISABLED))]
    fn _PyType_Lookup(class: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

/// The member that the class of an object has under a name, as far as it matters here.
enum Member {
    /// A method of the class that runs under the lock, which the class holds.
    Call(*mut ffi::PyObject),
    /// It is no attribute's name: the interpreter's have two underscores on both sides.
    Special,
    /// Nothing, or what only counts if the object has no such attribute.
    Default,
    /// Another method: it has a getter and no setter.
    Method,
    /// A descriptor with a setter of its own.
    Settable,
}

/// # Safety
/// Both are live objects, the name is a str, and the interpreter is attached.
#[inline(always)]
unsafe fn member(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> Member {
    // SAFETY: as the caller says. The class holds the member until another thread changes the class,
    // which cannot be before this thread lets the interpreter go.
    #[cfg(not(Py_GIL_DISABLED))]
    let (member, mine) = unsafe { (_PyType_Lookup(ffi::Py_TYPE(object), name), true) };
    // SAFETY: as the caller says. Where other threads run at the same time, the member is held while
    // it is examined, and is not called afterwards.
    #[cfg(Py_GIL_DISABLED)]
    let (member, mine, _held) = unsafe {
        let member = _PyType_LookupRef(ffi::Py_TYPE(object), name);
        (member, false, Bound::from_owned_ptr_or_opt(Python::assume_attached(), member))
    };
    // SAFETY: null, or a live object, whose type's slots are read.
    unsafe {
        if member.is_null() {
            return unnamed(name);
        }
        let class = ffi::Py_TYPE(member);
        match (*class).tp_descr_get {
            _ if (*class).tp_descr_set.is_some() => Member::Settable,
            Some(getter) if mine && fn_addr_eq(getter, bind as ffi::descrgetfunc) => Member::Call(member),
            Some(_) => Member::Method,
            None => unnamed(name),
        }
    }
}

/// The member that follows from a name alone.
///
/// # Safety
/// As for [`member`].
#[inline(always)]
unsafe fn unnamed(name: *mut ffi::PyObject) -> Member {
    // SAFETY: as the caller says.
    let text = unsafe {
        let py = Python::assume_attached();
        fast_access::text(argument(py, &name).cast_unchecked::<PyString>()).map(str::as_bytes)
    };
    match text {
        Some([b'_', b'_', .., b'_', b'_']) => Member::Special,
        _ => Member::Default,
    }
}

unsafe extern "C" fn get(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, attribute) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &object).cast_unchecked::<Monitor>(), argument(py, &name))
    };
    if let Ok(attribute) = attribute.cast::<PyString>() {
        // SAFETY: as above.
        match unsafe { member(object, name) } {
            // SAFETY: both are live; the result is a new reference or null with an exception set.
            Member::Call(method) => return unsafe { PyMethod_New(method, object) },
            Member::Default => match stored(this.get(), attribute) {
                Ok(Some(value)) => return value.into_ptr(),
                Ok(None) => {}
                Err(error) => return result(py, Err(error)),
            },
            Member::Special | Member::Method | Member::Settable => {}
        }
    }
    // SAFETY: the arguments are those of this call; what is no str is refused there.
    unsafe { ffi::PyObject_GenericGetAttr(object, name) }
}

#[inline(always)]
fn stored<'py>(monitor: &Monitor, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let raw = match monitor.backed() {
        Backed::Shm(raw) => raw,
        Backed::Other(foreign) => return foreign::get(monitor, &**foreign, name),
    };
    let inside = match overlay::find(MonitorHolder::of(raw), name) {
        Found::Value(value) => return Ok(Some(value)),
        Found::Deleted => return Ok(None),
        Found::Nothing => true,
        Found::Outside => false,
    };
    let mut copied = None;
    match monitor::look(raw, name, &mut copied) {
        Look::Word(word) => decode::word(name.py(), word).map(Some),
        look => monitor.read(raw, name, inside, &look),
    }
}

unsafe extern "C" fn assign(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: as in `get`.
    let (py, this, attribute) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &object).cast_unchecked::<Monitor>(), argument(py, &name))
    };
    let Ok(attribute) = attribute.cast::<PyString>() else {
        // SAFETY: the arguments are those of this call; what is no str is refused there.
        return unsafe { ffi::PyObject_GenericSetAttr(object, name, value) };
    };
    // SAFETY: as in `get`.
    let done = match unsafe { member(object, name) } {
        // SAFETY: the arguments are those of this call.
        Member::Settable => return unsafe { ffi::PyObject_GenericSetAttr(object, name, value) },
        Member::Call(_) | Member::Method => Err(hidden(attribute)),
        Member::Special => Err(special(attribute)),
        Member::Default if value.is_null() => Monitor::delete(this, attribute),
        // SAFETY: not null and alive.
        Member::Default => this.get().set(attribute, unsafe { argument(py, &value) }),
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            set_error(py, error);
            -1
        }
    }
}

#[cold]
fn special(name: &Bound<'_, PyString>) -> PyErr {
    PyAttributeError::new_err(format!(
        "{name} cannot be an attribute of a monitor: names like it are the interpreter's; choose another"
    ))
}

#[cold]
fn hidden(name: &Bound<'_, PyString>) -> PyErr {
    PyAttributeError::new_err(format!(
        "{name} is a method of this monitor's class, which an attribute cannot hide; choose another name"
    ))
}

unsafe extern "C" fn bind(
    method: *mut ffi::PyObject,
    object: *mut ffi::PyObject,
    _class: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects; the object may be null. The
    // result is a new reference or null with an exception set.
    unsafe {
        if object.is_null() || object == ffi::Py_None() {
            ffi::Py_INCREF(method);
            return method;
        }
        PyMethod_New(method, object)
    }
}

/// A call of a method, in the interpreter's fast path.
unsafe extern "C" fn call(
    method: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with a live object of the class that has it, and
    // with as many live objects as the count says.
    let (py, this, first) = unsafe {
        let py = Python::assume_attached();
        let first = (ffi::PyVectorcall_NARGS(count) > 0).then(|| argument(py, &*arguments));
        (py, argument(py, &method).cast_unchecked::<Method>(), first)
    };
    let called = method::call(this, first, || {
        let function = this.get().function().as_ptr();
        // SAFETY: the arguments are those of this call, which passes them on as it has them; the
        // result is a new reference or null with an exception set.
        unsafe {
            let result = ffi::PyObject_Vectorcall(function, arguments, count, names);
            Bound::from_owned_ptr_or_err(py, result)
        }
    });
    result(py, called)
}

/// Puts the slots in their places.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    method::set_vectorcall(call);
    let (monitor, method) = (py.get_type::<Monitor>(), py.get_type::<Method>());
    // SAFETY: each function is of its slot's type. The class is not in use yet, and the place is that
    // of a pointer to such a function in each of its objects.
    unsafe {
        replace(&monitor, &["__getattribute__"], get as ffi::binaryfunc as *mut c_void, |_| true)?;
        let assign = assign as ffi::setattrofunc as *mut c_void;
        replace(&monitor, &["__setattr__", "__delattr__"], assign, |_| true)?;
        replace(&method, &["__get__"], bind as ffi::descrgetfunc as *mut c_void, |_| true)?;
        replace(&method, &["__call__"], ffi::PyVectorcall_Call as ffi::ternaryfunc as *mut c_void, |_| true)?;
        let some = Bound::new(py, Method::new(py.None())?)?;
        let place = (&raw const some.get().vectorcall).addr() - some.as_ptr().addr();
        let class = method.as_type_ptr();
        (*class).tp_vectorcall_offset = place as ffi::Py_ssize_t;
        #[cfg(not(Py_GIL_DISABLED))]
        {
            (*class).tp_flags |= ffi::Py_TPFLAGS_HAVE_VECTORCALL;
        }
        #[cfg(Py_GIL_DISABLED)]
        (*class).tp_flags.fetch_or(ffi::Py_TPFLAGS_HAVE_VECTORCALL, Ordering::Relaxed);
        ffi::PyType_Modified(class);
    }
    Ok(())
}
