//! Hand-written slots and methods for the commonest operations.
//!
//! `PyO3`'s way into a slot is two calls more, a thread-local count and a result passed
//! through memory. With it a list index takes 20 ns, without it 15, and a local list's
//! 6; an append 32, 24 and 8 to 11; a dict's get 25, 21 and 11; a dict's set 33, 28 and
//! 15 (`python/benches/operations.py`, `CPython` 3.11).
//! These functions do the common case, in which no Python code runs and nothing is
//! dropped, and hand everything else to the functions that `PyO3` has made.
#![allow(unsafe_code)]

pub(crate) mod monitor;

use crate::encoding::decode;
use crate::encoding::encode;
use crate::fast_access;
use crate::kinds::array::Array;
use crate::kinds::dict::Dict;
use crate::kinds::list::List;
use crate::kinds::lock::Lock;
use crate::kinds::namespace::Namespace;
use crate::kinds::value::Value;
use pyo3::exceptions::{PyAttributeError, PySystemError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyString, PyType};
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::ptr;
use std::sync::OnceLock;

type Subscript = ffi::binaryfunc;
type Assign = ffi::objobjargproc;

unsafe extern "C" {
    fn PyDescr_NewWrapper(
        class: *mut ffi::PyTypeObject,
        base: *mut ffi::wrapperbase,
        wrapped: *mut c_void,
    ) -> *mut ffi::PyObject;
}

// What PyO3 has made, each set before its replacement can be called.
static DICT_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static DICT_ASSIGN: OnceLock<Assign> = OnceLock::new();
static LIST_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static LIST_ASSIGN: OnceLock<Assign> = OnceLock::new();
static ARRAY_SUBSCRIPT: OnceLock<Subscript> = OnceLock::new();
static ARRAY_ASSIGN: OnceLock<Assign> = OnceLock::new();
static LOCK_ACQUIRE: OnceLock<ffi::PyCFunctionFastWithKeywords> = OnceLock::new();
static LOCK_RELEASE: OnceLock<ffi::PyCFunction> = OnceLock::new();
static LIST_APPEND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static VALUE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// An argument of a slot.
///
/// # Safety
/// `object` points to a live object, for as long as the slot's call lasts.
#[inline(always)]
pub(crate) unsafe fn argument<'a, 'py>(
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
unsafe fn instance<'a, T: pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync>(
    py: Python<'a>,
    object: &'a *mut ffi::PyObject,
) -> &'a T {
    // SAFETY: of that type, as the caller says.
    unsafe { argument(py, object).cast_unchecked::<T>() }.get()
}

/// A slot's result.
#[inline(always)]
pub(crate) fn result(py: Python<'_>, object: PyResult<Bound<'_, PyAny>>) -> *mut ffi::PyObject {
    match object {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            set_error(py, error);
            ptr::null_mut()
        }
    }
}

/// Sets the exception. Making it drops objects, which `PyO3` puts off unless it was told that the
/// interpreter is attached.
#[cold]
pub(crate) fn set_error(_: Python<'_>, error: PyErr) {
    Python::attach(|py| error.restore(py));
}

unsafe extern "C" fn dict_subscript(dict: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls slots attached, with live objects, the first of the slot's type.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Dict>(py, &dict), argument(py, &key))
    };
    if let Some(word) = this.quick_get(object) {
        return result(py, decode::word(py, word));
    }
    match DICT_SUBSCRIPT.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(dict, key) },
        None => result(py, Err(not_installed())),
    }
}

unsafe extern "C" fn dict_assign(
    dict: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    if !value.is_null() {
        // SAFETY: as in `dict_subscript`; the value is not null.
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

unsafe extern "C" fn list_subscript(
    list: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `dict_subscript`.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<List>(py, &list), argument(py, &index))
    };
    if let Some(word) = fast_access::exact_int(object).and_then(|index| this.raw().get_word(index)) {
        return result(py, decode::word(py, word));
    }
    match LIST_SUBSCRIPT.get() {
        // SAFETY: the arguments are those of this call.
        Some(general) => unsafe { general(list, index) },
        None => result(py, Err(not_installed())),
    }
}

