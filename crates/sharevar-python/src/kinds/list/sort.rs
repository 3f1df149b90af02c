//! Sorting a shared list.

use crate::errors::OrRaise;
use crate::kinds::list::List;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use sharevar::Content;
use std::collections::HashMap;

/// The most encodings whose objects a sort remembers.
const MOST_KNOWN: usize = 1024;

/// Sorts in place. Items that are compared by their own class alone are compared in place; the rest, and
/// the keys, here on a copy, while others may read the list.
pub(crate) fn sort(list: &Bound<'_, List>, key: Option<&Bound<'_, PyAny>>, reverse: bool) -> PyResult<()> {
    let (py, raw) = (list.py(), list.get().any());
    if key.is_none()
        && let Some(raw) = list.get().shm()
        && raw.sort(reverse).or_raise()?
    {
        return Ok(());
    }
    let mut attempts = list.get().attempts();
    let mut own_changes = 0;
    loop {
        py.check_signals()?;
        let (contents, stamp) = raw.snapshot().or_raise()?;
        let keys = match key {
            None => to_compare(list, contents)?,
            Some(key) => {
                let items = List::objects(list, contents)?;
                let keys = items.iter().map(|item| key.call1((item,)));
                PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)?
            }
        };
        let order = PyList::new(py, 0..keys.len())?;
        let arguments = PyDict::new(py);
        arguments.set_item(intern!(py, "key"), keys.getattr(intern!(py, "__getitem__"))?)?;
        arguments.set_item(intern!(py, "reverse"), reverse)?;
        order.call_method(intern!(py, "sort"), (), Some(&arguments))?;
        if raw.reorder(&order.extract::<Vec<u64>>()?, stamp).or_raise()? {
            return Ok(());
        }
        // Under the long lock the keys' code has done it; but the death of another process may
        // count as a change, too, once.
        own_changes += u32::from(attempts.has_lock());
        if own_changes == 2 {
            return Err(PyValueError::new_err("list modified during sort"));
        }
        attempts.fail().or_raise()?;
    }
}

/// The objects of the items, for comparisons alone: items of the same encoding are one object, so that
/// a few different ones, members of an enumeration for example, are decoded a few times.
fn to_compare<'py>(list: &Bound<'py, List>, contents: Vec<Content>) -> PyResult<Bound<'py, PyList>> {
    let mut known = HashMap::new();
    let mut objects = Vec::with_capacity(contents.len());
    for content in contents {
        let encoding = match &content {
            Content::Bytes(bytes, handles) if handles.is_empty() => Some(bytes.clone()),
            _ => None,
        };
        if let Some(object) = encoding.as_ref().and_then(|encoding| known.get(encoding)) {
            objects.push(Bound::clone(object));
            continue;
        }
        let object = List::object(list, content)?;
        if let Some(encoding) = encoding.filter(|_| known.len() < MOST_KNOWN) {
            known.insert(encoding, object.clone());
        }
        objects.push(object);
    }
    PyList::new(list.py(), objects)
}
