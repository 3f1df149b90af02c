//! The objects of a host of Python, to which `sharevar-hosted` dispatches requests.

use super::checkpoint::Checkpoint;
use super::object::Hosted;
use super::python_host::PythonHost;
use super::serving::Serving;
use super::{arguments, raise, wire};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};
use sharevar_hosted::Refused;
use sharevar_hosted::dispatch::{Dispatcher, IncomingCall, Language};
use sharevar_hosted::protocol::{Refusal, TooLong, write_reply};
use sharevar_transport::{Caller, Server, Session};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A host of objects of Python.
pub(super) type HostService = Dispatcher<PythonObjects>;

/// The host in Python, beside the objects.
pub(super) struct PythonObjects {
    pub(super) host: PythonHost,
    pub(super) checkpoint: PyOnceLock<Checkpoint>,
}

/// The reason why a request has no result.
pub(super) enum Failure {
    Refuse(Refused),
    Raise(PyErr),
    /// Where the standard library raises a `RemoteError` whatever was raised at the host.
    RaiseRemoteError(PyErr),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Raise(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refuse(refused)
    }
}

impl Language for PythonObjects {
    type Object = Hosted;
    type Reference = Py<PyAny>;
    type Failure = Failure;

    fn attached<R>(run: impl FnOnce() -> R) -> Option<R> {
        // None when the interpreter is about to end.
        Python::try_attach(|_| run())
    }

    fn call_host(&self, _: &HostService, call: IncomingCall<'_>) -> Result<(), Failure> {
        let IncomingCall { method, arguments, reply, .. } = call;
        Python::attach(|py| {
            let (positional, named) = read_arguments(py, arguments)?;
            let result = self.host.call_host(py, method, positional, named);
            arguments::write_returned(reply, &result.map_err(Failure::RaiseRemoteError)?)?;
            Ok(())
        })
    }

    fn call(&self, host: &HostService, hosted: &Arc<Hosted>, call: IncomingCall<'_>) -> Result<(), Failure> {
        let IncomingCall { caller, method, arguments, reply } = call;
        Python::attach(|py| {
            Serving { py, dispatcher: host, objects: self, caller, reply }.call(hosted, method, arguments)
        })
    }

    fn create(&self, host: &HostService, typeid: &str, call: IncomingCall<'_>) -> Result<(), Failure> {
        let IncomingCall { caller, arguments, reply, .. } = call;
        Python::attach(|py| {
            let (positional, named) = read_arguments(py, arguments)?;
            Serving { py, dispatcher: host, objects: self, caller, reply }.make(typeid, &positional, named)
        })
    }

    fn write_object(
        &self,
        caller: &Caller<'_>,
        number: u64,
        hosted: &Hosted,
        reply: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        Python::attach(|py| {
            // The next host must know which clients wait for an object that comes back.
            if let (Some(checkpoint), Some(_)) = (self.checkpoint.get(py), &hosted.record) {
                checkpoint.note_holder(py, caller.session(), caller.process())?;
            }
            describe(py, number, hosted, reply)
        })
    }

    fn write_failure(&self, failure: Failure, reply: &mut Vec<u8>) -> Result<(), TooLong> {
        let (error, travels) = match failure {
            Failure::Refuse(Refused { refusal, message }) => {
                return write_reply::refused(reply, refusal, &message);
            }
            Failure::Raise(error) => (error, true),
            Failure::RaiseRemoteError(error) => (error, false),
        };
        let start = reply.len();
        Python::attach(|py| raise::write_raised(py, error, travels, reply)).or_else(|_| {
            reply.truncate(start);
            write_reply::refused(reply, Refusal::Result, "an error that cannot be described")
        })
    }

    fn session_declared(&self, session: Session) {
        self.tell_checkpoint(|py, checkpoint| checkpoint.session_declared(py, session));
    }

    fn session_ended(&self, session: Session) {
        self.tell_checkpoint(|py, checkpoint| checkpoint.session_ended(py, session));
    }

    fn start_worker(&self, _: &Arc<Server<HostService>>) -> std::io::Result<()> {
        match Python::try_attach(|py| self.host.start_worker(py)) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(std::io::Error::other(error.to_string())),
            None => Err(std::io::Error::other("the interpreter ends")),
        }
    }

    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        Python::try_attach(|py| {
            if let Err(error) = self.host.serve_plainly(py, socket, greeting) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl PythonObjects {
    pub(super) fn new(server: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { host: PythonHost::new(server)?, checkpoint: PyOnceLock::new() })
    }

    pub(super) fn set_checkpoint(&self, checkpoint: Py<PyAny>) -> PyResult<()> {
        let set = Python::attach(|py| self.checkpoint.set(py, Checkpoint(checkpoint)));
        set.map_err(|_| PyValueError::new_err("the host has a checkpoint already"))
    }

    fn tell_checkpoint(&self, tell: impl FnOnce(Python<'_>, &Checkpoint) -> PyResult<()>) {
        Python::attach(|py| {
            if let Some(checkpoint) = self.checkpoint.get(py)
                && let Err(error) = tell(py, checkpoint)
            {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Reads the arguments of a call.
pub(super) fn read_arguments<'py>(
    py: Python<'py>,
    bytes: &[u8],
) -> Result<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>), Failure> {
    arguments::read(py, bytes).map_err(|error| match wire::describe(py, error) {
        Ok(described) => Refused::new(Refusal::Arguments, described.traceback).into(),
        Err(error) => Failure::Raise(error),
    })
}

pub(super) fn describe(
    py: Python<'_>,
    number: u64,
    hosted: &Hosted,
    reply: &mut Vec<u8>,
) -> Result<(), Failure> {
    let names: Vec<Bound<'_, PyString>> = hosted.names.bind(py).extract()?;
    let names = names.iter().map(|name| name.to_str()).collect::<PyResult<Vec<_>>>()?;
    write_reply::object(reply, number, &hosted.typeid, names.into_iter())
        .map_err(|error| raise::too_long(error).into())
}
