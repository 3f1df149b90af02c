//! A call whose reply an event loop waits for.

use super::client::HostClient;
use super::{raise, reply};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use sharevar_hosted::CallOptions;
use sharevar_hosted::retry::{Retry, RetryPolicy};
use sharevar_transport::{Deadline, Error, PooledConnection};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A longer request may have to wait until the host has read some of it.
const LONG: usize = 1 << 16;
/// How long one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A request that was not sent yet, or whose reply has not come.
///
/// Nothing here waits, but for `open` and, if `waits` says so, `send`.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct PendingCall {
    host: Py<HostClient>,
    request: Vec<u8>,
    options: CallOptions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<PooledConnection>,
    /// Why the last attempt failed, and when there is another.
    failure: Option<Error>,
    policy: Option<RetryPolicy>,
    is_closed: bool,
}

#[pymethods]
impl PendingCall {
    /// Take a connection that is free, to a host that needs no announcement first; whether there
    /// was one.
    fn take_free(&self) -> bool {
        let Some(free) = self.host.get().connections().free_connection() else { return false };
        self.keep(free);
        true
    }

    /// Connect anew, with the announcement that the host needs; whether it is done. It cannot be
    /// interrupted, so the wait for a slow host ends after a while: then it is to be called again.
    fn open(&self, py: Python<'_>) -> PyResult<bool> {
        let connections = self.host.get().connections();
        let until = Some(Instant::now() + ATTEMPT);
        match py.detach(|| connections.connection(&mut Deadline::until(until))) {
            Ok(connection) => self.keep(connection),
            Err(Error::TimedOut) => return Ok(false),
            Err(error) => return Err(self.failed(error)),
        }
        Ok(true)
    }

    /// The seconds after which the request may be sent again that has just failed; None if it may
    /// not, and the failure is the caller's.
    fn retry_pause(&self) -> Option<f64> {
        let mut state = self.state();
        let failure = state.failure.take()?;
        let policy =
            state.policy.get_or_insert_with(|| self.host.get().connections().retry_policy(self.options));
        // The event loop watches the time.
        match policy.after(&failure, None) {
            Retry::Now => Some(0.0),
            Retry::After(pause) => Some(pause.as_secs_f64()),
            Retry::TimedOut | Retry::GiveUp => None,
        }
    }

    /// The longest wait for the reply, in seconds; None for as long as the host lives.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.options.timeout.map(|timeout| timeout.as_secs_f64())
    }

    /// Whether `send` may wait for the host: the request is long, or more is asked with it.
    #[getter]
    fn waits(&self) -> bool {
        let asks = self.state().connection.as_ref().is_some_and(|connection| connection.next_send_waits());
        asks || self.request.len() > LONG
    }

    /// Send the request.
    fn send(&self, py: Python<'_>) -> PyResult<()> {
        // Not locked meanwhile: an event loop that gives the call up must not wait for a host.
        let mut connection = self.state().connection.take().ok_or_else(not_connected)?;
        let sent = py.detach(|| connection.send(&self.request, None));
        sent.map_err(|error| self.failed(error))?;
        self.keep(connection);
        Ok(())
    }

    /// The descriptor that becomes readable when something has come.
    fn fileno(&self) -> PyResult<RawFd> {
        let state = self.state();
        state.connection.as_ref().map(|connection| connection.as_fd().as_raw_fd()).ok_or_else(not_connected)
    }

    /// Whether the reply is there. As long as it is not, the descriptor becomes readable with
    /// whatever comes.
    fn arrived(&self) -> PyResult<bool> {
        let read = match &mut self.state().connection {
            Some(connection) => connection.try_read(),
            None => return Err(not_connected()),
        };
        read.map_err(|error| self.failed(error))
    }

    /// The same, but spin for some microseconds: most replies do not take longer.
    fn spin(&self, py: Python<'_>) -> PyResult<bool> {
        // Not locked meanwhile, as above; and a child that is forked has it, too.
        let mut connection = self.state().connection.take().ok_or_else(not_connected)?;
        let spun = py.detach(|| connection.spin());
        let has_come = spun.map_err(|error| self.failed(error))?;
        self.keep(connection);
        Ok(has_come)
    }

    /// The result in the reply. The connection is free for other calls then.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Outside the lock: reading a value may run anything.
        let connection = self.state().connection.take().ok_or_else(not_connected)?;
        let given = reply::read(py, connection.message(), connection.incarnation());
        self.host.get().connections().finish(connection);
        given
    }

    /// Give the call up, which tells the host; nothing is done if it has ended.
    fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let connection = state.connection.take();
        drop(state);
        drop(connection);
    }
}

impl PendingCall {
    pub(super) fn new(host: Py<HostClient>, request: Vec<u8>, options: CallOptions) -> Self {
        Self { host, request, options, state: Mutex::default() }
    }

    /// Keeps a connection, unless the call was given up meanwhile.
    fn keep(&self, connection: PooledConnection) {
        let mut state = self.state();
        if !state.is_closed {
            state.connection = Some(connection);
        }
    }

    /// Notes that an attempt has failed, and returns the exception for it.
    fn failed(&self, error: Error) -> PyErr {
        let mut state = self.state();
        let last =
            state.policy.as_ref().map_or_else(|| error.clone(), |policy| policy.last_error(error.clone()));
        state.failure = Some(error);
        drop(state);
        raise::transport(&last)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn not_connected() -> PyErr {
    PyRuntimeError::new_err("this call has no connection: it was not begun, or has ended")
}
