//! What a host does with a request.

use super::encoded_reply::EncodedReply;
use super::objects::{ATTRIBUTE, Hosted, Objects};
use super::{arguments, caller, raise, wire};
use crate::errors::{self, Class};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyWeakrefReference};
use sharevar_hosted::protocol::{HOST, Refusal, Request, part, write_reply};
use sharevar_transport::{Caller, LARGEST_FRAME, Served, Server, Service, Session};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The host's objects, and the Python object that makes them.
pub(super) struct HostService {
    /// The `sharevar.hosting.Server`, which holds this.
    host: Py<PyWeakrefReference>,
    objects: Mutex<Objects>,
    /// The proxies in the last reply on a connection. They are kept until the next request there:
    /// by then who was handed them has references of his own.
    handed_out: Mutex<HashMap<(Session, RawFd), Py<PyList>>>,
    handing_out: AtomicUsize,
    checkpoint: PyOnceLock<Py<PyAny>>,
}

/// Why a request has no result.
enum Stop {
    Refuse(Refusal, String),
    Raise(PyErr),
    /// Where the standard library raises a `RemoteError` whatever was raised at the host.
    RaiseRemoteError(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Raise(error)
    }
}

/// An object that came to be in the host.
pub(super) struct Made {
    number: u64,
    hosted: Arc<Hosted>,
}

