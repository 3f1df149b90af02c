//! The entries of a dict or the elements of a set, all at once, as Python's objects.

use crate::encoding::decode::{decode, decode_bytes};
use crate::encoding::key::AnyDict;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use sharevar::Content;

/// Calls `act` with the encoding of each key, and with its value if `with_values`. All have been read before, so
/// that code of Python's which `act` runs may use the dict.
fn each(
    dict: &AnyDict,
    with_values: bool,
    mut act: impl FnMut(&[u8], Content) -> PyResult<()>,
) -> PyResult<()> {
    if let Some(raw) = dict.shm() {
        return raw.entries(with_values).or_raise()?.try_each(act).or_raise()?;
    }
    for item in dict.any().items(with_values).or_raise()? {
        act(&item.key, item.value)?;
    }
    Ok(())
}

pub(crate) fn keys<'py>(py: Python<'py>, dict: &AnyDict, store: &Py<Store>) -> PyResult<Bound<'py, PyList>> {
    let keys = PyList::empty(py);
    each(dict, false, |key, _| keys.append(decode_bytes(py, key, &[], store)?))?;
    Ok(keys)
}

pub(crate) fn values<'py>(
    py: Python<'py>,
    dict: &AnyDict,
    store: &Py<Store>,
) -> PyResult<Bound<'py, PyList>> {
    let values = PyList::empty(py);
    each(dict, true, |_, value| values.append(decode(py, value, store)?))?;
    Ok(values)
}

pub(crate) fn items<'py>(py: Python<'py>, dict: &AnyDict, store: &Py<Store>) -> PyResult<Bound<'py, PyList>> {
    let items = PyList::empty(py);
    each(dict, true, |key, value| {
        items.append((decode_bytes(py, key, &[], store)?, decode(py, value, store)?))
    })?;
    Ok(items)
}

pub(crate) fn copy<'py>(py: Python<'py>, dict: &AnyDict, store: &Py<Store>) -> PyResult<Bound<'py, PyDict>> {
    let copy = PyDict::new(py);
    each(dict, true, |key, value| {
        copy.set_item(decode_bytes(py, key, &[], store)?, decode(py, value, store)?)
    })?;
    Ok(copy)
}
