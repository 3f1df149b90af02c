//! `incr` on what is more than a 63-bit int.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

/// The sum of a stored number and `by`.
pub(crate) fn sum<'py>(stored: &Bound<'py, PyAny>, by: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    for number in [stored, by] {
        if !number.is_instance_of::<PyInt>() && !number.is_instance_of::<PyFloat>() {
            let name = number.get_type().name()?;
            return Err(PyTypeError::new_err(format!("incr adds ints and floats, not {name}")));
        }
    }
    stored.add(by)
}

/// `by`, if the arena itself can add it.
#[inline(always)]
pub(crate) fn small_step(by: Option<&Bound<'_, PyAny>>) -> Option<i64> {
    match by {
        None => Some(1),
        Some(by) => by.cast_exact::<PyInt>().ok().and_then(crate::fast_access::small_int),
    }
}
