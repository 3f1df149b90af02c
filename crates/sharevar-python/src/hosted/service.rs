//! What a host of objects of Python has beside the objects, and what differs from other languages.

use super::object::Hosted;
use super::serving::Serving;
use super::{arguments, raise, wire};
use crate::errors::{self, Class};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyWeakrefReference};
use sharevar_hosted::Refused;
use sharevar_hosted::dispatch::{Asked, Host, Language, unknown_object};
use sharevar_hosted::protocol::{Refusal, TooLong, write_reply};
use sharevar_transport::{Caller, Server, Session};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::Arc;

/// A host of objects of Python.
pub(super) type HostService = Host<PythonObjects>;

/// What a host of objects of Python has beside them.
pub(super) struct PythonObjects {
    /// The `sharevar.hosting.Server`, which holds this.
    server: Py<PyWeakrefReference>,
    checkpoint: PyOnceLock<Py<PyAny>>,
}

/// Why a request has no result.
pub(super) enum Stop {
    Refuse(Refused),
    Raise(PyErr),
    /// Where the standard library raises a `RemoteError` whatever was raised at the host.
    RaiseRemoteError(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Raise(error)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refuse(refused)
    }
}

pub(super) fn refuse(refusal: Refusal, message: String) -> Stop {
    Stop::Refuse(Refused { refusal, message })
}

/// An object that came to be in the host.
pub(super) struct Made {
    pub(super) number: u64,
    pub(super) hosted: Arc<Hosted>,
}

impl Language for PythonObjects {
    type Object = Hosted;
    type Kept = Py<PyAny>;
    type Stop = Stop;

    fn enter<R>(run: impl FnOnce() -> R) -> Option<R> {
        // None when the interpreter is about to end.
        Python::try_attach(|_| run())
    }

    fn call_host(&self, _: &HostService, asked: Asked<'_>) -> Result<(), Stop> {
        Python::attach(|py| self.ask_server(py, asked.method, asked.arguments, asked.reply))
    }

    fn call(&self, host: &HostService, hosted: &Arc<Hosted>, asked: Asked<'_>) -> Result<(), Stop> {
        let Asked { caller, method, arguments, reply } = asked;
        Python::attach(|py| {
            Serving { py, host, objects: self, caller }.call(hosted, method, arguments, reply)
        })
    }

    fn create(&self, host: &HostService, typeid: &str, asked: Asked<'_>) -> Result<(), Stop> {
        let Asked { caller, arguments, reply, .. } = asked;
        Python::attach(|py| {
            let (positional, named) = read_arguments(py, arguments)?;
            let made = self.make(py, host, caller.session(), typeid, &positional, named)?;
            self.give(caller, made.number, &made.hosted, reply)
        })
    }

    fn give(
        &self,
        caller: &Caller<'_>,
        number: u64,
        hosted: &Hosted,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        Python::attach(|py| {
            self.note_holder(py, caller, hosted)?;
            write_object(py, number, hosted, reply)
        })
    }

    fn write_stop(&self, stop: Stop, reply: &mut Vec<u8>) -> Result<(), TooLong> {
        let (error, travels) = match stop {
            Stop::Refuse(Refused { refusal, message }) => {
                return write_reply::refused(reply, refusal, &message);
            }
            Stop::Raise(error) => (error, true),
            Stop::RaiseRemoteError(error) => (error, false),
        };
        let start = reply.len();
        Python::attach(|py| raise::write_raised(py, error, travels, reply)).or_else(|_| {
            reply.truncate(start);
            write_reply::refused(reply, Refusal::Result, "an error that cannot be told")
        })
    }

    fn note_declaration(&self, session: Session) {
        self.tell_checkpoint("session_came", session);
    }

    fn note_end(&self, session: Session) {
        self.tell_checkpoint("session_ended", session);
    }

    fn start_worker(&self, _: &Arc<Server<HostService>>) -> std::io::Result<()> {
        let started =
            Python::try_attach(|py| self.server(py)?.call_method0(intern!(py, "start_worker")).map(drop));
        match started {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(std::io::Error::other(error.to_string())),
            None => Err(std::io::Error::other("the interpreter ends")),
        }
    }

