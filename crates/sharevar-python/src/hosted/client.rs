//! A host as a process that calls its objects sees it.

use super::options::{self, CallOptions};
use super::pending::PendingCall;
use super::reference::HostedReference;
use super::{arguments, raise, reply, settings};
use crate::waiting::goes_on;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar_hosted::connections::{Connections, GoesOn};
use sharevar_hosted::protocol::{part, write_request};
use sharevar_transport::{Address, Error};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The options of a request that finds an object, or takes a reference on it.
const FOR_OBJECT: sharevar_hosted::CallOptions = sharevar_hosted::CallOptions::FOR_OBJECT;

/// A host, this process's connections to it, and its references on the host's objects.
///
/// The lock is taken only by threads that are attached to the interpreter, as the one that forks is:
/// so no other thread holds it at a fork, and it is free in the child.
#[pyclass(frozen, weakref, module = "sharevar._native")]
pub(crate) struct HostClient {
    /// Replaced in a forked child; never locked while anything is waited for.
    connections: RwLock<Arc<Connections>>,
}

#[pymethods]
impl HostClient {
    #[new]
    #[pyo3(signature = (address, key, *, plaintext=false, tls=None))]
    fn new(
        address: &str,
        key: &[u8],
        plaintext: bool,
        tls: Option<(PathBuf, Option<String>)>,
    ) -> PyResult<Self> {
        let address: Address = address.parse().map_err(|error| raise::transport(&error))?;
        let settings = settings::of_client(key, plaintext, tls)?;
        Ok(Self { connections: RwLock::new(Arc::new(Connections::new(address, settings))) })
    }

    /// The address of the host.
    #[getter]
    fn address(&self) -> String {
        self.connections().transport().address().to_string()
    }

    /// Connect, if there is no connection yet; it raises if that cannot be done.
    fn connect(&self, py: Python<'_>) -> PyResult<()> {
        let connections = self.connections();
        waiting(py, |goes_on| connections.connect(goes_on))
    }

    /// Call a method of an object; 0 is the host itself.
    ///
    /// Arguments that cannot be sent raise before anything is. When the time is over, or a signal's
    /// handler raises, the connection is closed, which tells the host.
    #[pyo3(signature = (object, method, args, kwds=None, options=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        object: u64,
        method: &str,
        args: &Bound<'py, PyAny>,
        kwds: Option<&Bound<'py, PyDict>>,
        options: Option<&Bound<'py, CallOptions>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(128);
        write_call(&mut frame, object, method, args, kwds)?;
        self.ask(py, &frame, options::or_default(options))
    }

    /// Make many calls with one message: for each, whether it returned, and the result or the
    /// exception.
    #[allow(clippy::needless_pass_by_value)] // PyO3 hands a vector over by value.
    #[pyo3(signature = (calls, options=None))]
    fn batch<'py>(
        &self,
        py: Python<'py>,
        calls: Vec<OneCall<'py>>,
        options: Option<&Bound<'py, CallOptions>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, &write_batch(&calls)?, options::or_default(options))
    }

    /// A call that is not sent yet; an event loop waits for its reply.
    #[pyo3(signature = (object, method, args, kwds=None, options=None))]
    fn begin(
        slf: Bound<'_, Self>,
        object: u64,
        method: &str,
        args: &Bound<'_, PyAny>,
        kwds: Option<&Bound<'_, PyDict>>,
        options: Option<&Bound<'_, CallOptions>>,
    ) -> PyResult<PendingCall> {
        let mut frame = Vec::with_capacity(128);
        write_call(&mut frame, object, method, args, kwds)?;
        Ok(PendingCall::new(slf.unbind(), frame, options::or_default(options)))
    }

    /// The same, of many calls with one message.
    #[allow(clippy::needless_pass_by_value)] // As above.
    #[pyo3(signature = (calls, options=None))]
    fn begin_batch(
        slf: Bound<'_, Self>,
        calls: Vec<OneCall<'_>>,
        options: Option<&Bound<'_, CallOptions>>,
    ) -> PyResult<PendingCall> {
        Ok(PendingCall::new(slf.unbind(), write_batch(&calls)?, options::or_default(options)))
    }

    /// Have the host make an object.
    #[pyo3(signature = (typeid, args, kwds=None))]
    fn create<'py>(
        &self,
        py: Python<'py>,
        typeid: &str,
        args: &Bound<'py, PyAny>,
        kwds: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(128);
        write_request::create(&mut frame, typeid, "").map_err(raise::too_long)?;
        write_arguments(&mut frame, args, kwds)?;
        self.ask(py, &frame, options::or_default(None))
    }

    /// The object that the host has published under a name.
    fn find<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(32);
        write_request::find(&mut frame, name).map_err(raise::too_long)?;
        self.ask(py, &frame, FOR_OBJECT)
    }

    /// Add a proxy of an object. If there is none, the host is asked for a reference.
    fn hold(&self, py: Python<'_>, object: u64) -> PyResult<()> {
        if self.connections().references().add(object) {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(16);
        write_request::retain(&mut frame, object);
        let retained = self.ask(py, &frame, FOR_OBJECT)?;
        self.receive(object, retained.cast::<HostedReference>()?.get().incarnation);
        Ok(())
    }

    /// Add a proxy of an object in a reply, with the reference that this incarnation of the host has
    /// counted.
    fn receive(&self, object: u64, incarnation: u128) {
        self.connections().receive(object, incarnation);
    }

    /// Add a proxy of each object that has some; their numbers.
    fn hold_all(&self) -> Vec<u64> {
        self.connections().references().add_to_all()
    }

    /// Remove a proxy. With the last one the reference is released, by the next message at the latest.
    fn release(&self, py: Python<'_>, object: u64) {
        let connections = self.connections();
        py.detach(|| connections.release(object));
    }

    /// The objects that have proxies here.
    #[pyo3(name = "held")]
    fn numbers(&self) -> Vec<u64> {
        self.connections().references().numbers()
    }

    /// Begin anew in a forked child: the connections and the references are the parent's.
    fn forget(&self) {
        let mut connections = self.connections.write().unwrap_or_else(PoisonError::into_inner);
        let transport = connections.transport();
        let fresh = Connections::new(transport.address().clone(), transport.settings().clone());
        fresh.set_restarts(connections.restarts());
        // A thread of the parent may have been about to change it at the fork: it is never dropped.
        std::mem::forget(std::mem::replace(&mut *connections, Arc::new(fresh)));
    }

    /// Whether the host is started again when it dies, and is waited for then.
    fn expect_next(&self, expected: bool) {
        self.connections().set_restarts(expected);
    }

    /// Close the connections that no call uses. The next call opens new ones.
    fn close(&self, py: Python<'_>) {
        let connections = self.connections();
        py.detach(|| connections.transport().close());
    }
}

