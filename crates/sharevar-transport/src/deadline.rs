//! Waiting for the other side until a deadline.

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// How long a wait sleeps that a signal may end, until it asks again. One that comes just before the sleep, or
/// to another thread, interrupts nothing.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// When a wait ends: at a time, with [`Error::TimedOut`], or when a signal comes and `goes_on`
/// returns `false`, with [`Error::Interrupted`].
///
/// Without a time, a wait lasts for as long as the other side lives, however slow it is. The kernel
/// reports the end of the other side.
#[derive(Default)]
pub struct Deadline<'a> {
    until: Option<Instant>,
    goes_on: Option<&'a mut dyn FnMut() -> bool>,
}

impl<'a> Deadline<'a> {
    /// A deadline at a time, if there is one. `goes_on` is called at each signal, and each second.
    pub fn new(until: Option<Instant>, goes_on: &'a mut dyn FnMut() -> bool) -> Self {
        Self { until, goes_on: Some(goes_on) }
    }

    /// A deadline at a time. Signals do not end the wait.
    pub fn until(until: Option<Instant>) -> Self {
        Self { until, goes_on: None }
    }

    /// A deadline that has passed already: nothing is waited for.
    pub fn passed() -> Self {
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

    /// The time at which it ends, if it does.
    pub fn end(&self) -> Option<Instant> {
        self.until
    }

    /// The time that is left; `None` without a time limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// How long to sleep until the next look for signals; `None` without an end.
    pub(crate) fn longest_sleep(&self) -> Option<Duration> {
        if self.goes_on.is_none() {
            return self.left();
        }
        Some(self.left().map_or(LONGEST_SLEEP, |left| left.min(LONGEST_SLEEP)))
    }

    /// Whether the wait continues after a signal.
    pub fn continues(&mut self) -> bool {
        self.goes_on.as_mut().is_none_or(|goes_on| goes_on())
    }

    /// Waits until `events` come. It may return early.
    pub(crate) fn wait(&mut self, descriptor: BorrowedFd<'_>, events: PollFlags) -> Result<()> {
        match wait(descriptor, events, self.longest_sleep().map(|sleep| Instant::now() + sleep)) {
            Err(Error::TimedOut) if self.left().is_some_and(|left| left.is_zero()) => Err(Error::TimedOut),
            Err(Error::TimedOut | Error::Interrupted) if self.continues() => Ok(()),
            Err(Error::TimedOut) => Err(Error::Interrupted),
            waited => waited,
        }
    }
}

impl fmt::Debug for Deadline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline").field("until", &self.until).finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_signal_that_interrupts_no_sleep_ends_the_wait() {
        let (silent, _other) = UnixStream::pair().unwrap();
        let mut looks = 0;
        let mut goes_on = || {
            looks += 1;
            looks < 2
        };
        let mut deadline = Deadline::new(None, &mut goes_on);
        let mut wait = || deadline.wait(silent.as_fd(), PollFlags::IN);
        assert!(wait().is_ok());
        assert!(matches!(wait(), Err(Error::Interrupted)));
        let mut forever = || true;
        let mut soon = Deadline::new(Some(Instant::now() + Duration::from_millis(1)), &mut forever);
        assert!(matches!(soon.wait(silent.as_fd(), PollFlags::IN), Err(Error::TimedOut)));
    }
}