impl HostService {
    pub(super) fn new(host: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            host: PyWeakrefReference::new(host)?.unbind(),
            objects: Mutex::default(),
            handed_out: Mutex::default(),
            handing_out: AtomicUsize::new(0),
            checkpoint: PyOnceLock::new(),
        })
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let host = self.host.bind(py).upgrade();
        host.ok_or_else(|| errors::raise(Class::HostDied, "the host has ended"))
    }

    /// Appends the reply to a request.
    fn answer(&self, py: Python<'_>, caller: &Caller<'_>, request: &Request<'_>, reply: &mut Vec<u8>) {
        let start = reply.len();
        let answered = match request {
            Request::Call { object: HOST, method, arguments } => self.ask_host(py, method, arguments, reply),
            Request::Call { object, method, arguments } => {
                self.call(py, caller, *object, method, arguments, reply)
            }
            Request::Create { typeid, arguments, .. } => self.create(py, caller, typeid, arguments, reply),
            Request::Retain { object } => self.retain(py, caller, *object, reply),
            Request::Find { name } => self.find(py, caller, name, reply),
            Request::Batch(batch) => {
                let answered = write_reply::many(reply, batch.len()).and_then(|()| {
                    batch
                        .iter()
                        .try_for_each(|request| part(reply, |reply| self.answer(py, caller, &request, reply)))
                });
                answered.map_err(|error| raise::too_long(error).into())
            }
            Request::Release(_) => Ok(()),
        };
        let answered = answered.and_then(|()| fits(reply.len() - start));
        if let Err(stop) = answered {
            reply.truncate(start);
            if write_stop(py, stop, reply).is_err() {
                reply.truncate(start);
                let told = write_reply::refused(reply, Refusal::Result, "an error that cannot be told");
                debug_assert!(told.is_ok());
            }
        }
    }

    fn call(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        number: u64,
        method: &str,
        arguments: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let hosted = self.objects().get(number).ok_or_else(|| unknown_object(number))?;
        let object = hosted.object.bind(py);
        let Some(name) = hosted.exposed(py, method) else {
            return self.fall_back(py, caller, &hosted, method, reply);
        };
        let (positional, named) = read_arguments(py, arguments)?;
        if method.starts_with(ATTRIBUTE) {
            return self.reach_attribute(py, caller, &hosted, name, &positional, reply);
        }
        let function = object.getattr(name).map_err(Stop::RaiseRemoteError)?;
        let result =
            hosted.save(py, caller::serving(caller, || function.call(positional, named.as_ref())))?;
        if let Some(types) = &hosted.types
            && let Some(typeid) = types.bind(py).get_item(name)?
        {
            let typeid: String = typeid.extract()?;
            let result = self.awaited(caller, &hosted, &result)?.unwrap_or(result);
            let made = self.make(py, caller.session(), &typeid, &PyTuple::new(py, [result])?, None)?;
            self.note_holder(py, caller, &made.hosted)?;
            return write_object(py, &made, reply);
        }
        if method == "__iter__" {
            return self.stream(py, caller, &hosted, &result, true, reply).map(drop);
        }
        if is_of_with(method) {
            let result = self.awaited(caller, &hosted, &result)?.unwrap_or(result);
            if result.is(object) {
                write_reply::itself(reply);
                return Ok(());
            }
            return self.give(py, caller, &hosted, &result, reply);
        }
        self.give(py, caller, &hosted, &result, reply)
    }

    /// Reads an attribute, or sets it to the only argument.
    #[cold]
    fn reach_attribute(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        hosted: &Arc<Hosted>,
        name: &Bound<'_, PyString>,
        arguments: &Bound<'_, PyTuple>,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let object = hosted.object.bind(py);
        let reached = caller::serving(caller, || match arguments.get_item(0) {
            Ok(value) => object.setattr(name, value).map(|()| py.None().into_bound(py)),
            Err(_) => object.getattr(name),
        });
        self.give(py, caller, hosted, &hosted.save(py, reached)?, reply)
    }

    /// What standard proxies ask for though nobody exposes it.
    #[cold]
    fn fall_back(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        hosted: &Arc<Hosted>,
        method: &str,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let object = hosted.object.bind(py);
        if !matches!(method, "#GETVALUE" | "__str__" | "__repr__") {
            let message = not_exposed(hosted.names.bind(py), object, method)?;
            return Err(Stop::Refuse(Refusal::NotExposed, message));
        }
        let result = self
            .host(py)?
            .call_method1(intern!(py, "fall_back"), (method, object))
            .map_err(Stop::RaiseRemoteError)?;
        write_reply::returned(reply);
        self.write_value(py, caller, &result, reply)
    }

    /// Appends what a method has returned.
    fn give(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        hosted: &Arc<Hosted>,
        result: &Bound<'_, PyAny>,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let start = reply.len();
        write_reply::returned(reply);
        if arguments::write_native_value(reply, result)? {
            return Ok(());
        }
        reply.truncate(start);
        if let Ok(encoded) = result.cast::<EncodedReply>() {
            let proxies = encoded.get().append(py, reply);
            return self.hand_out(py, caller, &proxies).map_err(Stop::from);
        }
        if result.is(hosted.object.bind(py)) && !self.copies_itself(py)? {
            write_reply::itself(reply);
            return Ok(());
        }
        if let Some(result) = self.awaited(caller, hosted, result)? {
            return self.give(py, caller, hosted, &result, reply);
        }
        let kind = result.get_type();
        if (kind.hasattr(intern!(py, "__next__"))? || kind.hasattr(intern!(py, "__anext__"))?)
            && self.stream(py, caller, hosted, result, false, reply)?
        {
            return Ok(());
        }
        write_reply::returned(reply);
        self.write_value(py, caller, result, reply)
    }

    /// Whether a method that returns its object gives a copy of it, as in the standard library.
    #[cold]
    fn copies_itself(&self, py: Python<'_>) -> PyResult<bool> {
        self.host(py)?.getattr(intern!(py, "copies_itself"))?.is_truthy()
    }

    /// What a coroutine gives, which the host's event loop runs; `None` of all that is none.
    fn awaited<'py>(
        &self,
        caller: &Caller<'_>,
        hosted: &Hosted,
        result: &Bound<'py, PyAny>,
    ) -> Result<Option<Bound<'py, PyAny>>, Stop> {
        let py = result.py();
        if !result.get_type().hasattr(intern!(py, "cr_await"))? {
            return Ok(None);
        }
        let descriptor = caller.as_fd().as_raw_fd();
        let given = self.host(py)?.call_method1(intern!(py, "run_coroutine"), (result, descriptor));
        Ok(Some(hosted.save(py, given)?))
    }

    /// Keeps an iterator whose items the caller will ask for: whether it is one that stays here.
    /// `always`: it is not sent, even if it could be.
    fn stream(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        hosted: &Hosted,
        iterator: &Bound<'_, PyAny>,
        always: bool,
        reply: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        let record = hosted.record.as_ref().map(|record| record.bind(py));
        let asked = (caller.session().0, iterator, always, record);
        let kept: Option<u64> = self.host(py)?.call_method1(intern!(py, "stream"), asked)?.extract()?;
        if let Some(number) = kept {
            write_reply::stream(reply, number);
        }
        Ok(kept.is_some())
    }

    fn write_value(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        value: &Bound<'_, PyAny>,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        if arguments::write_native_value(reply, value)? {
            return Ok(());
        }
        match arguments::write_pickled_value(reply, value) {
            Ok(proxies) => {
                self.hand_out(py, caller, &proxies)?;
                Ok(())
            }
            Err(error) => {
                let described = wire::describe(py, error)?;
                Err(Stop::Refuse(Refusal::Result, format!("Unserializable message: {}", described.traceback)))
            }
        }
    }

    fn create(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        typeid: &str,
        arguments: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let (positional, named) = read_arguments(py, arguments)?;
        let made = self.make(py, caller.session(), typeid, &positional, named)?;
        self.note_holder(py, caller, &made.hosted)?;
        write_object(py, &made, reply)
    }

    /// Has the host make an object, on which `session` has a reference then.
    fn make<'py>(
        &self,
        py: Python<'py>,
        session: Session,
        typeid: &str,
        positional: &Bound<'py, PyTuple>,
        named: Option<Bound<'py, PyDict>>,
    ) -> Result<Made, Stop> {
        let host = self.host(py)?;
        if !host.getattr(intern!(py, "registry"))?.contains(typeid)? {
            let known: Vec<String> = host
                .getattr(intern!(py, "registry"))?
                .try_iter()?
                .map(|name| name?.extract())
                .collect::<PyResult<_>>()?;
            let message = format!(
                "no type is registered at the host as {typeid:?}, but {}; what is to be made there \
                 must be registered before the host starts",
                if known.is_empty() { "none at all".to_owned() } else { known.join(", ") }
            );
            return Err(Stop::Refuse(Refusal::UnknownType, message));
        }
        let made = host
            .call_method1(intern!(py, "make"), (session.0, typeid, positional, named))
            .map_err(Stop::RaiseRemoteError)?;
        let number: u64 = made.extract()?;
        let hosted = self.objects().get(number).ok_or_else(|| unknown_object(number))?;
        Ok(Made { number, hosted })
    }

    fn retain(
        &self,
        py: Python<'_>,
        caller: &Caller<'_>,
        number: u64,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let retained = self.objects().retain(caller.session(), number);
        let hosted = retained.ok_or_else(|| unknown_object(number))?;
        self.note_holder(py, caller, &hosted)?;
        write_object(py, &Made { number, hosted }, reply)
    }

    fn find(&self, py: Python<'_>, caller: &Caller<'_>, name: &str, reply: &mut Vec<u8>) -> Result<(), Stop> {
        let found: Option<u64> = self.host(py)?.call_method1(intern!(py, "find"), (name,))?.extract()?;
        match found {
            Some(number) => self.retain(py, caller, number, reply),
            None => Err(Stop::Refuse(
                Refusal::UnknownName,
                format!("nothing was published at this host as {name:?}"),
            )),
        }
    }

    pub(super) fn set_checkpoint(&self, checkpoint: Py<PyAny>) -> PyResult<()> {
        let set = Python::attach(|py| self.checkpoint.set(py, checkpoint));
        set.map_err(|_| PyValueError::new_err("the host has a checkpoint already"))
    }

    /// A client holds an object: if it comes back, the next host must know who waits for it.
    fn note_holder(&self, py: Python<'_>, caller: &Caller<'_>, hosted: &Hosted) -> PyResult<()> {
        if let (Some(checkpoint), Some(_)) = (self.checkpoint.get(py), &hosted.record) {
            let noted = (caller.session().0, caller.process());
            checkpoint.bind(py).call_method1(intern!(py, "note_holder"), noted)?;
        }
        Ok(())
    }

    /// Who has met the host before this one says first of all what he holds.
    fn note_declaration(&self, py: Python<'_>, caller: &Caller<'_>, request: &Request<'_>) {
        if let (Request::Batch(batch), Some(checkpoint)) = (request, self.checkpoint.get(py))
            && batch.iter().all(|request| matches!(request, Request::Retain { .. }))
        {
            let came = (caller.session().0,);
            let noted = checkpoint.bind(py).call_method1(intern!(py, "session_came"), came);
            if let Err(error) = noted {
                error.write_unraisable(py, None);
            }
        }
    }

    fn ask_host(
        &self,
        py: Python<'_>,
        method: &str,
        arguments: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let (positional, named) = read_arguments(py, arguments)?;
        let asked = (method, positional, named.unwrap_or_else(|| PyDict::new(py)));
        let asked = self.host(py)?.call_method1(intern!(py, "call_host"), asked);
        let result = asked.map_err(Stop::RaiseRemoteError)?;
        write_reply::returned(reply);
        if arguments::write_native_value(reply, &result)? {
            return Ok(());
        }
        arguments::write_pickled_value(reply, &result)?;
        Ok(())
    }

    /// Keeps what a reply refers to; that of a batch has many parts.
    fn hand_out(&self, py: Python<'_>, caller: &Caller<'_>, proxies: &Bound<'_, PyList>) -> PyResult<()> {
        if proxies.is_empty() {
            return Ok(());
        }
        // Outside the lock: making it may collect garbage.
        let empty = PyList::empty(py).unbind();
        let mut handed_out = self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = handed_out.entry(connection_of(caller)).or_insert(empty).bind(py).clone();
        self.handing_out.store(handed_out.len(), Ordering::Relaxed);
        drop(handed_out);
        proxies.iter().try_for_each(|proxy| kept.append(proxy))
    }

    fn take_handed_out(&self, session: Session) -> HashMap<(Session, RawFd), Py<PyList>> {
        let mut handed_out = self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, left) =
            std::mem::take(&mut *handed_out).into_iter().partition(|(key, _)| key.0 == session);
        *handed_out = left;
        self.handing_out.store(handed_out.len(), Ordering::Relaxed);
        gone
    }

    /// The proxies in the reply before this request.
    fn handed_out_before(&self, caller: &Caller<'_>) -> Option<Py<PyList>> {
        if self.handing_out.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut handed_out = self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        let before = handed_out.remove(&connection_of(caller));
        self.handing_out.store(handed_out.len(), Ordering::Relaxed);
        before
    }
}

