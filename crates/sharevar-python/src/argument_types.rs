//! Types of arguments that are converted as in the standard library.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyInt;

/// An object's truth, where the standard library takes any object: programs write `acquire(0)`.
pub(crate) struct Truthy(pub(crate) bool);

impl FromPyObject<'_, '_> for Truthy {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.is_truthy()?))
    }
}

/// Whether to wait, where the standard library takes ints alone up to Python 3.11, and anything from 3.12 on: a
/// float is a time-out in the wrong place, which would be waited for without an end.
pub(crate) struct Flag {
    is_set: bool,
    /// The error if the object is no int.
    refused: Option<PyErr>,
}

impl Flag {
    pub(crate) const SET: Self = Self { is_set: true, refused: None };

    /// Of an object that may be anything.
    pub(crate) fn truth(self) -> bool {
        self.is_set
    }

    pub(crate) fn of_int(self) -> PyResult<bool> {
        self.refused.map_or(Ok(self.is_set), Err)
    }
}

impl FromPyObject<'_, '_> for Flag {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let takes_any = object.py().version_info() >= (3, 12);
        let refused = if takes_any || object.is_instance_of::<PyInt>() {
            None
        } else {
            object.call_method0("__index__").err().map(|_| {
                let class =
                    object.get_type().qualname().map_or_else(|_| String::new(), |name| name.to_string());
                PyTypeError::new_err(format!(
                    "'{class}' object cannot be interpreted as an integer; a time is given as timeout="
                ))
            })
        };
        Ok(Self { is_set: object.is_truthy()?, refused })
    }
}

/// An object, None too, or nothing at all.
pub(crate) struct Argument<'py>(pub(crate) Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Argument<'py> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Some(object.to_owned())))
    }
}
