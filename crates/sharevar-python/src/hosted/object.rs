//! An object of a host, and what can be called of it.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::collections::HashMap;

/// What stands before the name of an attribute where others are names of methods: reading it is a
/// call without arguments, and setting it one with the new value.
pub(super) const ATTRIBUTE: char = '.';

/// One object of a host, and what may be asked of it.
pub(super) struct Hosted {
    pub(super) object: Py<PyAny>,
    pub(super) typeid: String,
    /// The names that can be called. Nothing else can.
    exposed: HashMap<Box<str>, Py<PyString>>,
    /// The same, in the order in which they were given.
    pub(super) names: Py<PyTuple>,
    /// The methods whose results stay at the host, and their types; `None` if there are none.
    pub(super) types: Option<Py<PyDict>>,
    /// What the host that takes this one's place is told of it; `None` if it does not come back.
    /// It is dropped with the object.
    pub(super) record: Option<Py<PyAny>>,
}

impl Hosted {
    pub(super) fn new(
        object: Py<PyAny>,
        typeid: String,
        names: &Bound<'_, PyTuple>,
        types: Option<Py<PyDict>>,
        record: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut exposed = HashMap::with_capacity(names.len());
        for name in names {
            let text: String = name.extract()?;
            let interned = PyString::intern(names.py(), text.strip_prefix(ATTRIBUTE).unwrap_or(&text));
            exposed.insert(text.into_boxed_str(), interned.unbind());
        }
        Ok(Self { object, typeid, exposed, names: names.clone().unbind(), types, record })
    }

    /// The name of a method or an attribute that can be asked for, as Python looks it up.
    pub(super) fn exposed<'py>(&self, py: Python<'py>, method: &str) -> Option<&Bound<'py, PyString>> {
        self.exposed.get(method).map(|name| name.bind(py))
    }

    /// A call of it has ended. What it is now outlives the host, before the answer says so. What
    /// the call has raised is raised, whether or not the object could be saved.
    #[inline]
    pub(super) fn save<T>(&self, py: Python<'_>, ended: PyResult<T>) -> PyResult<T> {
        if let Some(record) = &self.record {
            let raised = ended.as_ref().err().map(|error| error.value(py));
            record.bind(py).call_method1(intern!(py, "served"), (raised,))?;
        }
        ended
    }
}
