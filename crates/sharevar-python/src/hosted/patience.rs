//! Waiting, in Python, for a host that is started again.

use super::raise;
use pyo3::prelude::*;
use sharevar::hosted::patience::{Next, Patience};
use sharevar_transport::Error;
use std::time::Instant;

/// The request was not answered. It raises unless the request may be sent again.
#[cold]
pub(super) fn after(
    py: Python<'_>,
    patience: &mut Patience,
    error: &Error,
    until: Option<Instant>,
) -> PyResult<()> {
    match patience.after(error, until) {
        Next::Again => Ok(()),
        Next::Later(pause) => {
            py.detach(|| std::thread::sleep(pause));
            py.check_signals()
        }
        Next::TimedOut => Err(raise::transport(&Error::TimedOut)),
        Next::GiveUp => Err(raise::transport(error)),
    }
}
