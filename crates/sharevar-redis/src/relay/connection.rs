//! One end of a connection: the socket that leads to the program, and the state of both directions.

use super::entry::{Content, Entry, is_host_end, other_end};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use sharevar_os::CloseOnFork;
use sharevar_transport::Delivery;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most bytes of one entry.
pub(crate) const CHUNK: usize = 256 << 10;
/// How much of a direction is at most on the server and in the memory of the receiver.
const WINDOW: u64 = 1 << 20;
/// What an entry takes of the window beside its bytes, so that small ones are bounded, too.
const OVERHEAD: u64 = 128;
/// How much is freed before the sender is told.
const TOLD_AFTER: u64 = WINDOW / 4;

/// What is known about the bytes that the program has written.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    was_withdrawn: AtomicBool,
}

impl Fate {
    /// Notes that the host has not got the last of the bytes, and will not.
    pub(crate) fn set_withdrawn(&self) {
        self.was_withdrawn.store(true, Ordering::SeqCst);
    }
}

impl Delivery for Fate {
    fn may_be_read(&self) -> bool {
        !self.was_withdrawn.load(Ordering::SeqCst)
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// That of this end.
    pub(crate) number: u64,
    /// The client of the engine at the other end.
    pub(crate) peer: String,
    pub(crate) fate: Arc<Fate>,
    /// The identity of the last entry of bytes in the peer's inbox.
    pub(crate) last_sent: Option<String>,
    /// Whether the other end is closed, so that this one is once the program has what came before.
    pub(crate) is_ending: bool,
    socket: CloseOnFork,
    sent: Direction,
    received: Direction,
    /// What the program has not taken yet, and how much of the first part it has.
    pending: VecDeque<Vec<u8>>,
    taken: usize,
    told: u64,
}

/// The entries of one direction.
#[derive(Debug, Default)]
struct Direction {
    count: u32,
    /// What the entries have taken of the window.
    total: u64,
    /// What was freed of that.
    freed: u64,
}

/// The outcome of reading from the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromProgram {
    Bytes(Vec<u8>),
    Nothing,
    Closed,
}

fn cost(bytes: usize) -> u64 {
    bytes as u64 + OVERHEAD
}

impl Connection {
    pub(crate) fn new(number: u64, peer: &str, socket: CloseOnFork) -> Self {
        Self {
            number,
            peer: peer.to_owned(),
            fate: Arc::default(),
            last_sent: None,
            is_ending: false,
            socket,
            sent: Direction::default(),
            received: Direction::default(),
            pending: VecDeque::new(),
            taken: 0,
            told: 0,
        }
    }

    /// Whether this process is the host.
    pub(crate) fn is_of_host(&self) -> bool {
        is_host_end(self.number)
    }

    /// What the program's socket is to be watched for.
    pub(crate) fn interest(&self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.may_send() && !self.is_ending);
        flags.set(EventFlags::OUT, !self.pending.is_empty());
        flags
    }

    fn may_send(&self) -> bool {
        self.sent.total - self.sent.freed < WINDOW
    }

    /// Takes bytes that the program has written, as the entry that brings them to the peer.
    pub(crate) fn read(&mut self, sender: &str, buffer: &mut [u8]) -> FromProgram {
        if !self.may_send() {
            return FromProgram::Nothing;
        }
        let bytes = match recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return FromProgram::Closed,
            Ok((_, count)) => &buffer[..count],
            Err(Errno::AGAIN | Errno::INTR) => return FromProgram::Nothing,
            Err(_) => return FromProgram::Closed,
        };
        let content = Content::Data { count: self.sent.count, bytes };
        self.sent.count = self.sent.count.wrapping_add(1);
        self.sent.total += cost(bytes.len());
        FromProgram::Bytes(Entry { connection: other_end(self.number), sender, content }.write())
    }

    /// Notes how much of the window the peer has freed.
    pub(crate) fn free(&mut self, total: u64) {
        self.sent.freed = self.sent.freed.max(total.min(self.sent.total));
    }

    /// Hands bytes that have arrived to the program. `false` if they do not follow those before them, or are
    /// more than the window has room for.
    pub(crate) fn receive(&mut self, count: u32, bytes: &[u8]) -> bool {
        self.received.total += cost(bytes.len());
        let is_next = count == self.received.count;
        if !is_next || self.received.total - self.received.freed > WINDOW + cost(CHUNK) {
            return false;
        }
        self.received.count = count.wrapping_add(1);
        self.pending.push_back(bytes.to_vec());
        self.flush();
        true
    }

    /// Writes what the program's socket has room for. After the program's end the bytes are dropped.
    pub(crate) fn flush(&mut self) {
        while let Some(first) = self.pending.front() {
            let left = &first[self.taken..];
            match send(&self.socket, left, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) if count < left.len() => self.taken += count,
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => {
                    self.received.freed += cost(first.len());
                    self.pending.pop_front();
                    self.taken = 0;
                }
            }
        }
    }

    /// Whether the program has all that has arrived.
    pub(crate) fn is_flushed(&self) -> bool {
        self.pending.is_empty()
    }

    /// The entry that tells the peer how much of the window is free again, if it is time.
    pub(crate) fn freed(&mut self, sender: &str) -> Option<Vec<u8>> {
        if self.received.freed - self.told < TOLD_AFTER {
            return None;
        }
        self.told = self.received.freed;
        let content = Content::Freed { total: self.told };
        Some(Entry { connection: other_end(self.number), sender, content }.write())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
