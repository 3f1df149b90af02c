//! One end of a connection: the socket that leads to the program, and the state of both directions.

use super::entry::{Content, Entry, is_host_end, other_end};
use rustix::event::epoll::EventFlags;
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use sharevar_os::CloseOnFork;
use sharevar_transport::Delivery;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The most bytes of one entry.
pub(crate) const CHUNK: usize = 256 << 10;
/// How much of a direction is at most on the server and in the memory of the receiver.
const WINDOW: u64 = 1 << 20;
/// The part of the window that an entry takes beside its bytes, so that small ones are bounded, too.
const OVERHEAD: u64 = 128;
/// How much is freed before the sender is told.
const TOLD_AFTER: u64 = WINDOW / 4;

/// The fate of the bytes that the program has written, as far as it is known.
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
    /// Whether an entry of bytes is on its way to the server.
    pub(crate) is_sending: bool,
    /// Since when the host, which has closed its side, waits for room in the window for the rest of its bytes.
    waits_since: Option<Instant>,
    socket: CloseOnFork,
    sent: Direction,
    received: Direction,
    /// The bytes that the program has not taken yet, and how much of their first part it has.
    pending: VecDeque<Vec<u8>>,
    taken: usize,
    told: u64,
}

/// The entries of one direction.
#[derive(Debug, Default)]
struct Direction {
    count: u32,
    /// The bytes of the window that the entries have taken.
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
            is_sending: false,
            waits_since: None,
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
        if self.may_send() {
            self.waits_since = None;
        }
    }

    /// Whether bytes that the host has written have yet to be sent to the client. The bytes of a client are taken back
    /// when it closes its side: that cancels its call.
    pub(crate) fn owes(&self) -> bool {
        self.is_of_host() && !self.is_ending && (self.is_sending || self.has_unread())
    }

    fn has_unread(&self) -> bool {
        ioctl_fionread(&self.socket).is_ok_and(|count| count > 0)
    }

    /// Notes that the host has closed its side while the window is full. Returns whether bytes are left.
    pub(crate) fn awaits_room(&mut self) -> bool {
        let waits = self.owes() && !self.may_send();
        if waits {
            self.waits_since.get_or_insert_with(Instant::now);
        }
        waits
    }

    /// Since when a host that has closed its side waits for room in the window.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        self.waits_since
    }

    /// Hands bytes that have arrived to the program, unless they have come before. `false` if some are missing in
    /// between, or if they are more than the window has room for.
    pub(crate) fn receive(&mut self, count: u32, bytes: &[u8]) -> bool {
        if count != self.received.count {
            return (count.wrapping_sub(self.received.count) as i32) < 0;
        }
        self.received.total += cost(bytes.len());
        if self.received.total - self.received.freed > WINDOW + cost(CHUNK) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    const PEER: &str = "0123456789abcdef";

    fn connection() -> (Connection, UnixStream) {
        let (ours, program) = UnixStream::pair().unwrap();
        (Connection::new(2, PEER, CloseOnFork::new(ours.into())), program)
    }

    #[test]
    fn what_comes_again_is_dropped_and_what_is_missing_is_noticed() {
        let (mut connection, mut program) = connection();
        assert!(connection.receive(0, b"a") && connection.receive(1, b"b"));
        assert!(connection.receive(0, b"a") && connection.receive(1, b"b"));
        assert!(!connection.receive(3, b"d"));
        assert!(connection.receive(2, b"c"));
        drop(connection);
        let mut read = String::new();
        program.read_to_string(&mut read).unwrap();
        assert_eq!(read, "abc");
    }

    #[test]
    fn a_sender_stops_until_its_peer_has_freed_the_window() {
        let (mut connection, mut program) = connection();
        program.set_nonblocking(true).unwrap();
        let (mut buffer, mut sent) = (vec![0; CHUNK], 0);
        loop {
            while program.write(&[7; 1000]).is_ok() {}
            match connection.read(PEER, &mut buffer) {
                FromProgram::Bytes(entry) => sent += entry.len() as u64,
                FromProgram::Nothing => break,
                FromProgram::Closed => panic!("it is open"),
            }
        }
        assert!((WINDOW / 2..WINDOW + cost(CHUNK)).contains(&sent), "{sent}");
        assert!(!connection.interest().contains(EventFlags::IN));
        connection.free(WINDOW);
        assert!(connection.interest().contains(EventFlags::IN));
        assert!(matches!(connection.read(PEER, &mut buffer), FromProgram::Bytes(_)));
    }

    #[test]
    fn a_receiver_tells_what_it_has_freed() {
        let (mut connection, mut program) = connection();
        let part = vec![7; CHUNK];
        let mut count = 0;
        while connection.is_flushed() {
            assert!(connection.receive(count, &part));
            count += 1;
        }
        let mut buffer = vec![0; CHUNK];
        while !connection.is_flushed() {
            assert!(program.read(&mut buffer).unwrap() > 0);
            connection.flush();
        }
        let told = connection.freed(PEER).unwrap();
        let total = u64::from(count) * cost(CHUNK);
        assert_eq!(Entry::read(&told).unwrap().content, Content::Freed { total });
        assert!(connection.freed(PEER).is_none());
    }
}
