//! Going through the keys of a dict or set in shared memory.

use crate::encoding::key::AnyDict;
use crate::kinds::entries;
use crate::store::Store;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The keys of one moment, one after the other. A change of the number of keys raises, as for a plain dict.
#[pyclass(module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct KeyIterator {
    /// The dict or set; `None` once the end was reached.
    keyed: Option<Py<PyAny>>,
    keys: Py<PyList>,
    next: usize,
    /// The word for the variable in the error.
    kind: String,
}

impl KeyIterator {
    /// Reads the keys now. `None` of a dict that another engine keeps, where each look at the number would be a
    /// message.
    pub(crate) fn of(
        keyed: &Bound<'_, PyAny>,
        dict: &AnyDict,
        store: &Py<Store>,
        kind: String,
    ) -> PyResult<Option<Self>> {
        if dict.shm().is_none() {
            return Ok(None);
        }
        let keys = entries::keys(keyed.py(), dict, store)?.unbind();
        Ok(Some(Self { keyed: Some(keyed.clone().unbind()), keys, next: 0, kind }))
    }
}

#[pymethods]
impl KeyIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let keys = self.keys.bind(py);
        let Some(keyed) = self.keyed.as_ref().filter(|_| self.next < keys.len()) else {
            self.keyed = None;
            return Ok(None);
        };
        if keyed.bind(py).len()? != keys.len() {
            return Err(PyRuntimeError::new_err(format!("{} changed size during iteration", self.kind)));
        }
        let key = keys.get_item(self.next)?;
        self.next += 1;
        Ok(Some(key))
    }
}
