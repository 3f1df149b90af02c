//! Waiting for a variable's state without the interpreter.
//!
//! Hazard 18: while detached from the interpreter a thread only waits; what it waits for is
//! taken by one try after re-attaching, with signals checked before it and never after, so
//! that neither Ctrl-C nor shutdown loses anything that was taken.

pub(crate) mod blocked;
pub(crate) mod greenlet;
pub(crate) mod long_lock;
pub(crate) mod own_lock;
pub(crate) mod timeout;

use crate::errors::{OrRaise, is_ours};
use pyo3::prelude::*;
use sharevar::engine::wait::Wait;
use sharevar::spin_pays;
use std::time::{Duration, Instant};

/// Looks at the state before the first sleep: about two microseconds.
const LOOKS: u32 = 20;
/// Of a greenlet, between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
/// Pauses between two looks.
const PAUSES: u32 = 16;

/// Returns what `wait` waits for, or `None` at the deadline `end`, if there is one.
#[cold]
pub(crate) fn until<T>(
    py: Python<'_>,
    wait: &mut (impl Wait<T> + ?Sized),
    end: Option<Instant>,
) -> PyResult<Option<T>> {
    if let Some(sleep) = greenlet::sleep(py)? {
        return until_in_greenlet(&sleep, wait, end);
    }
    for _ in 0..if spin_pays() { LOOKS } else { 0 } {
        if wait.is_ready()
            && let Some(done) = wait.attempt(false).or_raise()?
        {
            return Ok(Some(done));
        }
        for _ in 0..PAUSES {
            std::hint::spin_loop();
        }
    }
    loop {
        py.check_signals()?;
        if let Some(done) = wait.attempt(true).or_raise()? {
            return Ok(Some(done));
        }
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return wait.withdraw().or_raise();
        }
        py.detach(|| wait.sleep(left));
    }
}

/// Returns what `wait` waits for, however long that takes.
pub(crate) fn without_limit<T>(py: Python<'_>, wait: &mut (impl Wait<T> + ?Sized)) -> PyResult<T> {
    loop {
        if let Some(done) = until(py, wait, None)? {
            return Ok(done);
        }
    }
}

/// The same for a greenlet. A sleep of the thread would hold up the others in it, one of which may be
/// the one that ends the wait; so it looks again and again, and sleeps by their scheduler.
#[cold]
fn until_in_greenlet<T>(
    sleep: &Bound<'_, PyAny>,
    wait: &mut (impl Wait<T> + ?Sized),
    end: Option<Instant>,
) -> PyResult<Option<T>> {
    let mut pause = Duration::ZERO;
    loop {
        sleep.py().check_signals()?;
        if let Some(done) = wait.attempt(true).or_raise()? {
            return Ok(Some(done));
        }
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return wait.withdraw().or_raise();
        }
        sleep.call1((pause.min(left).as_secs_f64(),))?;
        pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    }
}

/// Waits with `wait`, which gives whether it has succeeded, until it has. An exception of a
/// signal's handler is raised at the end only: the caller counts on holding the lock then.
pub(crate) fn without_fail(py: Python<'_>, wait: impl Fn() -> PyResult<bool>) -> PyResult<()> {
    let mut raised = None;
    loop {
        match wait() {
            Ok(true) => return raised.map_or(Ok(()), Err),
            Ok(false) => {}
            Err(error) if is_ours(py, &error) => return Err(error),
            Err(error) => raised = Some(error),
        }
    }
}

/// Whether a call of the kernel that a signal has interrupted goes on: no handler raises. An
/// exception of one is in `raised`. For a thread that is detached from the interpreter.
pub(crate) fn goes_on(raised: &mut Option<PyErr>) -> bool {
    *raised = Python::attach(|py| py.check_signals().err());
    raised.is_none()
}
