//! The object of the tests.

use sharevar::hosted::{Callback, Caller, Stream};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many callers of this process's tills wait, and how many have gone.
pub(crate) static WAITING: AtomicU64 = AtomicU64::new(0);
pub(crate) static GONE: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
pub(crate) struct Till(i64);

#[sharevar::hosted]
impl Till {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }

    pub fn sum(&self) -> i64 {
        self.0
    }

    #[allow(clippy::unused_self)] // Callers have it.
    pub fn echo(&self, text: String) -> String {
        text
    }

    #[allow(clippy::unused_self)]
    pub fn numbers(&self, end: i64) -> Stream<i64> {
        Stream::new(0..end)
    }

    /// Has a function of its caller's called.
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    pub fn ask(&self, function: Callback<i64, i64>) -> Option<i64> {
        function.call(20).ok()
    }

    /// Waits until its caller is gone.
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    pub fn wait(&self, caller: Caller<'_>) {
        WAITING.fetch_add(1, Ordering::SeqCst);
        while !caller.is_disconnected() {
            std::thread::yield_now();
        }
        GONE.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts, and ends the process.
    pub fn die(&mut self) {
        std::process::abort();
    }
}
