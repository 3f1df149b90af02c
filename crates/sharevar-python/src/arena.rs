//! The arena's object: variables in shared memory, as one attachment of this process.

use crate::encoding::permission;
use crate::errors::OrRaise;
use crate::fast_access;
use crate::manager_name::ManagerName;
use crate::store::Store;
use pyo3::prelude::*;
use sharevar::shm::{KINDS, RawDict, create_root, open_root, save_dump};
use sharevar::{Lifetime, Manager, Participant, Report};
use std::path::PathBuf;
use std::sync::Arc;

/// One shared mapping, and this process's attachment to it.
#[pyclass(extends = Store, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Arena {
    participant: Arc<Participant>,
}

impl Arena {
    fn of(participant: Arc<Participant>, root: RawDict, name: Option<String>) -> PyClassInitializer<Self> {
        // A thread that changes variables by this object holds the interpreter's lock, if there is one.
        #[cfg(not(Py_GIL_DISABLED))]
        participant.assume_one_at_a_time();
        let store = Store::of_arena(participant.clone(), root, name);
        PyClassInitializer::from(store).add_subclass(Self { participant })
    }

    fn of_manager(py: Python<'_>, opened: sharevar::Result<Manager>) -> PyResult<Py<Self>> {
        let manager = opened.or_raise()?;
        let participant = manager.participant().or_raise()?.clone();
        let root = open_root(&participant).or_raise()?;
        Py::new(py, Self::of(participant, root, manager.name().map(str::to_owned)))
    }
}

#[pymethods]
impl Arena {
    #[new]
    #[pyo3(signature = (capacity = None))]
    fn new(capacity: Option<u64>) -> PyResult<PyClassInitializer<Self>> {
        let participant = Participant::create_arena(capacity, KINDS).or_raise()?;
        let root = create_root(&participant).or_raise()?;
        Ok(Self::of(participant, root, None))
    }

    /// Attach to the arena behind a descriptor, by a duplicate of it.
    #[staticmethod]
    fn attach(py: Python<'_>, fd: i32) -> PyResult<Py<Self>> {
        let participant = Participant::attach(fast_access::duplicate(fd)?, KINDS).or_raise()?;
        let root = open_root(&participant).or_raise()?;
        Py::new(py, Self::of(participant, root, None))
    }

    /// Open the arena of that name on this machine, or make it.
    ///
    /// One that is made may have pickles if `allow_pickle` says so, and begins with the variables of
    /// the dump in the file `load`.
    #[staticmethod]
    #[pyo3(signature = (name, capacity = None, is_kept = false, allow_pickle = false, load = None))]
    fn open_by_name(
        py: Python<'_>,
        name: ManagerName,
        capacity: Option<u64>,
        is_kept: bool,
        allow_pickle: bool,
        load: Option<PathBuf>,
    ) -> PyResult<Py<Self>> {
        let mut builder = Manager::builder();
        if let Some(capacity) = capacity {
            builder = builder.capacity(capacity);
        }
        let lifetime = if is_kept { Lifetime::Keep } else { Lifetime::WhileUsed };
        let builder = builder.name(name.0).lifetime(lifetime).allow_pickle(allow_pickle);
        let builder = if let Some(path) = load { builder.load(path) } else { builder };
        let opened = py.detach(|| builder.build());
        Self::of_manager(py, opened)
    }

    /// Attach to the arena of that name on this machine, perhaps for reading only.
    #[staticmethod]
    #[pyo3(signature = (name, read_only = false))]
    fn attach_by_name(py: Python<'_>, name: ManagerName, read_only: bool) -> PyResult<Py<Self>> {
        let builder = Manager::builder().name(name.0);
        let attached = py.detach(|| if read_only { builder.attach_read_only() } else { builder.attach() });
        Self::of_manager(py, attached)
    }

    /// Write all variables that have names into a file.
    fn dump(slf: &Bound<'_, Self>, path: PathBuf) -> PyResult<()> {
        let Some(root) = slf.as_super().get().root().shm() else { return Ok(()) };
        slf.py().detach(move || save_dump(root, &path)).or_raise()
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
    fn _become_family(slf: &Bound<'_, Self>) {
        slf.as_super().get().become_family();
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
}

/// Tell every arena that this process ends in order: a lock that it still holds becomes a signal.
#[pyfunction]
pub(crate) fn depart() {
    sharevar::settle_all_at_exit();
}

/// End the manager of that name for all processes.
#[pyfunction]
pub(crate) fn remove_manager(py: Python<'_>, name: ManagerName) -> PyResult<()> {
    let name = name.0;
    py.detach(move || Manager::remove(&name)).or_raise()
}

/// The names of the managers that processes of this user have, or that are kept.
#[pyfunction]
pub(crate) fn manager_names(py: Python<'_>) -> PyResult<Vec<String>> {
    let found = py.detach(Manager::find_all).or_raise()?;
    Ok(found.into_iter().map(|manager| manager.name).collect())
}
