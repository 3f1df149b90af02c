//! The threads of this process that are inside of monitors.

use crate::fork_gate;
use crate::mutex::lock;
use sharevar_os::process_epoch;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

/// A monitor, as one of this process's clients has it. Its home has the same identity for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Opened {
    pub(crate) home: u128,
    pub(crate) monitor: u64,
    /// The client's number in this process.
    pub(crate) client: u64,
}

/// Threads by monitor and name, each with the number by which it has entered. A forked child has a copy of its
/// parent's, and is inside of nothing.
static INSIDE: LazyLock<Mutex<HashMap<(Opened, String), Entrance>>> = LazyLock::new(Mutex::default);

struct Entrance {
    epoch: u64,
    number: u64,
}

pub(crate) fn enter(opened: Opened, thread: &str, number: u64) {
    let _no_fork = fork_gate::enter();
    lock(&INSIDE).insert((opened, thread.to_owned()), Entrance { epoch: process_epoch(), number });
}

/// Returns the number by which a thread has entered, which is outside from now on.
pub(crate) fn leave(opened: Opened, thread: &str) -> Option<u64> {
    let _no_fork = fork_gate::enter();
    let entrance = lock(&INSIDE).remove(&(opened, thread.to_owned()))?;
    (entrance.epoch == process_epoch()).then_some(entrance.number)
}

pub(crate) fn has(opened: Opened, thread: &str) -> bool {
    has_any(|(other, name)| *other == opened && name == thread)
}

/// Whether any thread is inside, by whichever client of this process.
pub(crate) fn has_one_in(opened: Opened) -> bool {
    has_any(|(other, _)| (other.home, other.monitor) == (opened.home, opened.monitor))
}

fn has_any(is_meant: impl Fn(&(Opened, String)) -> bool) -> bool {
    let _no_fork = fork_gate::enter();
    let epoch = process_epoch();
    lock(&INSIDE).iter().any(|(key, entrance)| entrance.epoch == epoch && is_meant(key))
}
