//! Waiting for the other side.

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// For how long: until a time, and for as long as who is asked at each signal says so.
///
/// Without a time it is for as long as the other side lives, however slow it is. That it is gone
/// the kernel says.
#[derive(Default)]
pub(crate) struct Limits<'a> {
    until: Option<Instant>,
    goes_on: Option<&'a mut dyn FnMut() -> bool>,
}

impl<'a> Limits<'a> {
    pub(crate) fn new(until: Option<Instant>, goes_on: &'a mut dyn FnMut() -> bool) -> Self {
        Self { until, goes_on: Some(goes_on) }
    }

    /// Until a time, whatever signals come.
    pub(crate) fn until(until: Option<Instant>) -> Self {
        Self { until, goes_on: None }
    }

    /// For no time at all.
    pub(crate) fn at_once() -> Self {
        Self::until(Some(Instant::now()))
    }

    /// The same, but not after `end`.
    pub(crate) fn at_most(&mut self, end: Instant) -> Limits<'_> {
        Limits {
            until: Some(self.until.map_or(end, |until| until.min(end))),
            goes_on: match &mut self.goes_on {
                Some(goes_on) => Some(&mut **goes_on),
                None => None,
            },
        }
    }

    /// What is left of the time, if it has an end.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Whether to go on after a signal.
    pub(crate) fn go_on(&mut self) -> bool {
        self.goes_on.as_mut().is_none_or(|goes_on| goes_on())
    }

    /// Waits until `events` come. It may end sooner, at a signal.
    pub(crate) fn wait(&mut self, descriptor: BorrowedFd<'_>, events: PollFlags) -> Result<()> {
        match wait(descriptor, events, self.until) {
            Err(Error::Interrupted) if self.go_on() => Ok(()),
            waited => waited,
        }
    }
}

/// Waits until `events` come, or `until`.
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
