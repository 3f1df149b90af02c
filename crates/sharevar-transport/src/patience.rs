//! How long to look for a message before sleeping.
//!
//! Being woken costs tens of microseconds; looking again costs a system call of less than one.
//! So whoever waits looks for a while first, as long as that pays: the processor is offered to
//! others between two looks, and who has looked in vain looks for half as long the next time.
//!
//! Who accepts the offer and does not sleep keeps the processor for milliseconds, whatever comes
//! meanwhile; who sleeps is woken at once, whoever else is busy. So after an offer that was
//! accepted for long nobody in this process looks, for ten times as long: however busy the machine
//! is, finding out whether it still is takes a tenth of the time.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

/// The longest time to look: what being woken costs on a slow day.
const LONGEST: Duration = Duration::from_micros(50);
/// The shortest time, by which it is found out whether longer would pay again.
const SHORTEST: Duration = Duration::from_micros(2);
/// An offer that is accepted for longer has gone to somebody who does not sleep, nor looks himself
/// and offers the processor in his turn.
const ACCEPTED: Duration = Duration::from_millis(1);
/// For how many times as long nobody looks then.
const REST: u32 = 10;

static ALONE: LazyLock<bool> = LazyLock::new(|| available_parallelism().map_or(1, NonZero::get) == 1);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Until when nobody looks, in nanoseconds from the start.
static RESTS_UNTIL: AtomicU64 = AtomicU64::new(0);

fn rests(now: Instant) -> bool {
    ((now - *START).as_nanos() as u64) < RESTS_UNTIL.load(Ordering::Relaxed)
}

#[cold]
fn rest(now: Instant, took: Duration) {
    let until = now - *START + took * REST;
    RESTS_UNTIL.fetch_max(until.as_nanos() as u64, Ordering::Relaxed);
}

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
    pub(crate) fn look<T>(&mut self, look: impl FnMut() -> Option<T>) -> Option<T> {
        self.look_between(yield_now, look)
    }

    fn look_between<T>(&mut self, offer: impl Fn(), mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(found) = look() {
            return Some(found);
        }
        if *ALONE {
            return None;
        }
        let begin = Instant::now();
        if rests(begin) {
            return None;
        }
        let mut offered = begin;
        loop {
            offer();
            let found = look();
            let now = Instant::now();
            if now - offered > ACCEPTED {
                rest(now, now - offered);
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
            offered = now;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::thread::sleep;

    /// How often the processor is offered in a look that finds nothing.
    fn offers(patience: &mut Patience, takes: Duration) -> u32 {
        let offers = Cell::new(0);
        let offer = || {
            offers.set(offers.get() + 1);
            sleep(takes);
        };
        assert_eq!(patience.look_between(offer, || None::<()>), None);
        offers.get()
    }

    #[test]
    fn nobody_looks_after_an_offer_that_was_accepted_for_long() {
        if *ALONE {
            return;
        }
        let mut patience = Patience::default();
        // On a busy machine the first offers may be accepted for long, and it rests already.
        let begin = Instant::now();
        let offered = loop {
            match offers(&mut patience, Duration::from_millis(500)) {
                0 => assert!(begin.elapsed() < Duration::from_secs(50), "it rests for ever"),
                offered => break offered,
            }
            sleep(Duration::from_millis(10));
        };
        // It rests for seconds then, whichever connection it is.
        assert_eq!(offered, 1);
        assert_eq!(offers(&mut patience, Duration::ZERO), 0);
        assert_eq!(offers(&mut Patience::default(), Duration::ZERO), 0);
    }
}