unsafe extern "C" fn list_assign(
    list: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    if !value.is_null() {
        // SAFETY: as in `dict_subscript`; the value is not null.
        let (this, object, value) = unsafe {
            let py = Python::assume_attached();
            (instance::<List>(py, &list), argument(py, &index), argument(py, &value))
        };
        if let Some(index) = fast_access::exact_int(object)
            && let Some(word) = encode::word(value)
            && this.raw().set_word(index, word)
        {
            return 0;
        }
    }
    // SAFETY: the arguments are those of this call.
    unsafe { assign(&LIST_ASSIGN, list, index, value) }
}

unsafe extern "C" fn array_subscript(
    array: *mut ffi::PyObject,
    index: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `dict_subscript`.
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
        // SAFETY: as in `dict_subscript`; the value is not null.
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

unsafe extern "C" fn lock_acquire(
    lock: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `list_append`.
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
    // SAFETY: as in `list_append`.
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
    // SAFETY: as in `dict_subscript`.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, argument(py, &namespace).cast_unchecked::<Namespace>(), argument(py, &name))
    };
    let Some((name, text)) = shared_name(object) else {
        // SAFETY: the arguments are those of this call; what is no str is refused there.
        return unsafe { ffi::PyObject_GenericGetAttr(namespace, object.as_ptr()) };
    };
    if let Some(word) = text.and_then(|text| this.get().quick_get(text)) {
        return result(py, decode::word(py, word));
    }
    result(py, Namespace::get(this, name))
}

unsafe extern "C" fn namespace_assign(
    namespace: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: as in `dict_subscript`.
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

unsafe extern "C" fn list_append(list: *mut ffi::PyObject, item: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: as in `dict_subscript`: a method descriptor has checked the first.
    let (py, this, object) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<List>(py, &list), argument(py, &item))
    };
    if let Some(word) = encode::word(object)
        && this.raw().push_word(word)
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

