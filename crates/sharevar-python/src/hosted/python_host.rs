//! The methods of Python's host that the extension calls, each with its types.

use super::checkpoint::Record;
use super::object::HostedObject;
use super::prefetch::Prefetch;
use crate::errors::{self, Class};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyWeakrefReference};
use sharevar_transport::Caller;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

/// A `sharevar._hosting.server.Server`, which owns the extension's part of the host.
pub(super) struct PythonHost(Py<PyWeakrefReference>);

impl PythonHost {
    pub(super) fn new(server: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(PyWeakrefReference::new(server)?.unbind()))
    }

    fn server<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).upgrade().ok_or_else(|| errors::raise(Class::HostDied, "the host has ended"))
    }

    /// Makes an object of a registered type, which gets this number. `holder` is the caller's session
    /// and process, which are noted for an object that comes back.
    pub(super) fn make<'py>(
        &self,
        py: Python<'py>,
        number: u64,
        typeid: &str,
        positional: &Bound<'py, PyTuple>,
        named: Option<Bound<'py, PyDict>>,
        holder: Option<(u128, Option<u32>)>,
    ) -> PyResult<Bound<'py, HostedObject>> {
        let arguments = (number, typeid, positional, named, holder);
        Ok(self.server(py)?.call_method1(intern!(py, "make"), arguments)?.cast_into()?)
    }

    /// The names of the registered types.
    pub(super) fn types(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.server(py)?.getattr(intern!(py, "registry"))?.try_iter()?.map(|name| name?.extract()).collect()
    }

    /// Calls a method of the host itself.
    pub(super) fn call_host<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        positional: Bound<'py, PyTuple>,
        named: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let named = named.unwrap_or_else(|| PyDict::new(py));
        self.server(py)?.call_method1(intern!(py, "call_host"), (method, positional, named))
    }

    /// Calls a method that standard proxies call though it is not exposed.
    pub(super) fn fall_back<'py>(
        &self,
        method: &str,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = object.py();
        self.server(py)?.call_method1(intern!(py, "fall_back"), (method, object))
    }

    /// Runs a coroutine on the host's event loop. It is cancelled when the caller disconnects.
    pub(super) fn run_coroutine<'py>(
        &self,
        coroutine: &Bound<'py, PyAny>,
        caller: &Caller<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let descriptor = caller.as_fd().as_raw_fd();
        self.server(py)?.call_method1(intern!(py, "run_coroutine"), (coroutine, descriptor))
    }

    /// Prepares the items of an iterator that stays at the host; `None` if the iterator itself is sent.
    /// `always`: it is not sent, even if it could be. `record` is that of the object which gave it.
    pub(super) fn stream<'py>(
        &self,
        iterator: &Bound<'py, PyAny>,
        always: bool,
        record: Option<&Record>,
    ) -> PyResult<Option<Bound<'py, Prefetch>>> {
        let py = iterator.py();
        let record = record.map(|record| record.0.bind(py));
        Ok(self.server(py)?.call_method1(intern!(py, "stream"), (iterator, always, record))?.extract()?)
    }

    /// Whether a method that returns its object gives a copy of it, as in the standard library.
    pub(super) fn copies_itself(&self, py: Python<'_>) -> PyResult<bool> {
        self.server(py)?.getattr(intern!(py, "copies_itself"))?.is_truthy()
    }

    /// Starts one more thread that serves.
    pub(super) fn start_worker(&self, py: Python<'_>) -> PyResult<()> {
        self.server(py)?.call_method0(intern!(py, "start_worker")).map(drop)
    }

    /// Serves a client that speaks the standard library's protocol.
    pub(super) fn serve_plainly(&self, py: Python<'_>, socket: OwnedFd, greeting: &[u8]) -> PyResult<()> {
        let server = self.server(py)?;
        server.call_method1(intern!(py, "serve_plainly"), (socket.into_raw_fd(), greeting)).map(drop)
    }
}
