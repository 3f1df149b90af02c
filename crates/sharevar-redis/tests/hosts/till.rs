//! The object of the tests.
#![allow(clippy::needless_pass_by_value, clippy::unused_self)] // Callers have both.

use sharevar::hosted::{Callback, Caller, Stream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many callers of this process's tills wait, and how many have gone.
pub(crate) static WAITING: AtomicU64 = AtomicU64::new(0);
pub(crate) static GONE: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
pub(crate) struct Till(i64, AtomicBool);

#[sharevar::hosted]
impl Till {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }

    /// The same, with a text that takes its time.
    pub fn add_with(&mut self, by: i64, text: String) -> usize {
        self.0 += by;
        text.len()
    }

    pub fn sum(&self) -> i64 {
        self.0
    }

    pub fn echo(&self, text: String) -> String {
        text
    }

    /// The number of callers that wait.
    pub fn waiting(&self) -> u64 {
        WAITING.load(Ordering::SeqCst)
    }

    /// Waits until the till is open. A text of that length.
    pub fn text_once_open(&self, length: usize) -> String {
        WAITING.fetch_add(1, Ordering::SeqCst);
        while !self.1.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        "x".repeat(length)
    }

    pub fn open(&self) {
        self.1.store(true, Ordering::SeqCst);
    }

    pub fn numbers(&self, end: i64) -> Stream<i64> {
        Stream::new(0..end)
    }

    /// Has a function of its caller's called.
    pub fn ask(&self, function: Callback<i64, i64>) -> Option<i64> {
        function.call(20).ok()
    }

    /// Waits until its caller is gone.
    pub fn wait(&self, caller: Caller<'_>) {
        WAITING.fetch_add(1, Ordering::SeqCst);
        while !caller.is_disconnected() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        GONE.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends the process.
    pub fn die(&mut self) {
        std::process::abort();
    }
}
