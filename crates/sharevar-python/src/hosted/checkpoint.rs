//! The methods of Python's checkpoint that the extension calls, each with its types.

use pyo3::intern;
use pyo3::prelude::*;
use sharevar_transport::Session;

/// A `sharevar._hosting.checkpoint.Checkpoint`.
pub(super) struct Checkpoint(pub(super) Py<PyAny>);

impl Checkpoint {
    /// Notes that a client holds an object that comes back.
    pub(super) fn note_holder(&self, py: Python<'_>, session: Session, process: Option<u32>) -> PyResult<()> {
        self.0.bind(py).call_method1(intern!(py, "note_holder"), (session.0, process)).map(drop)
    }

    /// Notes that a client has announced all that it holds.
    pub(super) fn session_declared(&self, py: Python<'_>, session: Session) -> PyResult<()> {
        self.0.bind(py).call_method1(intern!(py, "session_declared"), (session.0,)).map(drop)
    }

    /// Notes that a client has ended.
    pub(super) fn session_ended(&self, py: Python<'_>, session: Session) -> PyResult<()> {
        self.0.bind(py).call_method1(intern!(py, "session_ended"), (session.0,)).map(drop)
    }
}

/// A `sharevar._hosting.checkpoint.Record`, the entry of an object in the checkpoint.
pub(super) struct Record(pub(super) Py<PyAny>);

impl Record {
    /// Saves the object after a call, which may have raised.
    #[inline]
    pub(super) fn served(&self, py: Python<'_>, raised: Option<&PyErr>) -> PyResult<()> {
        let raised = raised.map(|error| error.value(py));
        self.0.bind(py).call_method1(intern!(py, "served"), (raised,)).map(drop)
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self(self.0.clone_ref(py))
    }
}
