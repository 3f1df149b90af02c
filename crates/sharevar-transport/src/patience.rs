//! How long to look for a message before sleeping.
//!
//! Being woken costs tens of microseconds; looking again costs a system call of less than one.
//! So whoever waits looks for a while first, as long as that pays: the processor is offered to
//! others between two looks, and who has looked in vain looks for half as long the next time.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

/// The longest time to look: what being woken costs on a slow day.
const LONGEST: Duration = Duration::from_micros(50);
/// The shortest time, by which it is found out whether longer would pay again.
const SHORTEST: Duration = Duration::from_micros(2);

static ALONE: LazyLock<bool> = LazyLock::new(|| available_parallelism().map_or(1, NonZero::get) == 1);

/// What was learnt about one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { limit: LONGEST }
    }
}

impl Patience {
    /// Looks until something is found or patience ends.
    pub(crate) fn look<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(found) = look() {
            return Some(found);
        }
        if *ALONE {
            return None;
        }
        let begin = Instant::now();
        loop {
            yield_now();
            if let Some(found) = look() {
                self.limit = LONGEST;
                return Some(found);
            }
            if begin.elapsed() > self.limit {
                self.limit = (self.limit / 2).max(SHORTEST);
                return None;
            }
        }
    }

    /// Learns how long it took in the end. If looking on would have found it, the next time is
    /// as long as can be.
    pub(crate) fn learn(&mut self, took: Duration) {
        if took < LONGEST {
            self.limit = LONGEST;
        }
    }
}
