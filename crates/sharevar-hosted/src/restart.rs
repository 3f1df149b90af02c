//! How often, and after which pause, a host that has ended is started again.

use sharevar_transport::{Address, remove_socket};
use std::time::Duration;

/// The most starts in a row that give no host which serves a call.
const TRIES: u32 = 6;
/// The first pause between them, which doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// The starts of a supervised host so far.
#[derive(Debug, Default)]
pub struct RestartPolicy {
    /// The last ones, in a row, that gave no host which served a call.
    failures: u32,
}

impl RestartPolicy {
    /// Returns how long to wait before the next start, or none if there is to be no other. The host
    /// has ended, and `has_served` a call; or it could not be started.
    pub fn next_pause(&mut self, has_served: bool) -> Option<Duration> {
        self.failures = if has_served { 0 } else { self.failures + 1 };
        match self.failures {
            0 | 1 => Some(Duration::ZERO),
            TRIES.. => None,
            failures => Some(PAUSE * 2_u32.pow(failures)),
        }
    }
}

/// Lets the callers that wait for a next host learn that there will be none, and returns the report
/// of it. `last` is how the last host ended.
pub fn give_up(address: &Address, last: &str) -> String {
    if let Address::Unix(path) = address {
        // The host may have removed it.
        remove_socket(path);
    }
    format!(
        "sharevar: the host at {address} has died {TRIES} times in a row before it served a call, the \
         last time with {last}, and is not started again"
    )
}
