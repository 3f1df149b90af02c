//! The arena's object: one attachment of this process.

use crate::encoding::key_index::KeyIndexes;
use crate::errors::OrRaise;
use crate::monitor::{self, Monitor, MonitorState};
mod root;

use crate::encoding::name;
use crate::proxy;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple, PyType};
use sharevar::shm::{KINDS, RawDict};
use sharevar::{Handle, Participant, Report};
use sharevar_value::Key;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One shared mapping (a memfd), and this process's attachment to it.
#[pyclass(frozen, weakref, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Arena {
    participant: Arc<Participant>,
    root: RawDict,
    /// Whether what is made without a manager is here.
    is_of_family: AtomicBool,
    key_indexes: KeyIndexes,
}

impl Arena {
    fn of(participant: Arc<Participant>, root: RawDict) -> Self {
        // Whoever changes something through us holds the interpreter's lock, if it has one.
        #[cfg(not(Py_GIL_DISABLED))]
        participant.assume_one_at_a_time();
        Self { participant, root, is_of_family: AtomicBool::new(false), key_indexes: KeyIndexes::default() }
    }

    /// What this process knows of the keys of dicts.
    pub(crate) fn key_indexes(&self) -> &KeyIndexes {
        &self.key_indexes
    }

    /// Whether what is made without a manager is in this arena.
    #[inline(always)]
    pub(crate) fn is_of_family(&self) -> bool {
        self.is_of_family.load(Ordering::Relaxed)
    }

    /// Who this process is in the arena.
    #[inline(always)]
    pub(crate) fn participant(&self) -> &Arc<Participant> {
        &self.participant
    }
}

/// Tell every arena that this process ends in order: what it holds by then becomes a signal.
#[pyfunction]
pub(crate) fn depart() {
    sharevar::settle_all_at_exit();
}

impl Arena {
    fn named_monitor<'py>(
        slf: &Bound<'py, Self>,
        name: &Key,
        cls: &Bound<'py, PyType>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let root = &slf.get().root;
        if let Some(found) = root::find(root, name).or_raise()? {
            return monitor::object(cls, &Self::state(slf, found)?);
        }
        let made = monitor::make_monitor(cls, slf, args, None)?;
        let handle = root::enter(root, name, made.cast::<Monitor>()?.get().raw().handle()).or_raise()?;
        monitor::object(cls, &Self::state(slf, handle)?)
    }

    fn state<'py>(slf: &Bound<'py, Self>, handle: Handle) -> PyResult<Bound<'py, PyAny>> {
        proxy::of_class(slf, &slf.py().get_type::<MonitorState>(), handle)
    }
}

#[pymethods]
impl Arena {
    #[new]
    #[pyo3(signature = (capacity = None))]
    fn new(capacity: Option<u64>) -> PyResult<Self> {
        let participant = Participant::create_arena(capacity, KINDS).or_raise()?;
        let root = root::create_root(&participant).or_raise()?;
        Ok(Self::of(participant, root))
    }

    /// Attach to the arena behind a descriptor, by a duplicate of it.
    #[staticmethod]
    fn attach(fd: i32) -> PyResult<Self> {
        let participant = Participant::attach(crate::fast_access::duplicate(fd)?, KINDS).or_raise()?;
        let root = root::open_root(&participant).or_raise()?;
        Ok(Self::of(participant, root))
    }

    /// The arena's identity: 16 bytes that no other arena has.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let [low, high] = self.participant.arena_id().map(u64::to_le_bytes);
        PyBytes::new(py, [low, high].as_flattened())
    }

    /// The most bytes that the arena may come to hold.
    #[getter]
    fn capacity(&self) -> u64 {
        self.participant.capacity()
    }

    /// The bytes that are in use now.
    #[getter]
    fn used(&self) -> u64 {
        self.participant.used()
    }

    /// Whether somebody has closed the arena for everybody.
    #[getter]
    fn closed(&self) -> bool {
        self.participant.is_closed()
    }

    /// How many variables this process holds a reference to.
    #[getter]
    fn references(&self) -> PyResult<usize> {
        self.participant.flush_releases().or_raise()?;
        // The root is held by the arena's own object.
        Ok(self.participant.variables_held().saturating_sub(1))
    }

    /// This process's descriptor of the arena; if the program has closed it, another one.
    fn fileno(&self) -> PyResult<i32> {
        self.participant.fetch_descriptor().or_raise()
    }

    /// Let this be the arena of what is made without a manager.
    fn _become_family(&self) {
        self.is_of_family.store(true, Ordering::Relaxed);
    }

    /// Close for everybody: later operations raise `ClosedError`, sleepers wake.
    fn close(&self) {
        self.participant.close();
    }

    /// Recover what dead participants left, and count what was found.
    fn sweep(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.participant.sweep()).or_raise()
    }

    /// Examine the whole arena; each string is one contradiction.
    fn check(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let report = py.detach(|| {
            self.participant.flush_releases()?;
            Ok(self.participant.check())
        });
        let report: sharevar_arena::Result<Report> = report;
        Ok(report.or_raise()?.problems)
    }

    /// The variable of that name in the arena's root, made now if there is none.
    #[pyo3(signature = (name, cls, *args))]
    fn named<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        cls: &Bound<'py, PyType>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let name = name::key(name, this.root.seed())?;
        if monitor::is_class(cls)? {
            return Self::named_monitor(slf, &name, cls, args);
        }
        let kind = proxy::kind_of_class(cls)?;
        if let Some(found) = root::find(&this.root, &name).or_raise()? {
            return proxy::of_class(slf, cls, found);
        }
        let made = proxy::create(slf, kind, args)?;
        let handle = root::enter(&this.root, &name, &made).or_raise()?;
        proxy::of_class(slf, cls, handle)
    }

    /// The variable of that name in the arena's root, which is this one if there was none.
    fn enter<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        variable: &Bound<'py, Variable>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let name = name::key(name, this.root.seed())?;
        let handle = Handle::open(&this.participant, variable.get().place()).or_raise()?;
        let found = root::enter(&this.root, &name, &handle).or_raise()?;
        proxy::of_class(slf, &variable.get_type(), found)
    }

    /// The variable that a handle leads to.
    fn open<'py>(
        slf: &Bound<'py, Self>,
        cls: &Bound<'py, PyType>,
        offset: u64,
        generation: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let participant = &slf.get().participant;
        let variable = participant.variable(offset, generation).or_raise()?;
        let handle = Handle::open(participant, variable).or_raise()?;
        if monitor::is_class(cls)? {
            return monitor::object(cls, &Self::state(slf, handle)?);
        }
        proxy::of_class(slf, cls, handle)
    }
}
