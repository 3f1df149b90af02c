//! Whose call a thread of the host serves.

use pyo3::prelude::*;
use sharevar_transport::Caller;
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, RawFd};

thread_local! {
    static DESCRIPTOR: Cell<Option<RawFd>> = const { Cell::new(None) };
}

/// The descriptor of the connection whose call this thread serves. Until the call ends it can be
/// looked at for whether the caller has hung up, and for nothing else.
#[pyfunction]
pub(crate) fn caller_descriptor() -> Option<RawFd> {
    DESCRIPTOR.get()
}

/// Runs a method of the user's, which can find out about its caller.
#[inline]
pub(super) fn serving<R>(caller: &Caller<'_>, method: impl FnOnce() -> R) -> R {
    DESCRIPTOR.set(Some(caller.as_fd().as_raw_fd()));
    // A method never unwinds: what it raises is a result.
    let result = method();
    DESCRIPTOR.set(None);
    result
}
