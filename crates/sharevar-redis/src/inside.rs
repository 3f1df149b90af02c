//! The threads of this process that are inside of monitors.

use crate::fork_gate;
use crate::mutex::lock;
use sharevar_os::process_epoch;
use std::collections::HashMap;
use std::sync::Mutex;

/// Threads by monitor and name, each with the number by which it has entered. A forked child has a copy of its
/// parent's, and is inside of nothing.
#[derive(Debug, Default)]
pub(crate) struct Inside(Mutex<HashMap<(u64, String), Entrance>>);

#[derive(Debug)]
struct Entrance {
    epoch: u64,
    number: u64,
}

impl Inside {
    pub(crate) fn enter(&self, monitor: u64, thread: &str, number: u64) {
        let _no_fork = fork_gate::enter();
        lock(&self.0).insert((monitor, thread.to_owned()), Entrance { epoch: process_epoch(), number });
    }

    /// Returns the number by which a thread has entered, which is outside from now on.
    pub(crate) fn leave(&self, monitor: u64, thread: &str) -> Option<u64> {
        let _no_fork = fork_gate::enter();
        let entrance = lock(&self.0).remove(&(monitor, thread.to_owned()))?;
        (entrance.epoch == process_epoch()).then_some(entrance.number)
    }

    pub(crate) fn has(&self, monitor: u64, thread: &str) -> bool {
        self.has_any(|(number, name)| *number == monitor && name == thread)
    }

    pub(crate) fn has_one_in(&self, monitor: u64) -> bool {
        self.has_any(|(number, _)| *number == monitor)
    }

    fn has_any(&self, is_meant: impl Fn(&(u64, String)) -> bool) -> bool {
        let _no_fork = fork_gate::enter();
        let epoch = process_epoch();
        lock(&self.0).iter().any(|(key, entrance)| entrance.epoch == epoch && is_meant(key))
    }
}