/// The methods that begin a `with`, in whose block the object itself is used.
fn is_of_with(method: &str) -> bool {
    matches!(method, "__enter__" | "__aenter__")
}

/// A connection, among those of a session.
fn connection_of(caller: &Caller<'_>) -> (Session, RawFd) {
    (caller.session(), caller.as_fd().as_raw_fd())
}

impl Service for HostService {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        // None when the interpreter is about to end.
        let served = Python::try_attach(|py| match Request::read(request) {
            Ok(Request::Release(releases)) => {
                for (object, count) in releases.iter() {
                    let last = self.objects().release(caller.session(), object, count);
                    drop(last);
                }
                Served::NoReply
            }
            Ok(request) => {
                let before = self.handed_out_before(caller);
                self.answer(py, caller, &request, reply);
                self.note_declaration(py, caller, &request);
                drop(before);
                Served::Reply
            }
            Err(malformed) => {
                // A text of ours, which is never of 4 GiB.
                let _ = write_reply::refused(reply, Refusal::Malformed, &malformed.to_string());
                Served::Reply
            }
        });
        served.unwrap_or(Served::Close)
    }

    fn session_ended(&self, session: Session) -> Box<dyn FnOnce()> {
        let gone = Python::try_attach(|py| {
            let gone = (self.objects().end(session), self.take_handed_out(session));
            if let Some(checkpoint) = self.checkpoint.get(py)
                && let Err(error) =
                    checkpoint.bind(py).call_method1(intern!(py, "session_ended"), (session.0,))
            {
                error.write_unraisable(py, None);
            }
            gone
        });
        Box::new(move || {
            // Without an interpreter there is nothing to let go of.
            let _ = Python::try_attach(|_| drop(gone));
        })
    }

    fn spawn_worker(&self, _server: &Arc<Server<Self>>) -> std::io::Result<()> {
        let started =
            Python::try_attach(|py| self.host(py)?.call_method0(intern!(py, "start_worker")).map(drop));
        match started {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(std::io::Error::other(error.to_string())),
            None => Err(std::io::Error::other("the interpreter ends")),
        }
    }

    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        Python::try_attach(|py| {
            let handed = self.host(py).and_then(|host| {
                host.call_method1(intern!(py, "serve_plainly"), (socket.into_raw_fd(), greeting))
            });
            if let Err(error) = handed {
                error.write_unraisable(py, None);
            }
        });
    }
}

