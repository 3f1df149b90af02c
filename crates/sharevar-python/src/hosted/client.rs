//! A host as a process that calls its objects sees it.

use super::pending::PendingCall;
use super::reference::HostedReference;
use super::{arguments, patience, raise, reply, settings};
use crate::waiting::end_of;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sharevar::hosted::patience::Patience;
use sharevar::hosted::protocol::{RESTARTS, part, write_request};
use sharevar_transport::{Address, Client, Error, Lent};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

/// A host, this process's connections to it, and its references on the host's objects.
///
/// What a forked child replaces is locked only by threads that are attached to the interpreter, as
/// one that forks is: so no other thread has it locked at a fork, and none does in the child.
#[pyclass(frozen, weakref, module = "sharevar._native")]
pub(crate) struct HostClient {
    /// Replaced in a forked child; never locked while anything is waited for.
    client: RwLock<Client>,
    /// How many of this process's proxies there are of each object. The host knows of one
    /// reference for all of them.
    held: Mutex<HashMap<u64, u32>>,
    /// The host's life, shortened, in which it knows of these references; 0 before the first.
    known_in: AtomicU64,
    /// Held while a host is told of them, and replaced in a forked child.
    telling: Mutex<Arc<Mutex<()>>>,
    /// Whether the host is started again when it dies, as far as this process has learned.
    restarts: AtomicBool,
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
        Ok(Self {
            client: RwLock::new(Client::new(address, settings)),
            held: Mutex::default(),
            known_in: AtomicU64::new(0),
            telling: Mutex::default(),
            restarts: AtomicBool::new(false),
        })
    }

    /// Where the host is.
    #[getter]
    fn address(&self) -> String {
        self.client().address().to_string()
    }

    /// The number of the host's life; None before this process has connected.
    #[getter]
    fn life(&self) -> Option<u128> {
        self.client().life()
    }

    /// Connect, if there is no connection yet; it raises if that cannot be done.
    fn connect(&self, py: Python<'_>) -> PyResult<()> {
        let client = self.client();
        let mut patience = Patience::new(self.expects_next());
        loop {
            let mut raised = None;
            match py.detach(|| self.connection(&client, None, &mut raised).map(Lent::keep)) {
                _ if raised.is_some() => return raised.map_or(Ok(()), Err),
                Ok(()) => return Ok(()),
                Err(error) => patience::after(py, &mut patience, &error, None)?,
            }
        }
    }

    /// Call a method of an object; 0 is the host itself.
    ///
    /// What cannot be sent raises before anything is. When the time is over, or a signal's
    /// handler raises, the connection is closed, which tells the host.
    #[pyo3(signature = (object, method, args, kwds=None, timeout=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        object: u64,
        method: &str,
        args: &Bound<'py, PyAny>,
        kwds: Option<&Bound<'py, PyDict>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(128);
        write_request::call(&mut frame, object, method).map_err(raise::too_long)?;
        write_arguments(&mut frame, args, kwds)?;
        self.ask(py, &frame, end_of(timeout))
    }

    /// Make many calls with one message: for each, whether it returned, and the result or the
    /// exception.
    #[allow(clippy::needless_pass_by_value)] // PyO3 hands a vector over by value.
    #[pyo3(signature = (calls, timeout=None))]
    fn batch<'py>(
        &self,
        py: Python<'py>,
        calls: Vec<OneCall<'py>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, &write_batch(&calls)?, end_of(timeout))
    }

    /// A call that nobody has sent yet; an event loop waits for its reply.
    #[pyo3(signature = (object, method, args, kwds=None))]
    fn begin(
        slf: Bound<'_, Self>,
        object: u64,
        method: &str,
        args: &Bound<'_, PyAny>,
        kwds: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PendingCall> {
        let mut frame = Vec::with_capacity(128);
        write_request::call(&mut frame, object, method).map_err(raise::too_long)?;
        write_arguments(&mut frame, args, kwds)?;
        Ok(PendingCall::new(slf.unbind(), frame))
    }

    /// The same, of many calls with one message.
    #[allow(clippy::needless_pass_by_value)] // As above.
    fn begin_batch(slf: Bound<'_, Self>, calls: Vec<OneCall<'_>>) -> PyResult<PendingCall> {
        Ok(PendingCall::new(slf.unbind(), write_batch(&calls)?))
    }

    /// Have the host make an object.
    #[pyo3(signature = (typeid, args, kwds=None, timeout=None))]
    fn create<'py>(
        &self,
        py: Python<'py>,
        typeid: &str,
        args: &Bound<'py, PyAny>,
        kwds: Option<&Bound<'py, PyDict>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(128);
        write_request::create(&mut frame, typeid, "").map_err(raise::too_long)?;
        write_arguments(&mut frame, args, kwds)?;
        self.ask(py, &frame, end_of(timeout))
    }

    /// The object that the host has published under a name.
    fn find<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let mut frame = Vec::with_capacity(32);
        write_request::find(&mut frame, name).map_err(raise::too_long)?;
        self.ask(py, &frame, None)
    }

    /// One proxy more. `given`: a reference came with the reply that named the object.
    #[pyo3(signature = (object, *, given=false))]
    fn hold(&self, py: Python<'_>, object: u64, given: bool) -> PyResult<()> {
        let is_first = {
            let mut held = self.held();
            let count = held.entry(object).or_insert(0);
            *count += 1;
            *count == 1
        };
        match (is_first, given) {
            (true, true) | (false, false) => Ok(()),
            // One is enough for all proxies.
            (false, true) => self.give_back(py, object),
            (true, false) => {
                let mut frame = Vec::with_capacity(16);
                write_request::retain(&mut frame, object);
                self.ask(py, &frame, None).map(drop).inspect_err(|_| {
                    self.forget_one(object);
                })
            }
        }
    }

    /// One proxy more of each object that there are proxies of: their numbers.
    fn hold_all(&self) -> Vec<u64> {
        let mut held = self.held();
        held.iter_mut()
            .map(|(number, count)| {
                *count += 1;
                *number
            })
            .collect()
    }

    /// One proxy less.
    fn release(&self, py: Python<'_>, object: u64) -> PyResult<()> {
        if self.forget_one(object) { self.give_back(py, object) } else { Ok(()) }
    }

    /// The objects that there are proxies of here.
    #[pyo3(name = "held")]
    fn numbers(&self) -> Vec<u64> {
        self.held().keys().copied().collect()
    }

    /// Begin anew in a forked child: the connections and the references are the parent's.
    fn forget(&self) {
        let mut client = self.client.write().unwrap_or_else(PoisonError::into_inner);
        *client = Client::new(client.address().clone(), client.settings().clone());
        self.held().clear();
        *self.telling() = Arc::default();
        self.known_in.store(0, Ordering::Release);
    }

    /// Whether the host is started again when it dies, and is waited for then.
    fn expect_next(&self, expected: bool) {
        self.restarts.store(expected, Ordering::Relaxed);
    }

    /// Close the connections that nobody uses. The next call opens new ones.
    fn close(&self, py: Python<'_>) {
        let client = self.client();
        py.detach(|| client.close());
    }
}

