//! The classes of this module that variables of each kind have. The table in `kinds` fills them in.

use crate::errors::{Class, raise};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use sharevar::Kind;

/// The classes, by the number of the kind.
static NATIVE: [PyOnceLock<Py<PyType>>; Kind::NUMBERS] = [const { PyOnceLock::new() }; Kind::NUMBERS];

/// Sets the class that variables of a kind have.
pub(crate) fn set_native_class(py: Python<'_>, kind: Kind, class: Bound<'_, PyType>) {
    // A second import of the module has the same classes.
    let _ = NATIVE[kind as usize].set(py, class.unbind());
}

/// The class of a kind, if Python has one.
pub(crate) fn native_class(py: Python<'_>, kind: Kind) -> Option<&Bound<'_, PyType>> {
    NATIVE[kind as usize].get(py).map(|class| class.bind(py))
}

/// The class of a kind, or the error that Python has none.
pub(crate) fn expect_native_class(py: Python<'_>, kind: Kind) -> PyResult<&Bound<'_, PyType>> {
    native_class(py, kind)
        .ok_or_else(|| raise(Class::WrongKind, format!("a {} can be used from Rust only", kind.name())))
}

/// The kind whose native class `cls` is derived from.
pub(crate) fn kind_of_class(cls: &Bound<'_, PyType>) -> PyResult<Kind> {
    for kind in Kind::ALL.iter().copied() {
        if let Some(native) = native_class(cls.py(), kind)
            && cls.is_subclass(native)?
        {
            return Ok(kind);
        }
    }
    Err(PyTypeError::new_err(format!("{} is no class of variables", cls.name()?)))
}
