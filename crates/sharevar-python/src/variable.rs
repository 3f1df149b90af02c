//! The base of all variables: their store, their handle, their kind.

use crate::encoding::pickler;
use crate::errors::OrRaise;
use crate::store::Store;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySuper, PyType};
use sharevar::engine::{Home, InHome, Make};
use sharevar::{Error, Handle, Kind, LocalId};

/// A variable that was found, as the argument of its new object's `__new__`.
#[pyclass(frozen, module = "sharevar._native", name = "_FoundVariable")]
pub(crate) struct FoundVariable {
    pub(crate) store: Py<Store>,
    pub(crate) handle: Handle,
}

/// A reference to one shared variable.
#[pyclass(subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Variable {
    store: Py<Store>,
    id: LocalId,
    kind: Kind,
}

#[pymethods]
impl Variable {
    #[classmethod]
    #[pyo3(signature = (**arguments))]
    fn __init_subclass__(cls: &Bound<'_, PyType>, arguments: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let next = PySuper::new(&cls.py().get_type::<Self>(), cls)?;
        next.call_method("__init_subclass__", (), arguments)?;
        crate::slots::own_methods::own_methods(cls)
    }

    /// The store that holds the variable.
    #[getter(store)]
    fn store_object(&self, py: Python<'_>) -> Py<Store> {
        self.store.clone_ref(py)
    }

    /// The same, by the name that it has in shared memory.
    #[getter(arena)]
    fn arena_object(&self, py: Python<'_>) -> Py<Store> {
        self.store.clone_ref(py)
    }

    /// The variable's name inside of its store: a number and a generation.
    #[getter]
    fn handle(&self) -> (u64, u64) {
        // While a value is being pickled, the caller writes this reference into the pickle.
        pickler::note_reference(self.store.get().home().id(), self.id.number);
        (self.id.number, self.id.generation)
    }

    /// The kind of the variable: ``'dict'``, ``'list'``, ``'lock'``, and so on.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }
}

impl Variable {
    /// The part of a proxy that every kind has.
    pub(crate) fn of(store: &Bound<'_, Store>, handle: &Handle, kind: Kind) -> Self {
        Self { store: store.clone().unbind(), id: handle.id(), kind }
    }

    /// Whether it is what a condition needs.
    pub(crate) fn is_lock(&self) -> bool {
        matches!(self.kind, Kind::Lock | Kind::RLock)
    }

    /// The store's object.
    #[inline(always)]
    pub(crate) fn store(&self) -> &Py<Store> {
        &self.store
    }

    /// Whether a manager made it: it is not in the family's arena.
    pub(crate) fn is_managed(&self) -> bool {
        !self.store.get().is_of_family()
    }

    /// Its name inside of its home.
    pub(crate) fn id(&self) -> LocalId {
        self.id
    }

    /// One more handle on it.
    pub(crate) fn open_again(&self) -> PyResult<Handle> {
        self.store.get().home().open(self.id).or_raise()
    }

    /// The variable's number, if it is in that home.
    pub(crate) fn number_in(&self, home: &dyn InHome) -> Option<u64> {
        (self.store.get().home().id() == home.home_id()).then_some(self.id.number)
    }

    /// The error of a caller that releases or uses a lock which it does not hold. Once the home is closed
    /// no lock is held, and that is the error.
    #[cold]
    pub(crate) fn unless_closed(&self, error: Error) -> Error {
        if self.store.get().home().is_closed() { Error::Closed } else { error }
    }
}

/// The first argument of `__new__` of a variable's class: the store for a new variable, or the handle
/// of one that exists.
pub(crate) struct StoreOrFound<'py> {
    /// The store.
    pub(crate) store: Bound<'py, Store>,
    handle: Option<Handle>,
}

impl<'py> StoreOrFound<'py> {
    /// From the first argument.
    pub(crate) fn from_argument(argument: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(store) = argument.cast::<Store>() {
            return Ok(Self { store: store.clone(), handle: None });
        }
        if let Ok(found) = argument.cast::<FoundVariable>() {
            let found = found.get();
            let store = found.store.bind(argument.py()).clone();
            return Ok(Self { store, handle: Some(found.handle.clone()) });
        }
        let name = argument.get_type().name()?;
        Err(PyTypeError::new_err(format!("a variable is made in an Arena, not in a {name}")))
    }

    /// The variable: found, or made.
    pub(crate) fn handle(&mut self, make: &Make<'_>) -> PyResult<Handle> {
        match self.handle.take() {
            Some(handle) => Ok(handle),
            None => self.home().create(make).or_raise(),
        }
    }

    /// Where the variable is, or will be.
    pub(crate) fn home(&self) -> &Home {
        self.store.get().home()
    }

    /// Whether the variable exists already.
    pub(crate) fn exists(&self) -> bool {
        self.handle.is_some()
    }
}

/// The object for `cls[item]`, for annotations and generic bases.
pub(crate) fn generic_alias<'py>(
    cls: &Bound<'py, PyType>,
    item: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    cls.py().import("types")?.getattr("GenericAlias")?.call1((cls, item))
}

/// The variable of an object, if it is one.
pub(crate) fn variable_of<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a Variable> {
    object.cast::<Variable>().ok().map(Bound::get)
}