/// The address of the host of a name, which a process of the same user has started.
#[pyfunction]
pub(crate) fn address_of_host(name: &str) -> PyResult<String> {
    match sharevar_hosted::address_of(name) {
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

/// An address that no host has yet, for one that this process starts or is.
#[pyfunction]
pub(crate) fn unused_address() -> PyResult<String> {
    match sharevar_hosted::unused_address() {
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(PyOSError::new_err(error.to_string())),
    }
}

/// Remove the socket of a host that has ended, and with the last one the user's directory of them.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // As PyO3 extracts it.
pub(crate) fn remove_socket(py: Python<'_>, path: PathBuf) {
    py.detach(|| sharevar_transport::remove_socket(&path));
}

impl HostClient {
    pub(super) fn connections(&self) -> Arc<Connections> {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request, as often as its options allow, and reads its reply.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
        options: sharevar_hosted::CallOptions,
    ) -> PyResult<Bound<'py, PyAny>> {
        let connections = self.connections();
        let connection = waiting(py, |goes_on| connections.exchange(request, options, goes_on))?;
        reply::read(py, &connections, connection)
    }
}

/// Waits without the interpreter. An exception of a signal's handler ends the wait.
fn waiting<R: Send>(
    py: Python<'_>,
    wait: impl FnOnce(&mut GoesOn<'_>) -> Result<R, Error> + Send,
) -> PyResult<R> {
    let mut raised = None;
    let waited = py.detach(|| wait(&mut || goes_on(&mut raised)));
    match raised {
        Some(raised) => Err(raised),
        None => waited.map_err(|error| raise::transport(&error)),
    }
}

/// An object, its method, and the arguments by position and by name.
type OneCall<'py> = (u64, String, Bound<'py, PyAny>, Option<Bound<'py, PyDict>>);

fn write_batch(calls: &[OneCall<'_>]) -> PyResult<Vec<u8>> {
    let mut frame = Vec::with_capacity(128);
    write_request::batch(&mut frame, calls.len()).map_err(raise::too_long)?;
    for (object, method, args, kwds) in calls {
        part(&mut frame, |frame| write_call(frame, *object, method, args, kwds.as_ref()))
            .map_err(raise::too_long)??;
    }
    Ok(frame)
}

fn write_call(
    frame: &mut Vec<u8>,
    object: u64,
    method: &str,
    args: &Bound<'_, PyAny>,
    kwds: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    write_request::call(frame, object, method).map_err(raise::too_long)?;
    write_arguments(frame, args, kwds)
}

fn write_arguments(
    frame: &mut Vec<u8>,
    args: &Bound<'_, PyAny>,
    kwds: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    match args.cast::<PyTuple>() {
        Ok(args) => arguments::write(frame, args, kwds),
        // Programs hand over lists, too.
        Err(_) => arguments::write(
            frame,
            &PyTuple::new(args.py(), args.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
            kwds,
        ),
    }
}
