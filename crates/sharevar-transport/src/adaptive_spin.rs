//! How long a thread spins for a message before it sleeps.
//!
//! A wake-up costs tens of microseconds; one more poll costs a system call of less than one. So a
//! waiter spins first, and yields the processor between two polls. The budget of a connection is
//! halved after each spin in vain.
//!
//! A thread that gets the processor by such a yield may run for milliseconds, whatever arrives
//! meanwhile; a sleeping waiter is woken at once, however busy the machine is. So after a yield that
//! took long, no thread of this process spins for ten times as long. Finding out whether the machine
//! is still busy takes a tenth of the time at most.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

/// The longest spin: the cost of a slow wake-up.
const LONGEST: Duration = Duration::from_micros(50);
/// The shortest spin. It is not zero, so that a connection which became fast is noticed.
const SHORTEST: Duration = Duration::from_micros(2);
/// A yield that takes longer has given the processor to a thread that neither sleeps nor spins and
/// yields in its turn.
const LONG_YIELD: Duration = Duration::from_millis(1);
/// The back-off after a long yield, in multiples of the time that the yield took.
const BACKOFF_FACTOR: u32 = 10;

static IS_UNIPROCESSOR: LazyLock<bool> =
    LazyLock::new(|| available_parallelism().map_or(1, NonZero::get) == 1);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// The end of the back-off, in nanoseconds since `START`.
static BACKOFF_UNTIL: AtomicU64 = AtomicU64::new(0);

fn is_backing_off(now: Instant) -> bool {
    ((now - *START).as_nanos() as u64) < BACKOFF_UNTIL.load(Ordering::Relaxed)
}

#[cold]
fn back_off(now: Instant, took: Duration) {
    let until = now - *START + took * BACKOFF_FACTOR;
    BACKOFF_UNTIL.fetch_max(until.as_nanos() as u64, Ordering::Relaxed);
}

/// How long it pays to spin on one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpinBudget {
    limit: Duration,
}

impl Default for SpinBudget {
    fn default() -> Self {
        Self { limit: LONGEST }
    }
}

impl SpinBudget {
    /// Polls until something is found or the budget is spent.
    pub(crate) fn spin<T>(&mut self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        self.spin_yielding_by(yield_now, poll)
    }

    fn spin_yielding_by<T>(
        &mut self,
        yield_processor: impl Fn(),
        mut poll: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(found) = poll() {
            return Some(found);
        }
        if *IS_UNIPROCESSOR {
            return None;
        }
        let begin = Instant::now();
        if is_backing_off(begin) {
            return None;
        }
        let mut yielded = begin;
        loop {
            yield_processor();
            let found = poll();
            let now = Instant::now();
            if now - yielded > LONG_YIELD {
                back_off(now, now - yielded);
                return found;
            }
            if found.is_some() {
                self.limit = LONGEST;
                return found;
            }
            if now - begin > self.limit {
                self.limit = (self.limit / 2).max(SHORTEST);
                return None;
            }
            yielded = now;
        }
    }

    /// Notes how long a message took that was slept for. If a longer spin would have found it, the
    /// next one is as long as possible.
    pub(crate) fn learn(&mut self, took: Duration) {
        if took < LONGEST {
            self.limit = LONGEST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::thread::sleep;

    /// How often a spin that finds nothing yields the processor, if each yield `takes` so long.
    fn yields(spin_budget: &mut SpinBudget, takes: Duration) -> u32 {
        let yields = Cell::new(0);
        let yield_processor = || {
            yields.set(yields.get() + 1);
            sleep(takes);
        };
        assert_eq!(spin_budget.spin_yielding_by(yield_processor, || None::<()>), None);
        yields.get()
    }

    #[test]
    fn no_thread_spins_after_a_long_yield() {
        if *IS_UNIPROCESSOR {
            return;
        }
        let mut spin_budget = SpinBudget::default();
        // On a busy machine a yield before may have been long, and the process backs off already.
        let begin = Instant::now();
        let yielded = loop {
            match yields(&mut spin_budget, Duration::from_millis(500)) {
                0 => assert!(begin.elapsed() < Duration::from_secs(50), "the back-off does not end"),
                yielded => break yielded,
            }
            sleep(Duration::from_millis(10));
        };
        // From now on the process backs off for seconds, on all connections.
        assert_eq!(yielded, 1);
        assert_eq!(yields(&mut spin_budget, Duration::ZERO), 0);
        assert_eq!(yields(&mut SpinBudget::default(), Duration::ZERO), 0);
    }
}
