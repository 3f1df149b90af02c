//! Waiting, in Python, for a host that is started again.

use super::raise;
use pyo3::prelude::*;
use sharevar_hosted::retry::{Retry, RetryPolicy};
use sharevar_transport::Error;
use std::time::Instant;

/// Waits until a request that was not answered may be sent again. It raises if it may not.
#[cold]
pub(super) fn wait_to_retry(
    py: Python<'_>,
    policy: &mut RetryPolicy,
    error: &Error,
    until: Option<Instant>,
) -> PyResult<()> {
    match policy.after(error, until) {
        Retry::Now => Ok(()),
        Retry::After(pause) => {
            py.detach(|| std::thread::sleep(pause));
            py.check_signals()
        }
        Retry::TimedOut => Err(raise::transport(&Error::TimedOut)),
        Retry::GiveUp => Err(raise::transport(error)),
    }
}
