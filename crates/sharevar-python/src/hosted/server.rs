//! The host's end of its connections, and its table of objects.

use super::object::HostedObject;
use super::service::{HostService, PythonObjects};
use super::{raise, settings};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
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
        // A place at a server is waited for.
        let server = host.py().detach(|| Server::bind(&address, &settings, service));
        let server = server.map_err(|error| raise::transport(&error))?;
        Ok(Self { server })
    }

    /// Where it listens.
    #[getter]
    fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// The number of connections.
    #[getter]
    fn connections(&self) -> usize {
        self.server.connections()
    }

    /// The number of client processes that are connected.
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
    #[allow(clippy::needless_pass_by_value)] // PyO3 hands a reference over by value.
    fn insert(&self, number: u64, object: PyRef<'_, HostedObject>, session: u128) {
        self.server.service().table().insert_as(number, object.0.clone(), Session(session));
    }

    /// An object of the table.
    fn get(&self, number: u64) -> PyResult<HostedObject> {
        let found = self.server.service().table().get(number).cloned();
        found.map(HostedObject).ok_or_else(|| unknown(number))
    }

    /// Add a reference.
    fn retain(&self, number: u64, session: u128) -> PyResult<()> {
        let retained = self.server.service().table().retain(Session(session), number).is_some();
        if retained { Ok(()) } else { Err(unknown(number)) }
    }

    /// Release a reference.
    fn release(&self, number: u64, session: u128) {
        let last = self.server.service().table().release(Session(session), std::iter::once((number, 1)));
        drop(last);
    }

    /// Publish an object by a name, which keeps it in the place of the one before.
    fn publish(&self, name: &str, number: u64) -> PyResult<()> {
        let replaced = self.server.service().table().publish(name, number);
        replaced.map(drop).ok_or_else(|| unknown(number))
    }

    /// Release all references of a session.
    fn end_session(&self, session: u128) {
        let last = self.server.service().table().end(Session(session));
        drop(last);
    }

    /// Set the checkpoint, which notes the clients that hold objects that come back.
    fn set_checkpoint(&self, checkpoint: Py<PyAny>) -> PyResult<()> {
        self.server.service().language().set_checkpoint(checkpoint)
    }

    /// The numbers of the objects, and of the references on each.
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
