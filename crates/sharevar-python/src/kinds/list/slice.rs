//! Slices of a shared list: as a list has them, each operation one step for all processes.

use crate::errors::{OrRaise, to_python};
use crate::kinds::index::span;
use crate::kinds::list::List;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};
use sharevar::Error;

/// The items of a slice.
pub(crate) fn get<'py>(list: &Bound<'py, List>, slice: &Bound<'py, PySlice>) -> PyResult<Bound<'py, PyList>> {
    let span = span(slice)?;
    if let Some(raw) = list.get().shm()
        && let Some(values) = raw.plain_slice(span).or_raise()?
    {
        return List::objects(list, values);
    }
    List::objects(list, list.get().any().get_slice(span).or_raise()?)
}

/// Assignment to a slice.
pub(crate) fn set(
    list: &Bound<'_, List>,
    slice: &Bound<'_, PySlice>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let span = span(slice)?;
    if value.try_iter().is_err() {
        let message = if span.is_plain() {
            "can only assign an iterable"
        } else {
            "must assign iterable to extended slice"
        };
        return Err(PyTypeError::new_err(message));
    }
    let values = list.get().encode_all(value)?;
    list.get().any().set_slice(span, &values).map_err(|error| match error {
        Error::WrongLength { found, asked } => PyValueError::new_err(format!(
            "attempt to assign sequence of size {asked} to extended slice of size {found}"
        )),
        other => to_python(other),
    })
}

/// Deletion of a slice.
pub(crate) fn delete(list: &Bound<'_, List>, slice: &Bound<'_, PySlice>) -> PyResult<()> {
    list.get().any().delete_slice(span(slice)?).or_raise()
}
