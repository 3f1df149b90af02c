//! Waiting for other threads and processes. A wait that never ends fails the test.

use std::time::{Duration, Instant};

/// Less than a test has, so that it says what did not come.
pub(crate) const AT_MOST: Duration = Duration::from_secs(50);

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < AT_MOST, "{what} never came");
        std::thread::yield_now();
    }
}

/// Waits for something that is there in the end.
pub(crate) fn until_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    until(what, || {
        found = look();
        found.is_some()
    });
    found.unwrap()
}
