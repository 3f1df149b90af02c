//! Types of arguments that are converted as in the standard library.

use pyo3::prelude::*;

/// An object's truth, where the standard library takes any object: programs write `acquire(0)`.
pub(crate) struct Truthy(pub(crate) bool);

impl FromPyObject<'_, '_> for Truthy {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.is_truthy()?))
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
