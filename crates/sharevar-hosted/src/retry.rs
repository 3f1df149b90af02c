//! The decision to send a request again whose host has died and may be started again.

use super::options::{CallOptions, Repetition};
use sharevar_transport::Error;
use std::time::{Duration, Instant};

/// The most times that a request is sent again which the host has certainly not read. Each time uses
/// up one more dead connection of the pool; a new connection that fails is another error.
const TRIES: usize = 20;
/// The longest wait for a host that is started again when it dies.
const LIMIT: Duration = Duration::from_secs(10);
/// The same when its socket has no name any more, as after a shutdown. A host that is started again
/// lacks it for a moment only, unless the machine has no time for it just then.
const LIMIT_WITHOUT_NAME: Duration = Duration::from_secs(1);
/// The pause between attempts to connect: no message reports that the next host is there.
const PAUSE: Duration = Duration::from_millis(2);

/// The error number of a name that is not there.
const NO_ENTRY: i32 = 2;

/// The attempts of one request so far.
#[derive(Debug)]
pub struct RetryPolicy {
    /// Whether the host is started again when it dies.
    restarts: bool,
    /// Whether a request that a dead host may have read is sent again.
    may_repeat: bool,
    /// Whether a dead host may have read the request.
    has_started: bool,
    tries: usize,
    /// The time of the first failure to reach the host.
    since: Option<Instant>,
    /// The time of the first failure of the last row for want of a socket of that name.
    without_name: Option<Instant>,
}

/// The next step for a request that has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Send it again: the host has certainly not read it, or the call may be carried out twice.
    Now,
    /// The same, after a pause.
    After(Duration),
    /// Give up: its time is over.
    TimedOut,
    /// Give up, with the error that has happened.
    GiveUp,
}

impl RetryPolicy {
    /// Makes the policy for one request. `restarts`: the host is started again when it dies.
    #[inline]
    pub fn new(restarts: bool, options: CallOptions) -> Self {
        let may_repeat = options.repetition == Repetition::Once;
        Self { restarts, may_repeat, has_started: false, tries: 0, since: None, without_name: None }
    }

    /// Returns the error of a request that is given up after `error`: an earlier attempt may have been
    /// carried out.
    pub fn last_error(&self, error: Error) -> Error {
        match error {
            Error::Gone { .. } | Error::Unreachable { .. } | Error::NotAHost { .. } if self.has_started => {
                Error::Gone { started: true }
            }
            error => error,
        }
    }

    /// Returns what to do after `error`, with the request's time up to `until`.
    #[cold]
    pub fn after(&mut self, error: &Error, until: Option<Instant>) -> Retry {
        let may_come = match error {
            Error::Gone { started: false } if self.tries < TRIES => {
                self.tries += 1;
                return Retry::Now;
            }
            Error::Gone { started: true } if self.may_repeat => {
                (self.may_repeat, self.has_started) = (false, true);
                return Retry::Now;
            }
            // A host that dies during the handshake looks like another server.
            Error::Gone { started: false } | Error::Unreachable { .. } | Error::NotAHost { .. } => {
                self.restarts
            }
            _ => false,
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        let has_no_name = matches!(error, Error::Unreachable { code: Some(NO_ENTRY), .. });
        self.without_name = has_no_name.then(|| *self.without_name.get_or_insert_with(Instant::now));
        let is_over = since.elapsed() > LIMIT
            || self.without_name.is_some_and(|since| since.elapsed() > LIMIT_WITHOUT_NAME);
        if !may_come || is_over {
            return Retry::GiveUp;
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Retry::TimedOut;
        }
        Retry::After(PAUSE)
    }
}
