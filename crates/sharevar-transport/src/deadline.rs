//! Waiting for the other side until a deadline.

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// When a wait ends: at a time, or when a signal comes and `goes_on` returns `false`.
///
/// Without a time, a wait lasts for as long as the other side lives, however slow it is. The kernel
/// reports the end of the other side.
#[derive(Default)]
pub(crate) struct Deadline<'a> {
    until: Option<Instant>,
    goes_on: Option<&'a mut dyn FnMut() -> bool>,
}

impl<'a> Deadline<'a> {
    pub(crate) fn new(until: Option<Instant>, goes_on: &'a mut dyn FnMut() -> bool) -> Self {
        Self { until, goes_on: Some(goes_on) }
    }

    /// A deadline at a time. Signals do not end the wait.
    pub(crate) fn until(until: Option<Instant>) -> Self {
        Self { until, goes_on: None }
    }

    /// A deadline that has passed already: nothing is waited for.
    pub(crate) fn passed() -> Self {
        Self::until(Some(Instant::now()))
    }

    /// The earlier of this deadline and `end`.
    pub(crate) fn at_most(&mut self, end: Instant) -> Deadline<'_> {
        Deadline {
            until: Some(self.until.map_or(end, |until| until.min(end))),
            goes_on: match &mut self.goes_on {
                Some(goes_on) => Some(&mut **goes_on),
                None => None,
            },
        }
    }

    /// The time that is left; `None` without a time limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Whether the wait continues after a signal.
    pub(crate) fn continues(&mut self) -> bool {
        self.goes_on.as_mut().is_none_or(|goes_on| goes_on())
    }

    /// Waits until `events` come. It may return early, after a signal.
    pub(crate) fn wait(&mut self, descriptor: BorrowedFd<'_>, events: PollFlags) -> Result<()> {
        match wait(descriptor, events, self.until) {
            Err(Error::Interrupted) if self.continues() => Ok(()),
            waited => waited,
        }
    }
}

/// Waits until `events` come. [`Error::TimedOut`] after `until`.
pub(crate) fn wait(descriptor: BorrowedFd<'_>, events: PollFlags, until: Option<Instant>) -> Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(descriptor, events)];
    let limit = match until.map(|until| until.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => return Err(Error::TimedOut),
        Some(left) => Some(
            Timespec::try_from(left)
                .map_err(|_| Error::Io { what: "cannot wait", cause: "too long".into() })?,
        ),
        None => None,
    };
    match poll(&mut fds, limit.as_ref()) {
        Ok(0) => Err(Error::TimedOut),
        Ok(_) => Ok(()),
        Err(Errno::INTR) => Err(Error::Interrupted),
        Err(error) => Err(Error::io("cannot wait for a connection")(error.into())),
    }
}
