//! Waiting for other processes, for a bounded time.

use std::time::{Duration, Instant};

/// Pauses that grow from attempt to attempt.
#[derive(Debug)]
pub(crate) struct Pauses {
    deadline: Instant,
    next: Duration,
}

const FIRST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(2);

impl Pauses {
    pub(crate) fn within(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, next: FIRST }
    }

    /// Waits a moment. Gives back `false` when the time is over.
    pub(crate) fn pause(&mut self) -> bool {
        if Instant::now() >= self.deadline {
            return false;
        }
        std::thread::sleep(self.next);
        // Not twice as long for each of two that gave way to each other.
        self.next = (self.next * 2).min(LONGEST).mul_f64(0.5 + random() / 2.0);
        true
    }
}

/// A number from 0 to 1.
pub(crate) fn random() -> f64 {
    let mut random = [0; 4];
    // Without it both wait equally long, and the deadline ends that.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX)
}