    fn foreign(&self, socket: OwnedFd, greeting: &[u8]) {
        Python::try_attach(|py| {
            let handed = self.server(py).and_then(|server| {
                server.call_method1(intern!(py, "serve_plainly"), (socket.into_raw_fd(), greeting))
            });
            if let Err(error) = handed {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl PythonObjects {
    pub(super) fn new(server: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { server: PyWeakrefReference::new(server)?.unbind(), checkpoint: PyOnceLock::new() })
    }

    pub(super) fn server<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let server = self.server.bind(py).upgrade();
        server.ok_or_else(|| errors::raise(Class::HostDied, "the host has ended"))
    }

    /// Has the host make an object, on which `session` has a reference then.
    pub(super) fn make<'py>(
        &self,
        py: Python<'py>,
        service: &HostService,
        session: Session,
        typeid: &str,
        positional: &Bound<'py, PyTuple>,
        named: Option<Bound<'py, PyDict>>,
    ) -> Result<Made, Stop> {
        let server = self.server(py)?;
        if !server.getattr(intern!(py, "registry"))?.contains(typeid)? {
            let known: Vec<String> = server
                .getattr(intern!(py, "registry"))?
                .try_iter()?
                .map(|name| name?.extract())
                .collect::<PyResult<_>>()?;
            let message = format!(
                "no type is registered at the host as {typeid:?}, but {}; what is to be made there \
                 must be registered before the host starts",
                if known.is_empty() { "none at all".to_owned() } else { known.join(", ") }
            );
            return Err(refuse(Refusal::UnknownType, message));
        }
        let made = server
            .call_method1(intern!(py, "make"), (session.0, typeid, positional, named))
            .map_err(Stop::RaiseRemoteError)?;
        let number: u64 = made.extract()?;
        let hosted = service.table().get(number).cloned().ok_or_else(|| unknown_object(number))?;
        Ok(Made { number, hosted })
    }

    pub(super) fn set_checkpoint(&self, checkpoint: Py<PyAny>) -> PyResult<()> {
        let set = Python::attach(|py| self.checkpoint.set(py, checkpoint));
        set.map_err(|_| PyValueError::new_err("the host has a checkpoint already"))
    }

    /// A client holds an object: if it comes back, the next host must know that it is waited for.
    fn note_holder(&self, py: Python<'_>, caller: &Caller<'_>, hosted: &Hosted) -> PyResult<()> {
        if let (Some(checkpoint), Some(_)) = (self.checkpoint.get(py), &hosted.record) {
            let noted = (caller.session().0, caller.process());
            checkpoint.bind(py).call_method1(intern!(py, "note_holder"), noted)?;
        }
        Ok(())
    }

    fn tell_checkpoint(&self, event: &str, session: Session) {
        Python::attach(|py| {
            if let Some(checkpoint) = self.checkpoint.get(py)
                && let Err(error) = checkpoint.bind(py).call_method1(event, (session.0,))
            {
                error.write_unraisable(py, None);
            }
        });
    }

    fn ask_server(
        &self,
        py: Python<'_>,
        method: &str,
        arguments: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let (positional, named) = read_arguments(py, arguments)?;
        let asked = (method, positional, named.unwrap_or_else(|| PyDict::new(py)));
        let asked = self.server(py)?.call_method1(intern!(py, "call_host"), asked);
        let result = asked.map_err(Stop::RaiseRemoteError)?;
        write_reply::returned(reply);
        if arguments::write_native_value(reply, &result)? {
            return Ok(());
        }
        arguments::write_pickled_value(reply, &result)?;
        Ok(())
    }
}

/// Reads the arguments of a call.
pub(super) fn read_arguments<'py>(
    py: Python<'py>,
    bytes: &[u8],
) -> Result<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>), Stop> {
    arguments::read(py, bytes).map_err(|error| match wire::describe(py, error) {
        Ok(described) => refuse(Refusal::Arguments, described.traceback),
        Err(error) => Stop::Raise(error),
    })
}

fn write_object(py: Python<'_>, number: u64, hosted: &Hosted, reply: &mut Vec<u8>) -> Result<(), Stop> {
    let names: Vec<Bound<'_, PyString>> = hosted.names.bind(py).extract()?;
    let names = names.iter().map(|name| name.to_str()).collect::<PyResult<Vec<_>>>()?;
    write_reply::object(reply, number, &hosted.typeid, names.into_iter())
        .map_err(|error| raise::too_long(error).into())
}
