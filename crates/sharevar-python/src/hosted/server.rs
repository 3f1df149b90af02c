//! The host's end of its connections, and its table of objects.

use super::object::Hosted;
use super::service::{HostService, PythonObjects};
use super::{raise, settings};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar_transport::{Address, LARGEST_FRAME, Server, Session};
use std::path::PathBuf;
use std::sync::Arc;

/// Listens at an address and has threads serve calls of the objects in its table.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct HostServer {
    server: Arc<Server<HostService>>,
}

#[pymethods]
impl HostServer {
    #[new]
    #[pyo3(signature = (address, key, host, *, plaintext=false, tls=None))]
    fn new(
        address: &str,
        key: &[u8],
        host: &Bound<'_, PyAny>,
        plaintext: bool,
        tls: Option<(PathBuf, PathBuf)>,
    ) -> PyResult<Self> {
        let address: Address = address.parse().map_err(|error| raise::transport(&error))?;
        let settings = settings::of_host(key, plaintext, tls)?;
        let service = HostService::new(PythonObjects::new(host)?, LARGEST_FRAME);
        let server = Server::bind(&address, &settings, service).map_err(|error| raise::transport(&error))?;
        Ok(Self { server })
    }

    /// Where it listens.
    #[getter]
    fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// How many connections there are.
    #[getter]
    fn connections(&self) -> usize {
        self.server.connections()
    }

    /// How many client processes are connected.
    #[getter]
    fn sessions(&self) -> usize {
        self.server.sessions()
    }

    /// Serve, on this thread among others, until `stop`.
    fn work(&self, py: Python<'_>) {
        py.detach(|| self.server.work());
    }

    /// End serving. Calls that are under way are finished.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.server.stop());
    }

    /// Put an object into the table; `session` has the first reference on it.
    #[pyo3(signature = (number, object, typeid, exposed, types, session, record=None))]
    #[expect(clippy::too_many_arguments, reason = "those of an object's entry")]
    fn insert(
        &self,
        number: u64,
        object: Py<PyAny>,
        typeid: String,
        exposed: &Bound<'_, PyTuple>,
        types: Option<Py<PyDict>>,
        session: u128,
        record: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let hosted = Hosted::new(object, typeid, exposed, types, record)?;
        self.server.service().table().insert_as(number, Arc::new(hosted), Session(session));
        Ok(())
    }

    /// An object of the table, the names that can be called, the types of results, and its record.
    fn get<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyTuple>> {
        let hosted = self.server.service().table().get(number).cloned().ok_or_else(|| unknown(number))?;
        let types = hosted.types.as_ref().map(|types| types.clone_ref(py));
        let record = hosted.record.as_ref().map(|record| record.clone_ref(py));
        (hosted.object.clone_ref(py), hosted.names.clone_ref(py), types, record).into_pyobject(py)
    }

    /// One reference more.
    fn retain(&self, number: u64, session: u128) -> PyResult<()> {
        let retained = self.server.service().table().retain(Session(session), number).is_some();
        if retained { Ok(()) } else { Err(unknown(number)) }
    }

    /// One reference less.
    fn release(&self, number: u64, session: u128) {
        let last = self.server.service().table().release(Session(session), std::iter::once((number, 1)));
        drop(last);
    }

    /// Let a name lead to an object: the number of the one that it led to before.
    fn set_name(&self, name: &str, number: u64) -> Option<u64> {
        self.server.service().table().set_name(name, number)
    }

    /// All references of a session are given back.
    fn end_session(&self, session: u128) {
        let last = self.server.service().table().end(Session(session));
        drop(last);
    }

    /// What is told which clients hold objects that come back, and which have come or gone.
    fn set_checkpoint(&self, checkpoint: Py<PyAny>) -> PyResult<()> {
        self.server.service().language().set_checkpoint(checkpoint)
    }

    /// The numbers of the objects, and how many references there are on each.
    fn numbers(&self) -> Vec<(u64, u64)> {
        self.server.service().table().counts()
    }

    fn __len__(&self) -> usize {
        self.server.service().table().len()
    }
}

fn unknown(number: u64) -> PyErr {
    PyKeyError::new_err(format!("{number:016x}"))
}
