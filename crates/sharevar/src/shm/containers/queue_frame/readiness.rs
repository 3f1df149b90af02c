//! A descriptor that is readable while a queue has items: for `select`, `epoll` and event loops.
//!
//! It is a pipe of this process's own, in which a byte is while a get would come back at once. A
//! thread of this process waits at the queue's wait point for the first item and for the last one
//! to go, and puts the byte in or takes it out. It follows puts and gets of
//! this process before they return, and those of others a moment later. No other process needs to
//! know of it: a queue for which no process has asked has no flag set, and costs nothing more.

use super::QueueFrame;
use crate::error::Result;
use rustix::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};
use sharevar_arena::{Error, Variable};
use sharevar_os::{off_standard_streams, process_epoch};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// Calls a function in such a way that the calling thread may change shared memory: with the
/// interpreter's lock, in a process that has one. `false` if it cannot be called any more.
pub type Enter = fn(&mut dyn FnMut()) -> bool;

/// A descriptor that is readable while a queue has items.
#[derive(Debug)]
pub struct Readiness {
    queue: QueueFrame,
    epoch: u64,
    reader: Option<OwnedFd>,
    writer: Option<OwnedFd>,
    /// Tells the pipe from a file that has got its number, once a program has closed all
    /// descriptors.
    inode: u64,
    /// Held from the look at the queue until the pipe shows what was seen.
    showing: Mutex<()>,
}

impl Readiness {
    /// The descriptor of this process for a queue. There is one, however many ask.
    pub fn of(queue: &QueueFrame, enter: Enter) -> Result<Arc<Self>> {
        if queue.handle().participant().is_read_only() {
            return Err(Error::ReadOnly.into());
        }
        let mut known = registry().known();
        known.retain(|(_, readiness)| readiness.strong_count() > 0);
        let place = place(queue);
        let found = known.iter().position(|(other, _)| *other == place);
        if let Some(index) = found
            && let Some(readiness) = known[index].1.upgrade()
        {
            if readiness.is_usable() {
                readiness.follow();
                return Ok(readiness);
            }
            known.swap_remove(index);
        }
        let made = Arc::new(Self::new(queue)?);
        // Before the thread has run for the first time the descriptor follows, too.
        queue.watch()?;
        made.follow();
        let (weak, queue) = (Arc::downgrade(&made), queue.clone());
        std::thread::Builder::new()
            .name("sharevar queue".into())
            .spawn(move || watch(&weak, &queue, enter))
            .map_err(|error| {
                let cause = error
                    .raw_os_error()
                    .map_or(rustix::io::Errno::AGAIN, rustix::io::Errno::from_raw_os_error);
                Error::Os { call: "starting a thread that waits for a queue", cause }
            })?;
        known.push((place, Arc::downgrade(&made)));
        Ok(made)
    }

    fn new(queue: &QueueFrame) -> Result<Self> {
        let failed = |cause| Error::Os { call: "pipe", cause };
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(failed)?;
        let reader = off_standard_streams(reader).map_err(failed)?;
        let writer = off_standard_streams(writer).map_err(failed)?;
        let inode = rustix::fs::fstat(&reader).map_err(failed)?.st_ino;
        Ok(Self {
            queue: queue.clone(),
            epoch: process_epoch(),
            reader: Some(reader),
            writer: Some(writer),
            inode,
            showing: Mutex::new(()),
        })
    }

    /// Whether it was made by this process, and not by one that this was forked from, and the
    /// program has not closed its descriptors.
    pub fn is_usable(&self) -> bool {
        self.epoch == process_epoch()
            && self.is_pipe(self.reader.as_ref())
            && self.is_pipe(self.writer.as_ref())
    }

    fn is_pipe(&self, end: Option<&OwnedFd>) -> bool {
        end.is_some_and(|end| rustix::fs::fstat(end).is_ok_and(|found| found.st_ino == self.inode))
    }

