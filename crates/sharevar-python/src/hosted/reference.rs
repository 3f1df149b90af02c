//! An object of the host in a reply.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// An object of a host, as a reply names it. The caller's session holds one reference with it,
/// unless it is the object that was asked.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct HostedReference {
    /// Its number; None for the object that was asked itself.
    #[pyo3(get)]
    pub(super) object: Option<u64>,
    /// The name that its type is registered by; None for the items of an iterator.
    #[pyo3(get)]
    pub(super) typeid: Option<String>,
    /// The incarnation of the host, which has counted the reference.
    #[pyo3(get)]
    pub(super) incarnation: u128,
    /// The names that can be called.
    #[pyo3(get)]
    pub(super) exposed: Py<PyTuple>,
}

impl HostedReference {
    /// The items of an iterator, or the object that was asked itself.
    pub(super) fn untyped(py: Python<'_>, object: Option<u64>, incarnation: u128) -> Self {
        Self { object, typeid: None, incarnation, exposed: PyTuple::empty(py).unbind() }
    }
}
