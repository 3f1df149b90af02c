//! Reasons why there is no number.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// An error of a library, as a text.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// Describes an error in one line. Some errors have a `Debug` alone.
pub fn describe(error: impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take(120).collect()
}

/// Runs `work`; a panic of one library must not end the measurement of the others.
pub fn catch<R>(work: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        text.chars().take(120).collect()
    })
}
