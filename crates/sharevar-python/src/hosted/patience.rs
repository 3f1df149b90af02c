//! What a caller does while his host is dead and may be started again.

use super::raise;
use pyo3::prelude::*;
use sharevar_transport::Error;
use std::time::{Duration, Instant};

/// How often a request is sent anew that the host has certainly not read. Each time one dead
/// connection more is used up, of those that were kept; a new one that fails says so.
pub(super) const TRIES: usize = 20;
/// For how long a host is waited for that is started again when it dies.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// The same when its socket has no name any more, as after a shutdown. One that is started again
/// goes without for a moment only.
pub(super) const LIMIT_WITHOUT_NAME: Duration = Duration::from_millis(250);
/// Nobody tells that it is there. It is looked for so often.
const PAUSE: Duration = Duration::from_millis(2);

/// The error number of a name that is not there.
const NO_ENTRY: i32 = 2;

/// How much of it is left for one request.
pub(super) struct Patience {
    /// Whether the host is started again when it dies.
    restarts: bool,
    tries: usize,
    /// Since when there is no host.
    since: Option<Instant>,
    /// Since when there is no socket of that name.
    without_name: Option<Instant>,
}

impl Patience {
    pub(super) fn new(restarts: bool) -> Self {
        Self { restarts, tries: 0, since: None, without_name: None }
    }

    /// The request was not answered. It raises unless the request may be sent again: the host has
    /// certainly not read it, and there may be another host now.
    #[cold]
    pub(super) fn after(&mut self, py: Python<'_>, error: &Error, until: Option<Instant>) -> PyResult<()> {
        let may_come = match error {
            Error::Gone { started: false } if self.tries < TRIES => {
                self.tries += 1;
                return Ok(());
            }
            // One that dies while it is connected to is taken for none of ours.
            Error::Gone { started: false } | Error::Unreachable { .. } | Error::NotAHost { .. } => {
                self.restarts
            }
            _ => false,
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        let has_no_name = matches!(error, Error::Unreachable { code: Some(NO_ENTRY), .. });
        let without_name = has_no_name.then(|| *self.without_name.get_or_insert_with(Instant::now));
        self.without_name = without_name;
        let is_over =
            since.elapsed() > LIMIT || without_name.is_some_and(|since| since.elapsed() > LIMIT_WITHOUT_NAME);
        if !may_come || is_over {
            return Err(raise::transport(error));
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Err(raise::transport(&Error::TimedOut));
        }
        py.detach(|| std::thread::sleep(PAUSE));
        py.check_signals()
    }
}
