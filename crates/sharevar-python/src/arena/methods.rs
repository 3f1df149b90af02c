//! The methods of arenas.

use super::{Arena, lookup};
use crate::encoding::permission;
use crate::errors::OrRaise;
use crate::fast_access;
use crate::variable::Variable;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple, PyType};
use sharevar::shm::{KINDS, create_root, open_root, save_dump};
use sharevar::{Lifetime, Manager, Participant, Report};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

#[pymethods]
impl Arena {
    #[new]
    #[pyo3(signature = (capacity = None))]
    fn new(capacity: Option<u64>) -> PyResult<Self> {
        let participant = Participant::create_arena(capacity, KINDS).or_raise()?;
        let root = create_root(&participant).or_raise()?;
        Ok(Self::of(participant, root, None))
    }

    /// Attach to the arena behind a descriptor, by a duplicate of it.
    #[staticmethod]
    fn attach(fd: i32) -> PyResult<Self> {
        let participant = Participant::attach(fast_access::duplicate(fd)?, KINDS).or_raise()?;
        let root = open_root(&participant).or_raise()?;
        Ok(Self::of(participant, root, None))
    }

    /// Open the arena of that name on this machine, or make it.
    ///
    /// One that is made may have pickles if `allow_pickle` says so, and begins with the variables of
    /// the dump in the file `load`.
    #[staticmethod]
    #[pyo3(signature = (name, capacity = None, is_kept = false, allow_pickle = false, load = None))]
    fn open_by_name(
        py: Python<'_>,
        name: &str,
        capacity: Option<u64>,
        is_kept: bool,
        allow_pickle: bool,
        load: Option<PathBuf>,
    ) -> PyResult<Self> {
        let mut builder = Manager::builder();
        if let Some(capacity) = capacity {
            builder = builder.capacity(capacity);
        }
        let lifetime = if is_kept { Lifetime::Keep } else { Lifetime::WhileUsed };
        let builder = builder.name(name).lifetime(lifetime).allow_pickle(allow_pickle);
        let builder = if let Some(path) = load { builder.load(path) } else { builder };
        Self::of_manager(py.detach(|| builder.build()))
    }

    /// Attach to the arena of that name on this machine, perhaps for reading only.
    #[staticmethod]
    #[pyo3(signature = (name, read_only = false))]
    fn attach_by_name(py: Python<'_>, name: &str, read_only: bool) -> PyResult<Self> {
        let builder = Manager::builder().name(name);
        Self::of_manager(py.detach(|| if read_only { builder.attach_read_only() } else { builder.attach() }))
    }

    /// Whether this process may only read the arena.
    #[getter]
    fn is_read_only(&self) -> bool {
        self.participant.is_read_only()
    }

    /// Write all variables that have names into a file.
    fn dump(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(move || save_dump(&self.root, &path)).or_raise()
    }

    /// Whether this process stores and reads pickles here.
    #[getter]
    fn accepts_pickles(&self) -> bool {
        self.participant.accepts_pickles()
    }

    /// Whether the arena may have pickles.
    #[getter]
    fn allows_pickles(&self) -> bool {
        self.participant.allows_pickles()
    }

    /// Have this process store and read pickles; `PickleRefused` if the arena may have none.
    fn accept_pickles(&self) -> PyResult<()> {
        permission::accept(&self.participant)
    }

    /// The name by which any process of the user finds the arena, if it has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
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

    /// Whether a process has closed the arena for all.
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

    /// Let this be the arena of variables that are made without a manager.
    fn _become_family(&self) {
        self.is_of_family.store(true, Ordering::Relaxed);
    }

    /// Close for all processes: later operations raise `ClosedError`, sleepers wake.
    fn close(&self) {
        self.participant.close();
    }

    /// Recover the lanes and slots of dead participants, and count them.
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
        lookup::named(slf, name, cls, args)
    }

    /// The variable of that name in the arena's root, which is this one if there was none.
    fn enter<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        variable: &Bound<'py, Variable>,
    ) -> PyResult<Bound<'py, PyAny>> {
        lookup::enter(slf, name, variable)
    }

    /// The variable of that name in the arena's root, if there is one.
    fn find<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        lookup::find(slf, name)
    }

    /// The names in the arena's root, in the order in which they were made.
    fn names<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        lookup::names(slf)
    }

    /// The variable that a handle leads to.
    fn open<'py>(
        slf: &Bound<'py, Self>,
        cls: &Bound<'py, PyType>,
        offset: u64,
        generation: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        lookup::open(slf, cls, offset, generation)
    }
}

impl Arena {
    fn of_manager(opened: sharevar::Result<Manager>) -> PyResult<Self> {
        let manager = opened.or_raise()?;
        let participant = manager.participant().or_raise()?.clone();
        let root = open_root(&participant).or_raise()?;
        Ok(Self::of(participant, root, manager.name().map(str::to_owned)))
    }
}

/// End the manager of that name for all processes.
#[pyfunction]
pub(crate) fn remove_manager(py: Python<'_>, name: &str) -> PyResult<()> {
    py.detach(|| Manager::remove(name)).or_raise()
}

/// The names of the managers that processes of this user have, or that are kept.
#[pyfunction]
pub(crate) fn manager_names(py: Python<'_>) -> PyResult<Vec<String>> {
    let found = py.detach(Manager::find_all).or_raise()?;
    Ok(found.into_iter().map(|manager| manager.name).collect())
}
