//! A hint to the program whose thread waits for a monitor in whose call another thread of its process is.
//!
//! That call may wait for this thread, and then both wait for ever. A long call looks the same from
//! here, so that it is no error.

use crate::engine::wait::{Wait, deadline, run, run_without_limit};
use crate::engine::{Acquired, Item, Monitor};
use crate::error::Result;
use crate::shm::RawMonitor;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Such a wait is told after this time, as in Python.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for the lock of `monitor`. After `patience` it calls `tell` if a thread of this process has it.
#[cold]
pub(crate) fn wait_for_lock(
    monitor: &RawMonitor,
    patience: Duration,
    tell: impl FnOnce(),
) -> Result<Acquired> {
    wait_for(monitor, &mut monitor.acquire_wait(), patience, tell)
}

/// Enters a monitor of any engine, as [`wait_for_lock`] waits.
#[cold]
pub(crate) fn enter(monitor: &dyn Monitor, patience: Duration, tell: impl FnOnce()) -> Result<Vec<Item>> {
    match monitor.try_enter()? {
        Some(items) => Ok(items),
        None => wait_for(monitor, &mut *monitor.enter_wait(), patience, tell),
    }
}

fn wait_for<R>(
    monitor: &dyn Monitor,
    wait: &mut (impl Wait<R> + ?Sized),
    patience: Duration,
    tell: impl FnOnce(),
) -> Result<R> {
    if let Some(done) = run(wait, deadline(patience))? {
        return Ok(done);
    }
    if monitor.is_of_this_process() {
        tell();
    }
    run_without_limit(wait)
}

/// Says on standard error, once in a process, that this thread waits for the monitor. Errors of standard
/// error are no concern of the wait.
#[cold]
pub(crate) fn tell_once(monitor: &str) {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    if !IS_TOLD.swap(true, Ordering::Relaxed) {
        let thread = std::thread::current();
        let line = hint(thread.name().unwrap_or("without a name"), monitor);
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

fn hint(thread: &str, monitor: &str) -> String {
    format!(
        "sharevar: thread '{thread}' has waited for {} seconds for {monitor}, in a call of which another \
         thread of this process is; if that call waits for this thread, neither can go on: wait for the \
         thread after the call has returned\n",
        PATIENCE.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::{hint, wait_for_lock};
    use crate::engine::Monitor;
    use crate::manager::Manager;
    use crate::shm::RawMonitor;
    use crate::shm::handle::Handle;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_call_that_waits_for_a_waiter_is_told_of() {
        let manager = Manager::new().unwrap();
        let monitor = RawMonitor::create(manager.participant().unwrap()).unwrap();
        monitor.lock().try_acquire().unwrap();
        let (told, is_told) = channel();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let tell = || told.send(()).unwrap();
                let acquired = wait_for_lock(&monitor, Duration::from_millis(1), tell).unwrap();
                assert!(!acquired.owner_died && monitor.lock().is_mine());
                monitor.lock().release().unwrap()
            });
            let told = is_told.recv_timeout(Duration::from_secs(20));
            monitor.lock().release().unwrap();
            assert_eq!(told, Ok(()), "nothing was told while the lock was held");
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn nothing_is_told_of_a_lock_that_is_free_or_of_another_participant() {
        let manager = Manager::new().unwrap();
        let own = manager.participant().unwrap();
        let monitor = RawMonitor::create(own).unwrap();
        wait_for_lock(&monitor, Duration::ZERO, || panic!("the lock is free")).unwrap();
        assert!(monitor.is_of_this_process());
        monitor.lock().release().unwrap();
        assert!(!monitor.is_of_this_process());
        let other = own.join_again().unwrap();
        let handle = Handle::open(&other, monitor.handle().variable()).unwrap();
        let the_same = RawMonitor::from_handle(handle).unwrap();
        the_same.lock().try_acquire().unwrap();
        assert!(!monitor.is_of_this_process() && the_same.is_of_this_process());
        the_same.lock().release().unwrap();
    }

    #[test]
    fn the_hint_names_the_thread_and_the_monitor() {
        let line = hint("worker", "Monitor(3) of shop::Account");
        assert!(
            line.starts_with("sharevar: thread 'worker' has waited for 5 seconds for Monitor(3) of shop")
        );
        assert_eq!(line.find('\n'), Some(line.len() - 1));
    }
}
