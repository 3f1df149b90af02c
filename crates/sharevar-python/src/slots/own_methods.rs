//! Methods that a derived class has as its own.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The methods that are called so often that it is worth the interpreter's fast path.
const HOT: [&str; 9] = ["append", "acquire", "release", "set", "clear", "is_set", "put", "get", "view"];

/// Gives a class the hot methods that it inherits from a native one as its own. The interpreter's
/// fast path of calling a method is only for objects of exactly the class that the method is from.
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
