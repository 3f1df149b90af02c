//! The client's end of a connection.

use crate::address::Address;
use crate::connect::open_stream;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frame::{Arrival, Signal};
use crate::handshake::{self, Answer};
use crate::mailbox::Mailbox;
use crate::session::Session;
use crate::settings::Settings;
use crate::stream::{Stream, failed};
use crate::wire::Wire;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// The number of the request with which a client asks for a mailbox. Most connections have fewer.
const MAILBOX_REQUEST: u32 = 8;
/// The first bytes of the alert that a TLS server sends to a client which does not use TLS.
const TLS_ALERT: &[u8] = &[21, 3];

/// A connection to a host, on which a message, its reply, and the next message follow each other.
///
/// Dropping a connection closes it, which cancels the last request.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    max_frame: usize,
    incarnation: u128,
    /// The number of requests so far.
    sent: u32,
    /// Whether the socket is a Unix socket, which can pass the descriptor of a mailbox.
    may_share_memory: bool,
}

impl Connection {
    /// Connects to a host, and verifies that both sides know the key.
    pub fn open(address: &Address, settings: &Settings) -> Result<Self> {
        Self::open_within(address, settings, &mut Deadline::default())
            .map_err(|error| no_host(address, error))
    }

    /// Connects as [`open`](Self::open) does, until a deadline. [`Error::Gone`] if the host ends during
    /// the handshake.
    pub(crate) fn open_within(
        address: &Address,
        settings: &Settings,
        deadline: &mut Deadline<'_>,
    ) -> Result<Self> {
        let mut stream = open_stream(address, settings, deadline)?;
        // A TLS server sends nothing before the client hello. Plain bytes at this point tell it that
        // the client does not use TLS.
        let announced = if stream.is_plain() && !matches!(address, Address::Unix(_)) {
            handshake::ANNOUNCEMENT
        } else {
            &[]
        };
        stream.send_frame(announced, deadline)?;
        let greeting = read_greeting(address, &mut stream, deadline)?;
        let channel = stream.channel();
        let hello = handshake::hello(&settings.key, &greeting, &channel, Session::of_this_process());
        let frame = [&(handshake::HELLO as u32).to_le_bytes()[..], &hello].concat();
        stream.send_frame(&frame[announced.len()..], deadline)?;
        let mut wire = Wire::new(stream);
        loop {
            match wire.read(handshake::MAX_FRAME) {
                Ok(Arrival::Whole) => break,
                Ok(Arrival::NotYet) => deadline.wait(wire.stream.as_fd(), PollFlags::IN)?,
                // A standard server closes the connection, or answers in its own way.
                Ok(Arrival::Closed | Arrival::Signal(_)) | Err(_) => {
                    return Err(Error::NotAHost { address: address.clone() });
                }
            }
        }
        let answer = handshake::check_answer(&settings.key, &greeting, &channel, &hello, wire.message());
        wire.consume();
        let incarnation = match answer {
            Answer::Welcome(incarnation) => incarnation,
            Answer::Refused(reason) => return Err(Error::Refused { address: address.clone(), reason }),
            Answer::Impostor => return Err(Error::Impostor { address: address.clone() }),
        };
        let may_share_memory = matches!(address, Address::Unix(_));
        Ok(Self { wire, max_frame: settings.max_frame, incarnation, sent: 0, may_share_memory })
    }

    /// The incarnation of the host: a random number, another one each time that a host starts.
    pub fn incarnation(&self) -> u128 {
        self.incarnation
    }

    /// Sends a message. It waits while the host does not read; [`Error::TimedOut`] after `until`.
    pub fn send(&mut self, message: &[u8], until: Option<Instant>) -> Result<()> {
        self.send_within(message, &mut Deadline::until(until))
    }

    /// Sends a message without waiting. After an error the connection cannot be used again.
    pub fn send_at_once(&mut self, message: &[u8]) -> Result<()> {
        self.wire.send(message, self.max_frame, &mut Deadline::passed())
    }

    /// Returns whether the next send waits for the host: it then asks for a mailbox first.
    pub fn next_send_waits(&self) -> bool {
        self.may_share_memory && self.sent == MAILBOX_REQUEST - 1
    }

    /// Sends a message as [`send`](Self::send) does, until a deadline. After an error the connection
    /// cannot be used again.
    pub fn send_within(&mut self, message: &[u8], deadline: &mut Deadline<'_>) -> Result<()> {
        let is_mailbox_due = self.next_send_waits();
        self.sent = self.sent.saturating_add(1);
        if is_mailbox_due {
            self.request_mailbox(deadline)?;
        }
        self.wire.send(message, self.max_frame, deadline)
    }