unsafe extern "C" fn value_get(value: *mut ffi::PyObject, _: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: as in `dict_subscript`: an attribute descriptor has checked the object.
    let (py, this) = unsafe {
        let py = Python::assume_attached();
        (py, instance::<Value>(py, &value))
    };
    if let Some(word) = this.raw().get_word() {
        return result(py, decode::word(py, word));
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
    if let Some(word) = encode::word(item)
        && this.raw().set_word(word)
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

/// Hands an assignment or deletion on.
///
/// # Safety
/// The arguments are those of a slot's call.
#[inline(always)]
unsafe fn assign(
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
fn not_installed() -> PyErr {
    PySystemError::new_err("a slot was called before it was installed")
}

/// Puts the slots in their places, before any class is derived: derived classes inherit them.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let (dict, list) = (py.get_type::<Dict>(), py.get_type::<List>());
    // SAFETY: each function is of its slot's type, and so is what was found there.
    unsafe {
        replace(&dict, &["__getitem__"], dict_subscript as Subscript as *mut c_void, |old| {
            DICT_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&dict, &["__setitem__", "__delitem__"], dict_assign as Assign as *mut c_void, |old| {
            DICT_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })?;
        replace(&list, &["__getitem__"], list_subscript as Subscript as *mut c_void, |old| {
            LIST_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&list, &["__setitem__", "__delitem__"], list_assign as Assign as *mut c_void, |old| {
            LIST_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })?;
    }
    let (array, lock) = (py.get_type::<Array>(), py.get_type::<Lock>());
    // SAFETY: each function is of its slot's or method's type, and so is what was found there.
    unsafe {
        replace(&array, &["__getitem__"], array_subscript as Subscript as *mut c_void, |old| {
            ARRAY_SUBSCRIPT.set(transmute::<*mut c_void, Subscript>(old)).is_ok()
        })?;
        replace(&array, &["__setitem__", "__delitem__"], array_assign as Assign as *mut c_void, |old| {
            ARRAY_ASSIGN.set(transmute::<*mut c_void, Assign>(old)).is_ok()
        })?;
        let acquire = ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: lock_acquire };
        replace_method(&lock, "acquire", ffi::METH_FASTCALL | ffi::METH_KEYWORDS, acquire, |old| {
            LOCK_ACQUIRE.set(old.PyCFunctionFastWithKeywords).is_ok()
        })?;
        let release = ffi::PyMethodDefPointer { PyCFunction: lock_release };
        replace_method(&lock, "release", ffi::METH_NOARGS, release, |old| {
            LOCK_RELEASE.set(old.PyCFunction).is_ok()
        })?;
    }
    let namespace = py.get_type::<Namespace>();
    // SAFETY: as above; what was there is the root class's, and nobody needs it.
    unsafe {
        replace(&namespace, &["__getattribute__"], namespace_get as Subscript as *mut c_void, |_| true)?;
        let assign = namespace_assign as Assign as *mut c_void;
        replace(&namespace, &["__setattr__", "__delattr__"], assign, |_| true)?;
    }
    if LIST_APPEND.set(py, list.getattr("append")?.unbind()).is_ok() {
        give_append(&list)?;
    }
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

/// The methods that are called so often that it is worth the interpreter's short way.
const HOT: [&str; 8] = ["append", "acquire", "release", "set", "clear", "is_set", "put", "get"];

/// Gives a class the hot methods that it inherits from a native one as its own. The interpreter's
/// short way of calling a method is only for objects of exactly the class that the method is from.
pub(crate) fn own_methods(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    for name in HOT {
        let Ok(inherited) = class.getattr(name) else { continue };
        // SAFETY: only the type's address is taken; the descriptor is read once its type is known,
        // and the definition in it lives for ever, as that of every native method; the result is a
        // new reference or null with an exception set.
        let own = unsafe {
            if ffi::Py_TYPE(inherited.as_ptr()) != &raw mut ffi::PyMethodDescr_Type {
                continue;
            }
            let method = (*inherited.as_ptr().cast::<ffi::PyMethodDescrObject>()).d_method;
            Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), method))?
        };
        class.setattr(name, own)?;
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

/// Makes `function` the method of that name, whose signature and text stay. `keep` is given what was
/// there, and says whether this is the first time.
///
/// # Safety
/// `function` is as `flags` say.
unsafe fn replace_method(
    class: &Bound<'_, PyType>,
    name: &str,
    flags: c_int,
    function: ffi::PyMethodDefPointer,
    keep: impl FnOnce(ffi::PyMethodDefPointer) -> bool,
) -> PyResult<()> {
    let old = class.getattr(name)?;
    // SAFETY: only the type's address is taken; the descriptor is read once its type is known, and
    // its definition lives for ever, as that of every native method.
    let definition = unsafe {
        let is_method = ffi::Py_TYPE(old.as_ptr()) == &raw mut ffi::PyMethodDescr_Type;
        is_method.then(|| &*(*old.as_ptr().cast::<ffi::PyMethodDescrObject>()).d_method)
    };
    let Some(definition) = definition.filter(|definition| definition.ml_flags == flags) else {
        return Err(PySystemError::new_err(format!("{name} is no method of that kind")));
    };
    if !keep(definition.ml_meth) {
        return Ok(());
    }
    let new = Box::leak(Box::new(ffi::PyMethodDef { ml_meth: function, ..*definition }));
    // SAFETY: the type is alive and the definition for ever; the result is a new reference or null
    // with an exception set.
    let method =
        unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewMethod(class.as_type_ptr(), new)) };
    class.setattr(name, method?)
}

/// Makes `function` the slot that these names stand for. `keep` is given what was there, and
/// says whether this is the first time.
///
/// # Safety
/// `function` is of the type of the slot.
pub(crate) unsafe fn replace(
    class: &Bound<'_, PyType>,
    names: &[&str],
    function: *mut c_void,
    keep: impl FnOnce(*mut c_void) -> bool,
) -> PyResult<()> {
    let py = class.py();
    let mut keep = Some(keep);
    for name in names {
        let old = class.getattr(*name)?;
        // SAFETY: only the type's address is taken; the descriptor is read once its type is known.
        let (is_wrapper, descriptor) = unsafe {
            let is_wrapper = ffi::Py_TYPE(old.as_ptr()) == &raw mut ffi::PyWrapperDescr_Type;
            (is_wrapper, old.as_ptr().cast::<ffi::PyWrapperDescrObject>())
        };
        if !is_wrapper {
            return Err(PySystemError::new_err(format!("{name} is no slot")));
        }
        // SAFETY: it is a slot wrapper, whose layout this is.
        let (base, wrapped) = unsafe { ((*descriptor).d_base, (*descriptor).d_wrapped) };
        if let Some(keep) = keep.take()
            && !keep(wrapped)
        {
            return Ok(());
        }
        // SAFETY: the type is alive, the base is static in the interpreter; the result is a new
        // reference or null with an exception set.
        let new = unsafe {
            Bound::from_owned_ptr_or_err(py, PyDescr_NewWrapper(class.as_type_ptr(), base, function))?
        };
        class.setattr(*name, new)?;
    }
    Ok(())
}
