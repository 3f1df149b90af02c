//! What a caller does whose host has died, and may be started again.

use sharevar_transport::Error;
use std::time::{Duration, Instant};

/// How often a request is sent anew that the host has certainly not read. Each time one dead
/// connection more is used up, of those that were kept; a new one that fails says so.
pub const TRIES: usize = 20;
/// For how long a host is waited for that is started again when it dies.
pub const LIMIT: Duration = Duration::from_secs(10);
/// The same when its socket has no name any more, as after a shutdown. One that is started again
/// goes without for a moment only.
pub const LIMIT_WITHOUT_NAME: Duration = Duration::from_millis(250);
/// Nobody tells that it is there. It is looked for so often.
const PAUSE: Duration = Duration::from_millis(2);

/// The error number of a name that is not there.
const NO_ENTRY: i32 = 2;

/// How much of it is left for one request.
#[derive(Debug)]
pub struct Patience {
    /// Whether the host is started again when it dies.
    restarts: bool,
    tries: usize,
    /// Since when there is no host.
    since: Option<Instant>,
    /// Since when there is no socket of that name.
    without_name: Option<Instant>,
}

/// What to do with a request that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send it again: the host has certainly not read it.
    Again,
    /// The same, after a pause.
    Later(Duration),
    /// Give up: its time is over.
    TimedOut,
    /// Give up, for what has happened.
    GiveUp,
}

impl Patience {
    /// For a request to a host that is started again when it dies, or to one that is not.
    pub fn new(restarts: bool) -> Self {
        Self { restarts, tries: 0, since: None, without_name: None }
    }

    /// What to do after `error`, with the request's time up to `until`.
    #[cold]
    pub fn after(&mut self, error: &Error, until: Option<Instant>) -> Next {
        let may_come = match error {
            Error::Gone { started: false } if self.tries < TRIES => {
                self.tries += 1;
                return Next::Again;
            }
            // One that dies while it is connected to is taken for none of ours.
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
            return Next::GiveUp;
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Next::TimedOut;
        }
        Next::Later(PAUSE)
    }
}