    /// Has the descriptor be readable if a get would come back at once, and else not.
    pub fn follow(&self) {
        let _showing = lock(&self.showing);
        let is_ready = self.queue.is_ready();
        let (Some(reader), Some(writer)) = (&self.reader, &self.writer) else { return };
        if !self.is_usable() {
            return;
        }
        // Asked for each time: a program may have read from it.
        let shows = rustix::io::ioctl_fionread(reader).is_ok_and(|bytes| bytes > 0);
        if is_ready && !shows {
            let _ = rustix::io::write(writer, &[1]);
        } else if shows && !is_ready {
            let _ = rustix::io::read(reader, &mut [0_u8; 64]);
        }
    }

    /// The end that is readable while the queue has items.
    pub fn reader(&self) -> BorrowedFd<'_> {
        end(self.reader.as_ref())
    }

    /// The other end, which is always writable.
    pub fn writer(&self) -> BorrowedFd<'_> {
        end(self.writer.as_ref())
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.follow();
        self.reader()
    }
}

fn end(end: Option<&OwnedFd>) -> BorrowedFd<'_> {
    end.map(AsFd::as_fd).expect("the ends go only when it is dropped")
}

impl Drop for Readiness {
    fn drop(&mut self) {
        for end in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            if rustix::fs::fstat(&end).is_ok_and(|found| found.st_ino == self.inode) {
                drop(end);
            } else {
                // The program has closed it; the number is another's by now.
                let _ = end.into_raw_fd();
            }
        }
        if self.epoch == process_epoch() {
            // The thread looks up, and ends.
            self.queue.point().wake(QueueFrame::reason(super::WATCHED), u32::MAX);
        }
    }
}

/// The thread: follows the queue until the process no longer has the descriptor.
fn watch(readiness: &Weak<Readiness>, queue: &QueueFrame, enter: Enter) {
    let point = queue.point();
    let mut waiter = point.waiter();
    loop {
        // Read before the queue is looked at, so that no wake-up comes between look and sleep.
        let count = point.count();
        let mut reason = None;
        let entered = enter(&mut || {
            if let Some(readiness) = readiness.upgrade() {
                readiness.follow();
                reason = Some(queue.await_change(queue.is_ready()));
            }
        });
        match reason {
            Some(Ok(Some(reason))) => waiter.sleep(count, reason, Duration::MAX),
            Some(Ok(None)) => {}
            // The descriptor is gone, or the arena is closed, which the descriptor shows by now.
            Some(Err(_)) | None => return,
        }
        if !entered {
            return;
        }
    }
}

/// Which queue.
type Place = ([u64; 2], Variable);

fn place(queue: &QueueFrame) -> Place {
    (queue.handle().participant().arena_id(), queue.handle().variable())
}

/// The descriptors of a process. A forked child begins with none, in a registry of its own, and
/// never touches its parent's, which may be locked for ever.
struct Registry {
    epoch: u64,
    known: Mutex<Vec<(Place, Weak<Readiness>)>>,
    of_child: OnceLock<Box<Self>>,
}

static FIRST: OnceLock<Registry> = OnceLock::new();

impl Registry {
    fn new() -> Self {
        Self { epoch: process_epoch(), known: Mutex::new(Vec::new()), of_child: OnceLock::new() }
    }

    fn known(&self) -> MutexGuard<'_, Vec<(Place, Weak<Readiness>)>> {
        lock(&self.known)
    }
}

fn registry() -> &'static Registry {
    let epoch = process_epoch();
    let mut registry = FIRST.get_or_init(Registry::new);
    while registry.epoch != epoch {
        registry = registry.of_child.get_or_init(|| Box::new(Registry::new()));
    }
    registry
}

/// Has the descriptor of this process for a queue follow it. Whether there is one.
pub(super) fn follow(queue: &QueueFrame) -> bool {
    if FIRST.get().is_none() {
        return false;
    }
    let place = place(queue);
    let found =
        registry().known().iter().find(|(other, _)| *other == place).and_then(|(_, known)| known.upgrade());
    if let Some(readiness) = &found {
        readiness.follow();
    }
    found.is_some()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
