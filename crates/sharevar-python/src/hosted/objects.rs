//! The objects of a host, and who holds them.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use sharevar_hosted::References;
use sharevar_transport::Session;
use std::collections::HashMap;
use std::sync::Arc;

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

/// The objects by their numbers, and the references that sessions have on them.
///
/// It is kept under one lock, which is never held while anything of Python's runs.
#[derive(Default)]
pub(super) struct Objects {
    hosted: HashMap<u64, Arc<Hosted>>,
    references: References<Session>,
}

impl Objects {
    /// A new object, on which `session` has the first reference.
    pub(super) fn insert(&mut self, number: u64, hosted: Hosted, session: Session) {
        self.hosted.insert(number, Arc::new(hosted));
        self.references.retain(session, number);
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Hosted>> {
        self.hosted.get(&number).cloned()
    }

    /// One reference more, if there is such an object.
    pub(super) fn retain(&mut self, session: Session, number: u64) -> Option<Arc<Hosted>> {
        let hosted = self.get(number)?;
        self.references.retain(session, number);
        Some(hosted)
    }

    /// References given back: the object, if they were the last ones. It is to be dropped outside
    /// the lock, since what it ends may be anything.
    pub(super) fn release(&mut self, session: Session, number: u64, count: u32) -> Option<Arc<Hosted>> {
        let is_last = self.references.release(&session, number, count.into());
        if is_last { self.hosted.remove(&number) } else { None }
    }

    /// All that a session holds is given back: the objects that nobody else holds.
    pub(super) fn end(&mut self, session: Session) -> Vec<Arc<Hosted>> {
        let last = self.references.end(&session);
        last.into_iter().filter_map(|number| self.hosted.remove(&number)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.hosted.len()
    }

    /// The numbers, and how many references there are on each.
    pub(super) fn numbers(&self) -> Vec<(u64, u64)> {
        let mut numbers: Vec<_> =
            self.hosted.keys().map(|number| (*number, self.references.count(*number))).collect();
        numbers.sort_unstable();
        numbers
    }
}
