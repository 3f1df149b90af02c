//! Objects as indices and slices, as a list takes them.

use crate::fast_access;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PySlice;
use sharevar::engine::Span;

/// An index or a slice, as it stands between the brackets.
pub(crate) enum Place<'a, 'py> {
    At(i64),
    Slice(&'a Bound<'py, PySlice>),
}

/// The index or slice that an object is, of a `kind`.
#[inline(always)]
pub(crate) fn place<'a, 'py>(object: &'a Bound<'py, PyAny>, kind: &'static str) -> PyResult<Place<'a, 'py>> {
    match fast_access::exact_int(object) {
        Some(index) => Ok(Place::At(index)),
        None => other_place(object, kind),
    }
}

#[cold]
fn other_place<'a, 'py>(object: &'a Bound<'py, PyAny>, kind: &'static str) -> PyResult<Place<'a, 'py>> {
    if let Ok(slice) = object.cast_exact::<PySlice>() {
        return Ok(Place::Slice(slice));
    }
    let py = object.py();
    if !object.get_type().hasattr(pyo3::intern!(py, "__index__"))? {
        let name = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{kind} indices must be integers or slices, not {name}")));
    }
    let name = object.get_type().name()?;
    match object.extract::<i64>() {
        Ok(index) => Ok(Place::At(index)),
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
            Err(PyIndexError::new_err(format!("cannot fit '{name}' into an index-sized integer")))
        }
        Err(error) => Err(error),
    }
}

/// The int that an object is, for a method.
pub(crate) fn whole(object: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Some(int) = fast_access::exact_int(object) {
        return Ok(int);
    }
    fast_access::small_int(&fast_access::index(object)?)
        .ok_or_else(|| PyOverflowError::new_err("Python int too large to convert to C ssize_t"))
}

/// An end of a search: as far as it goes, if it is beyond 64 bits.
pub(crate) fn end(object: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Some(int) = fast_access::exact_int(object) {
        return Ok(int);
    }
    let int = fast_access::index(object).map_err(|error| {
        if !error.is_instance_of::<PyTypeError>(object.py()) {
            return error;
        }
        PyTypeError::new_err("slice indices must be integers or have an __index__ method")
    })?;
    match fast_access::small_int(&int) {
        Some(int) => Ok(int),
        None => Ok(if int.lt(0)? { i64::MIN } else { i64::MAX }),
    }
}

/// The slice, once its ends and its step are ints. They are asked for here and never again.
pub(crate) fn span(slice: &Bound<'_, PySlice>) -> PyResult<Span> {
    let py = slice.py();
    let part = |name| {
        let part = slice.getattr(name)?;
        if part.is_none() { Ok(None) } else { end(&part).map(Some) }
    };
    // In the order in which the interpreter asks for them.
    let step = part(intern!(py, "step"))?;
    let (start, stop) = (part(intern!(py, "start"))?, part(intern!(py, "stop"))?);
    Span::new(start, stop, step.unwrap_or(1))
        .ok_or_else(|| PyValueError::new_err("slice step cannot be zero"))
}
