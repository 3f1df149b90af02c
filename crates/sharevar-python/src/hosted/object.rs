//! An object of a host, and the names that can be called of it.

use super::checkpoint::Record;
use super::prefetch::Prefetch;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::collections::HashMap;
use std::sync::Arc;

/// The mark before the name of an attribute among the names of methods: reading it is a call without
/// arguments, and setting it one with the new value.
pub(super) const ATTRIBUTE: char = '.';

/// The type of a stream, which no type is registered by.
const STREAM_TYPE: &str = "#STREAM";

/// An object of a host. The table has it by its number.
pub(super) struct Hosted {
    pub(super) object: Py<PyAny>,
    pub(super) typeid: String,
    /// The names that can be called. Nothing else can.
    exposed: HashMap<Box<str>, Py<PyString>>,
    /// The same, in the order in which they were given.
    pub(super) names: Py<PyTuple>,
    /// The methods whose results stay at the host, and their types; `None` if there are none.
    pub(super) types: Option<Py<PyDict>>,
    /// The object's entry in the checkpoint, which is dropped with the object; `None` if the object
    /// does not come back.
    pub(super) record: Option<Record>,
    /// The items, if the object is a stream.
    pub(super) stream: Option<Py<Prefetch>>,
}

impl Hosted {
    fn new(
        object: Py<PyAny>,
        typeid: String,
        names: &Bound<'_, PyTuple>,
        types: Option<Py<PyDict>>,
        record: Option<Record>,
    ) -> PyResult<Self> {
        let mut exposed = HashMap::with_capacity(names.len());
        for name in names {
            let text: String = name.extract()?;
            let interned = PyString::intern(names.py(), text.strip_prefix(ATTRIBUTE).unwrap_or(&text));
            exposed.insert(text.into_boxed_str(), interned.unbind());
        }
        Ok(Self { object, typeid, exposed, names: names.clone().unbind(), types, record, stream: None })
    }

    /// Makes the object from which a client takes the items of an iterator. `record` is that of the
    /// object which has given the iterator, and is saved with the items.
    pub(super) fn stream(stream: Bound<'_, Prefetch>, record: Option<Record>) -> PyResult<Self> {
        let names = PyTuple::new(stream.py(), ["take"])?;
        let object = stream.clone().into_any().unbind();
        let mut hosted = Self::new(object, STREAM_TYPE.to_owned(), &names, None, record)?;
        hosted.stream = Some(stream.unbind());
        Ok(hosted)
    }

    /// The name of a method or an attribute that can be called, as Python looks it up.
    pub(super) fn exposed<'py>(&self, py: Python<'py>, method: &str) -> Option<&Bound<'py, PyString>> {
        self.exposed.get(method).map(|name| name.bind(py))
    }

    /// Saves the object after a call of it, before the reply is sent: so its state outlives the host.
    /// An error of the call is raised whether or not the object could be saved.
    #[inline]
    pub(super) fn save<T>(&self, py: Python<'_>, ended: PyResult<T>) -> PyResult<T> {
        if let Some(record) = &self.record {
            record.served(py, ended.as_ref().err())?;
        }
        ended
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            stream.get().close();
        }
    }
}

/// An object that a host keeps, the names that can be called, and its record if any.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct HostedObject(pub(super) Arc<Hosted>);

#[pymethods]
impl HostedObject {
    #[new]
    #[pyo3(signature = (object, typeid, exposed, types=None, record=None))]
    fn new(
        object: Py<PyAny>,
        typeid: String,
        exposed: &Bound<'_, PyTuple>,
        types: Option<Py<PyDict>>,
        record: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self(Arc::new(Hosted::new(object, typeid, exposed, types, record.map(Record))?)))
    }

    /// The object itself.
    #[getter]
    fn object(&self) -> &Py<PyAny> {
        &self.0.object
    }

    /// The names that can be called.
    #[getter]
    fn exposed(&self) -> &Py<PyTuple> {
        &self.0.names
    }

    /// The methods whose results stay at the host, and their types.
    #[getter]
    fn types(&self) -> Option<&Py<PyDict>> {
        self.0.types.as_ref()
    }

    /// The object's entry in the checkpoint; None if the object does not come back.
    #[getter]
    fn record(&self) -> Option<&Py<PyAny>> {
        self.0.record.as_ref().map(|record| &record.0)
    }
}