    /// Asks the host for a mailbox. Its pages are worth their price on a connection that carries many
    /// requests.
    fn request_mailbox(&mut self, deadline: &mut Deadline<'_>) -> Result<()> {
        if !self.wire.reader.is_empty() {
            return Ok(());
        }
        self.wire.stream.send_frame(&Signal::Mailbox.header(), deadline)?;
        match self.wire.stream.receive_descriptor(deadline)? {
            (Some(Signal::Mailbox), Some(file)) => self.wire.open_mailbox(Mailbox::open(&file)?),
            // The host could not make one. The socket serves as well, only slower.
            (Some(Signal::Mailbox), None) => {}
            _ => return Err(Error::Gone { started: false }),
        }
        Ok(())
    }

    /// Waits for the next message and returns it; [`Error::TimedOut`] after `until`.
    pub fn receive(&mut self, until: Option<Instant>) -> Result<&[u8]> {
        self.receive_within(&mut Deadline::until(until))
    }

    /// Waits for the next message as [`receive`](Self::receive) does, until a deadline. After
    /// [`Error::Interrupted`] and [`Error::TimedOut`] it may be called again; after any other error the
    /// connection cannot be used again.
    pub fn receive_within(&mut self, deadline: &mut Deadline<'_>) -> Result<&[u8]> {
        if !self.spin()? {
            let begin = Instant::now();
            loop {
                deadline.wait(self.wire.stream.as_fd(), PollFlags::IN)?;
                if self.try_read()? {
                    break;
                }
            }
            self.wire.learn(begin.elapsed());
        }
        Ok(self.message())
    }

    /// Spins for some microseconds, and returns whether the next message has arrived.
    pub fn spin(&mut self) -> Result<bool> {
        let found = self.wire.spin(self.max_frame);
        self.has_arrived(found)
    }

    /// Returns whether the next message has arrived, without spinning. For event loops: after
    /// `false` the descriptor becomes readable with the message.
    pub fn try_read(&mut self) -> Result<bool> {
        let read = self.wire.read(self.max_frame);
        self.has_arrived(read)
    }

    fn has_arrived(&self, read: Result<Arrival>) -> Result<bool> {
        match read {
            Ok(Arrival::Whole) => Ok(true),
            Ok(Arrival::NotYet) => Ok(false),
            Ok(Arrival::Closed) => Err(Error::Gone { started: self.wire.was_read(true) }),
            Err(Error::Gone { started }) => Err(Error::Gone { started: self.wire.was_read(started) }),
            // A signal to which no request was sent: the host breaks the protocol.
            Ok(Arrival::Signal(_)) => Err(Error::Gone { started: true }),
            Err(error) => Err(error),
        }
    }

    /// The message that [`spin`](Self::spin) or [`try_read`](Self::try_read) found.
    pub fn message(&self) -> &[u8] {
        self.wire.message()
    }

    /// Releases the message that was received, so that the next request may be sent.
    pub fn consume(&mut self) {
        self.wire.consume();
    }

    /// Whether the connection is open and nothing unread is on it. A host that is gone, or that sends
    /// without a request, has made it unusable.
    pub(crate) fn is_idle(&self) -> bool {
        let mut fds = [PollFd::new(&self.wire.stream, PollFlags::IN | PollFlags::RDHUP)];
        self.wire.reader.is_empty()
            && poll(&mut fds, Some(&Timespec::default())).is_ok_and(|count| count == 0)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.stream.as_fd()
    }
}

/// Reads the greeting, which has the frame of `multiprocessing.connection`: its length as a
/// big-endian `i32`, and its bytes.
fn read_greeting(address: &Address, stream: &mut Stream, deadline: &mut Deadline<'_>) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    read_exact(stream, &mut length, deadline)?;
    if length.starts_with(TLS_ALERT) {
        return Err(Error::Tls {
            cause: format!(
                "{address} accepts TLS only; connect with the certificates of its authorities: \
                 `Tls::client`, in Python `tls=sharevar.TLS(authorities=...)`"
            ),
        });
    }
    let length = u32::from_be_bytes(length) as usize;
    if !(handshake::CHALLENGE.len()..=handshake::MAX_GREETING).contains(&length) {
        return Err(Error::NotAHost { address: address.clone() });
    }
    let mut greeting = vec![0; length];
    read_exact(stream, &mut greeting, deadline)?;
    if greeting.starts_with(handshake::CHALLENGE) {
        Ok(greeting)
    } else {
        Err(Error::NotAHost { address: address.clone() })
    }
}

fn read_exact(stream: &mut Stream, mut buffer: &mut [u8], deadline: &mut Deadline<'_>) -> Result<()> {
    while !buffer.is_empty() {
        match stream.read(buffer) {
            Ok(0) => return Err(Error::Gone { started: false }),
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                deadline.wait(stream.as_fd(), PollFlags::IN)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("cannot read from a connection", error)),
        }
    }
    Ok(())
}

/// The error of a connection whose host ended during the handshake: no host can be reached.
pub(crate) fn no_host(address: &Address, error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Unreachable {
            code: None,
            address: address.clone(),
            cause: "the connection was closed during the handshake".to_owned(),
        },
        error => error,
    }
}