/// Where the host of a name is, which a process of the same user has started.
#[pyfunction]
pub(crate) fn address_of_host(name: &str) -> PyResult<String> {
    match sharevar::hosted::address_of(name) {
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

impl HostClient {
    pub(super) fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn expects_next(&self) -> bool {
        self.restarts.load(Ordering::Relaxed)
    }

    fn telling(&self) -> MutexGuard<'_, Arc<Mutex<()>>> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that was the last proxy.
    fn forget_one(&self, object: u64) -> bool {
        let mut held = self.held();
        let Some(count) = held.get_mut(&object) else { return false };
        *count -= 1;
        let is_last = *count == 0;
        if is_last {
            held.remove(&object);
        }
        is_last
    }

    fn give_back(&self, py: Python<'_>, object: u64) -> PyResult<()> {
        let mut frame = Vec::with_capacity(16);
        write_request::release(&mut frame, [(object, 1)]);
        let client = self.client();
        let sent = py.detach(|| {
            let mut connection = client.connection()?;
            connection.send(&frame, None)?;
            connection.keep();
            Ok(())
        });
        sent.map_err(|error: Error| raise::transport(&error))
    }

    /// A connection to a host that knows what is held here: one that was started in another's
    /// place is told first of all.
    ///
    /// It is called detached. What a signal's handler raises meanwhile is in `raised`.
    pub(super) fn connection(
        &self,
        client: &Client,
        until: Option<Instant>,
        raised: &mut Option<PyErr>,
    ) -> Result<Lent, Error> {
        let mut connection = client.connection_within(until, &mut || goes_on(raised))?;
        let life = short(connection.life());
        if self.known_in.load(Ordering::Acquire) != life {
            let telling = Python::attach(|_| self.telling().clone());
            let _telling = telling.lock().unwrap_or_else(PoisonError::into_inner);
            if self.known_in.load(Ordering::Acquire) != life {
                self.tell(&mut connection, until)?;
                self.known_in.store(life, Ordering::Release);
            }
        }
        Ok(connection)
    }

    fn tell(&self, connection: &mut Lent, until: Option<Instant>) -> Result<(), Error> {
        if self.known_in.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        // If that is nothing, it is said as well: the host waits to hear it.
        let held: Vec<u64> = Python::attach(|_| self.held().keys().copied().collect());
        let mut frame = Vec::with_capacity(8 + 16 * held.len());
        let written = write_request::batch(&mut frame, held.len()).and_then(|()| {
            held.iter().try_for_each(|number| {
                part(&mut frame, |frame| {
                    write_request::retain(frame, *number);
                })
            })
        });
        debug_assert!(written.is_ok());
        // What is asked is not the caller's request, which has not been sent then.
        let not_started = |error| match error {
            Error::Gone { .. } => Error::Gone { started: false },
            error => error,
        };
        connection.send(&frame, until).map_err(not_started)?;
        loop {
            match connection.receive(until).map(drop) {
                Err(Error::Interrupted) => {}
                received => break received.map_err(not_started)?,
            }
        }
        // Objects that have not come back are found so when they are called.
        connection.consume();
        Ok(())
    }

    /// Sends a request and reads its reply. A request that the host has certainly not read is
    /// sent once more, to the host that may have taken its place; no other ever is.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
        until: Option<Instant>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client();
        let mut patience = Patience::new(self.expects_next());
        let mut connection = loop {
            match self.exchange(py, &client, request, until)? {
                Ok(connection) => break connection,
                Err(error) => patience::after(py, &mut patience, &error, until)?,
            }
        };
        // Before the connection is used again: until then the host keeps what the reply refers to.
        let given = reply::read(py, connection.message());
        connection.consume();
        connection.keep();
        if let Ok(given) = &given
            && let Ok(reference) = given.cast::<HostedReference>()
            && reference.get().exposed.bind(py).contains(RESTARTS)?
        {
            self.restarts.store(true, Ordering::Relaxed);
        }
        given
    }

    /// A connection on which the reply has come.
    fn exchange(
        &self,
        py: Python<'_>,
        client: &Client,
        request: &[u8],
        until: Option<Instant>,
    ) -> PyResult<Result<Lent, Error>> {
        let mut connection = None;
        let mut raised = None;
        loop {
            let received = py.detach(|| {
                let connection = match &mut connection {
                    Some(connection) => connection,
                    none => {
                        let connection = none.insert(self.connection(client, until, &mut raised)?);
                        connection.send_within(request, until, &mut || goes_on(&mut raised))?;
                        connection
                    }
                };
                connection.receive(until).map(drop)
            });
            if let Some(error) = raised {
                return Err(error);
            }
            match received {
                Err(Error::Interrupted) => py.check_signals()?,
                received => {
                    let connection = connection.ok_or(Error::Gone { started: false });
                    return Ok(received.and(connection));
                }
            }
        }
    }
}

/// Whether no signal's handler raises. What one raises is in `raised`.
fn goes_on(raised: &mut Option<PyErr>) -> bool {
    *raised = Python::attach(|py| py.check_signals().err());
    raised.is_none()
}

/// A life's number, shortened to what differs from any other; never 0.
fn short(life: u128) -> u64 {
    (life as u64).max(1)
}

/// An object, its method, and the arguments by position and by name.
type OneCall<'py> = (u64, String, Bound<'py, PyAny>, Option<Bound<'py, PyDict>>);

fn write_batch(calls: &[OneCall<'_>]) -> PyResult<Vec<u8>> {
    let mut frame = Vec::with_capacity(128);
    write_request::batch(&mut frame, calls.len()).map_err(raise::too_long)?;
    for (object, method, args, kwds) in calls {
        part(&mut frame, |frame| {
            write_request::call(frame, *object, method).map_err(raise::too_long)?;
            write_arguments(frame, args, kwds.as_ref())
        })
        .map_err(raise::too_long)??;
    }
    Ok(frame)
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
