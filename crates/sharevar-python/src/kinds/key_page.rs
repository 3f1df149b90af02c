//! The keys of a dict or set, some at a time.

use crate::encoding::decode::decode_bytes;
use crate::encoding::key::AnyDict;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The keys of one page, the place of the last one if there are more, and the number of all keys.
pub(crate) type KeyPage<'py> = (Bound<'py, PyList>, Option<u64>, u64);

/// Reads the page behind a place, or the first.
pub(crate) fn key_page<'py>(
    py: Python<'py>,
    dict: &AnyDict,
    store: &Py<Store>,
    after: Option<u64>,
) -> PyResult<KeyPage<'py>> {
    let page = dict.any().page(after).or_raise()?;
    let keys = PyList::empty(py);
    for key in page.keys {
        keys.append(decode_bytes(py, &key, &[], store)?)?;
    }
    Ok((keys, page.last, page.length))
}
