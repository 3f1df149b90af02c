//! The base of all variables: their arena, their handle, their kind.

use crate::arena::Arena;
use crate::encoding::pickler;
use crate::errors::OrRaise;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySuper, PyType};
use sharevar::shm::Handle;
use sharevar::{Kind, Participant};
use std::sync::Arc;

/// A variable that was found, as the argument of its new object's `__new__`.
#[pyclass(frozen, module = "sharevar._native", name = "_FoundVariable")]
pub(crate) struct FoundVariable {
    pub(crate) arena: Py<Arena>,
    pub(crate) handle: Handle,
}

/// A reference to one shared variable.
#[pyclass(subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Variable {
    arena: Py<Arena>,
    place: sharevar::Variable,
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

    /// The arena that holds the variable.
    #[getter(arena)]
    fn arena_object(&self, py: Python<'_>) -> Py<Arena> {
        self.arena.clone_ref(py)
    }

    /// Where the variable is: its header's offset and its generation.
    #[getter]
    fn handle(&self) -> (u64, u64) {
        // While a value is being pickled, the caller writes this reference into the pickle.
        pickler::note_reference(self.arena.get().participant(), self.place.header());
        (self.place.header(), self.place.generation())
    }

    /// The kind of the variable: ``'dict'``, ``'list'``, ``'lock'``, and so on.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }
}

impl Variable {
    /// The part of a proxy that every kind has.
    pub(crate) fn of(arena: &Bound<'_, Arena>, handle: &Handle, kind: Kind) -> Self {
        Self { arena: arena.clone().unbind(), place: handle.variable(), kind }
    }

    /// Whether it is what a condition needs.
    pub(crate) fn is_lock(&self) -> bool {
        matches!(self.kind, Kind::Lock | Kind::RLock)
    }

    /// The arena's object.
    #[inline(always)]
    pub(crate) fn arena(&self) -> &Py<Arena> {
        &self.arena
    }

    /// Whether a manager made it: it is not in the family's arena.
    pub(crate) fn is_managed(&self) -> bool {
        !self.arena.get().is_of_family()
    }

    /// Where it is in its arena.
    pub(crate) fn place(&self) -> sharevar::Variable {
        self.place
    }

    /// The header's offset, if the variable is in the arena of `participant`.
    pub(crate) fn offset_in(&self, participant: &Participant) -> Option<u64> {
        let own = self.arena.get().participant();
        (own.arena_id() == participant.arena_id()).then(|| self.place.header())
    }
}

/// The first argument of `__new__` of a variable's class: the arena for a new variable, or the handle
/// of one that exists.
pub(crate) struct ArenaOrFound<'py> {
    /// The arena.
    pub(crate) arena: Bound<'py, Arena>,
    handle: Option<Handle>,
}

impl<'py> ArenaOrFound<'py> {
    /// From the first argument.
    pub(crate) fn from_argument(argument: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(arena) = argument.cast::<Arena>() {
            return Ok(Self { arena: arena.clone(), handle: None });
        }
        if let Ok(found) = argument.cast::<FoundVariable>() {
            let found = found.get();
            let arena = found.arena.bind(argument.py()).clone();
            return Ok(Self { arena, handle: Some(found.handle.clone()) });
        }
        let name = argument.get_type().name()?;
        Err(PyTypeError::new_err(format!("a variable is made in an Arena, not in a {name}")))
    }

    /// The variable: opened, or made.
    pub(crate) fn open<R>(
        &mut self,
        open: impl FnOnce(Handle) -> sharevar::Result<R>,
        make: impl FnOnce(&Arc<Participant>) -> sharevar::Result<R>,
    ) -> PyResult<R> {
        match self.handle.take() {
            Some(handle) => open(handle).or_raise(),
            None => make(self.arena.get().participant()).or_raise(),
        }
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
