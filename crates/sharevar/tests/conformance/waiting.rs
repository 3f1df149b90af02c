//! Waits that run out, and waits that end while other threads do something.

use sharevar::Result;
use sharevar::engine::wait::{Wait, deadline, run};
use std::thread;
use std::time::Duration;

/// Whether `wait` gives nothing, and is told so at its deadline.
pub(crate) fn runs_out<T>(wait: &mut (impl Wait<T> + ?Sized)) -> bool {
    run(wait, deadline(Duration::from_millis(1))).unwrap().is_none()
}

/// The result of `wait` once `act` is done, which another thread does while it waits.
pub(crate) fn while_waiting<T>(
    wait: &mut (impl Wait<T> + ?Sized),
    act: impl FnOnce() -> Result<()> + Send,
) -> T {
    thread::scope(|scope| {
        assert!(wait.attempt(true).unwrap().is_none(), "there is nothing to wait for");
        let other = scope.spawn(act);
        let given = run(wait, deadline(Duration::from_secs(30))).unwrap().expect("nothing came in time");
        other.join().unwrap().unwrap();
        given
    })
}

/// Runs `act` in another thread.
pub(crate) fn elsewhere<R: Send>(act: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(act).join().unwrap())
}
