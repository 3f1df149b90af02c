//! The caller whose call a thread of the host serves.

use pyo3::prelude::*;
use sharevar_transport::Caller;
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, RawFd};

thread_local! {
    static DESCRIPTOR: Cell<Option<RawFd>> = const { Cell::new(None) };
}

/// The descriptor of the connection whose call this thread serves. Until the call ends it can be
/// polled for the disconnection of the caller, and for nothing else.
#[pyfunction]
pub(crate) fn caller_descriptor() -> Option<RawFd> {
    DESCRIPTOR.get()
}

/// Runs a method of the user's, which can find out about its caller.
#[inline]
pub(super) fn serving<R>(caller: &Caller<'_>, method: impl FnOnce() -> R) -> R {
    DESCRIPTOR.set(Some(caller.as_fd().as_raw_fd()));
    // A panic in the extension passes through the method, and ends the call as well.
    let _ends = EndsCall;
    method()
}

struct EndsCall;

impl Drop for EndsCall {
    fn drop(&mut self) {
        DESCRIPTOR.set(None);
    }
}
