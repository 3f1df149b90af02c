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
/// Nothing here waits but `send_waiting`, which is for a thread.
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
    /// Send the request on a connection that is free, to a host that needs no announcement first; false
    /// if there is none, or if sending may wait: then `send_waiting` does it.
    fn send(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(free) = self.host.get().connections().free_connection() else { return Ok(false) };
        if self.request.len() > LONG || free.next_send_waits() {
            free.release();
            return Ok(false);
        }
        self.send_on(py, free)?;
        Ok(true)
    }

    /// Send the request, however long that takes, on a new connection if none is free. Connecting cannot
    /// be interrupted, so the wait for a slow host ends after a while: false, and it is to be called again.
    fn send_waiting(&self, py: Python<'_>) -> PyResult<bool> {
        let connections = self.host.get().connections();
        let until = Some(Instant::now() + ATTEMPT);
        match py.detach(|| connections.connection(&mut Deadline::until(until))) {
            Ok(connection) => self.send_on(py, connection)?,
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

    /// The descriptor that becomes readable when something has come.
    fn fileno(&self) -> PyResult<RawFd> {
        let state = self.state();
        state.connection.as_ref().map(|connection| connection.as_fd().as_raw_fd()).ok_or_else(not_connected)
    }

    /// Whether the reply is there, after spinning for some microseconds: most replies do not take longer.
    /// As long as it is not, the descriptor becomes readable with whatever comes.
    fn arrived(&self, py: Python<'_>) -> PyResult<bool> {
        // Not locked meanwhile, as in `send_on`; and a child that is forked has it, too.
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
        reply::read(py, &self.host.get().connections(), connection)
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

    fn send_on(&self, py: Python<'_>, mut connection: PooledConnection) -> PyResult<()> {
        if self.state().is_closed {
            return Err(not_connected());
        }
        // Not locked meanwhile: an event loop that gives the call up must not wait for a host.
        let sent = py.detach(|| connection.send(&self.request, None));
        sent.map_err(|error| self.failed(error))?;
        self.keep(connection);
        Ok(())
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
