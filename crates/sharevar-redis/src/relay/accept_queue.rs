//! A name by which this process is a host, and the connections that wait to be accepted.

use crate::mutex::lock;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use sharevar_os::{CloseOnFork, off_standard_streams};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

/// The most connections that wait to be accepted.
const BACKLOG: usize = 1024;

/// The accepting end of a host of this process.
#[derive(Debug)]
pub(crate) struct AcceptQueue {
    pub(crate) name: String,
    waiting: Mutex<VecDeque<CloseOnFork>>,
    /// Counts those that wait.
    count: OwnedFd,
}

impl AcceptQueue {
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE;
        let count = eventfd(0, flags).and_then(off_standard_streams)?;
        Ok(Self { name: name.to_owned(), waiting: Mutex::default(), count })
    }

    /// Adds a connection. `false` if too many wait.
    pub(crate) fn add(&self, socket: CloseOnFork) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= BACKLOG || rustix::io::write(&self.count, &1_u64.to_ne_bytes()).is_err() {
            return false;
        }
        waiting.push_back(socket);
        true
    }

    /// Takes the connection that has waited for the longest.
    pub(crate) fn accept(&self) -> rustix::io::Result<CloseOnFork> {
        let mut waiting = lock(&self.waiting);
        rustix::io::read(&self.count, &mut [0; 8])?;
        waiting.pop_front().ok_or(Errno::AGAIN)
    }

    /// Closes those that wait.
    pub(crate) fn clear(&self) {
        lock(&self.waiting).clear();
    }
}

impl AsFd for AcceptQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.count.as_fd()
    }
}
