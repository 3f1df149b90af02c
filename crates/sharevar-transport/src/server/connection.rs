//! The host's end of a connection.

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frame::{Arrival, Signal};
use crate::handshake::{self, Rejected};
use crate::mailbox::Mailbox;
use crate::session::Session;
use crate::settings::Key;
use crate::stream::Stream;
use crate::wire::Wire;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// The host's end of a connection, authenticated or not.
#[derive(Debug)]
pub(crate) struct HostConnection {
    pub(crate) wire: Wire,
    stage: Stage,
    is_local: bool,
}

#[derive(Debug)]
enum Stage {
    /// The client was greeted, and has not proved yet that it knows the key.
    Unauthenticated(Unauthenticated),
    /// The client has proved it.
    Authenticated(Session),
}

#[derive(Debug)]
pub(crate) struct Unauthenticated {
    pub(crate) greeting: Vec<u8>,
    pub(crate) arrived: Instant,
    /// The reason to refuse the client for the user that the kernel reports, whatever it knows.
    pub(crate) refused: Option<String>,
}

/// The next step of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It waits for more to arrive.
    Keep,
    Close,
    /// Its socket is given to a server of another protocol.
    HandOver,
    /// Its messages are served.
    Serve,
}

impl HostConnection {
    /// Makes the host's end of a new connection and sends the greeting. This does not wait, since the
    /// greeting fits into the socket's buffer.
    pub(crate) fn greet(stream: Stream, client: Unauthenticated, is_local: bool) -> Result<Self> {
        let mut frame = (client.greeting.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(&client.greeting);
        let mut wire = Wire::new(stream);
        wire.stream.send_frame(&frame, &mut Deadline::passed())?;
        Ok(Self { wire, stage: Stage::Unauthenticated(client), is_local })
    }

    /// The client's session, once it is authenticated.
    pub(crate) fn session(&self) -> Option<Session> {
        match self.stage {
            Stage::Unauthenticated(_) => None,
            Stage::Authenticated(session) => Some(session),
        }
    }

    /// The time of the arrival of a client that is not authenticated yet.
    pub(crate) fn unauthenticated_since(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Unauthenticated(client) => Some(client.arrived),
            Stage::Authenticated(_) => None,
        }
    }

    /// The socket of a client that speaks another protocol, and the greeting that it got. `None` if
    /// its user is refused.
    pub(crate) fn into_other_protocol(self) -> Option<(Stream, Vec<u8>)> {
        match self.stage {
            Stage::Unauthenticated(Unauthenticated { greeting, refused: None, .. }) => {
                Some((self.wire.stream, greeting))
            }
            _ => None,
        }
    }

    /// Takes a step of the handshake, unless it is over. `enter` is called before the client is welcomed: the client may
    /// close its other connections as soon as it has the welcome, and its session must go on.
    pub(crate) fn authenticate(
        &mut self,
        key: &Key,
        incarnation: u128,
        enter: impl FnOnce(Session),
    ) -> Disposition {
        let Stage::Unauthenticated(client) = &self.stage else { return Disposition::Serve };
        if self.wire.stream.is_plain() && self.wire.reader.is_empty() {
            // A hello begins with its length. The bytes of other protocols stay in the socket.
            let mut first = [0; 4];
            match self.wire.stream.peek(&mut first) {
                Ok(0) => return Disposition::Close,
                Ok(count) if first[..count] != (handshake::HELLO as u32).to_le_bytes()[..count] => {
                    return Disposition::HandOver;
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Disposition::Keep,
                Err(_) => return Disposition::Close,
            }
        }
        match self.wire.read(handshake::MAX_FRAME) {
            Ok(Arrival::Whole) => {}
            Ok(Arrival::NotYet) => return Disposition::Keep,
            Ok(Arrival::Closed | Arrival::Signal(_)) | Err(_) => return Disposition::Close,
        }
        let hello = self.wire.message();
        let channel = self.wire.stream.channel();
        let (answer, session) = match handshake::check_hello(key, &client.greeting, &channel, hello) {
            Err(Rejected::NotAHello) => return Disposition::Close,
            Err(Rejected::WrongKey) => (handshake::refusal("it knows another key"), None),
            Ok(session) => match &client.refused {
                Some(reason) => (handshake::refusal(reason), None),
                None => {
                    (handshake::welcome(key, &client.greeting, &channel, hello, incarnation), Some(session))
                }
            },
        };
        self.wire.consume();
        if let Some(session) = session {
            enter(session);
            self.stage = Stage::Authenticated(session);
        }
        let sent = self.wire.stream.send_message(&answer, handshake::MAX_FRAME, &mut Deadline::passed());
        if session.is_some() && sent.is_ok() { Disposition::Serve } else { Disposition::Close }
    }

    /// Reads the bytes that have arrived, and returns whether the next message is whole.
    pub(crate) fn read(&mut self, limit: usize) -> Result<bool> {
        let arrival = self.wire.read(limit)?;
        self.has_arrived(arrival, limit)
    }

    /// Spins for some microseconds, and returns whether the next message is whole.
    pub(crate) fn spin(&mut self, limit: usize) -> Result<bool> {
        let arrival = self.wire.spin(limit)?;
        self.has_arrived(arrival, limit)
    }

    fn has_arrived(&mut self, arrival: Arrival, limit: usize) -> Result<bool> {
        match arrival {
            Arrival::Whole => Ok(true),
            Arrival::NotYet => Ok(false),
            Arrival::Signal(Signal::Mailbox) => {
                self.send_mailbox()?;
                self.read(limit)
            }
            Arrival::Closed | Arrival::Signal(Signal::Doorbell) => Err(Error::Gone { started: true }),
        }
    }

    /// Answers a request for a mailbox. A client gets one at most, and none on another machine.
    fn send_mailbox(&mut self) -> Result<()> {
        self.wire.reader.consume_signal();
        if self.session().is_none() || self.wire.has_mailbox() || !self.is_local {
            return Err(Error::Gone { started: true });
        }
        match Mailbox::create() {
            Ok((mailbox, file)) => {
                self.wire.stream.send_descriptor(Signal::Mailbox, Some(file.as_fd()))?;
                self.wire.open_mailbox(mailbox);
                Ok(())
            }
            // For example, no descriptor is left. The socket serves as well, only slower.
            Err(_) => self.wire.stream.send_descriptor(Signal::Mailbox, None),
        }
    }
}

impl AsFd for HostConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.stream.as_fd()
    }
}