fn read_arguments<'py>(
    py: Python<'py>,
    bytes: &[u8],
) -> Result<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>), Stop> {
    arguments::read(py, bytes).map_err(|error| match wire::describe(py, error) {
        Ok(described) => Stop::Refuse(Refusal::Arguments, described.traceback),
        Err(error) => Stop::Raise(error),
    })
}

/// What cannot be sent is told, while the connection is still good.
fn fits(length: usize) -> Result<(), Stop> {
    if length <= LARGEST_FRAME {
        return Ok(());
    }
    let message =
        format!("it has {length} bytes, and a message at most {LARGEST_FRAME}; give less at a time");
    Err(Stop::Refuse(Refusal::Result, message))
}

fn unknown_object(number: u64) -> Stop {
    Stop::Refuse(
        Refusal::UnknownObject,
        format!(
            "the host has no object {number:016x}: nobody held it any more, or it was another host's; \
             keep a proxy of it until its receiver has one"
        ),
    )
}

fn not_exposed(names: &Bound<'_, PyTuple>, object: &Bound<'_, PyAny>, method: &str) -> PyResult<String> {
    Ok(format!(
        "method {method:?} of {} object is not in exposed={}",
        object.get_type().repr()?.to_str()?,
        names.repr()?.to_str()?
    ))
}

fn write_object(py: Python<'_>, made: &Made, reply: &mut Vec<u8>) -> Result<(), Stop> {
    let names: Vec<Bound<'_, PyString>> = made.hosted.names.bind(py).extract()?;
    let names = names.iter().map(|name| name.to_str()).collect::<PyResult<Vec<_>>>()?;
    write_reply::object(reply, made.number, &made.hosted.typeid, names.into_iter())
        .map_err(|error| raise::too_long(error).into())
}

fn write_stop(py: Python<'_>, stop: Stop, reply: &mut Vec<u8>) -> PyResult<()> {
    let (error, travels) = match stop {
        Stop::Refuse(refusal, message) => {
            return write_reply::refused(reply, refusal, &message).map_err(raise::too_long);
        }
        Stop::Raise(error) => (error, true),
        Stop::RaiseRemoteError(error) => (error, false),
    };
    raise::write_raised(py, error, travels, reply)
}
