//! Arguments that are taken as the standard library takes them.

use pyo3::prelude::*;

/// What an object counts as where the standard library asks only whether it is true: programs
/// write `acquire(0)`.
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
