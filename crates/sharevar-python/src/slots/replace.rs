//! Putting functions in the places of those that `PyO3` has made.

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn PyDescr_NewWrapper(
        class: *mut ffi::PyTypeObject,
        base: *mut ffi::wrapperbase,
        wrapped: *mut c_void,
    ) -> *mut ffi::PyObject;
}

/// Makes `function` the slot that these names stand for. `keep` is given what was there, and
/// says whether this is the first time.
///
/// # Safety
/// `function` is of the type of the slot.
pub(super) unsafe fn replace(
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

/// Makes `function` the method of that name, whose signature and text stay. `keep` is given what was
/// there, and says whether this is the first time.
///
/// # Safety
/// `function` is as `flags` say.
pub(super) unsafe fn replace_method(
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
