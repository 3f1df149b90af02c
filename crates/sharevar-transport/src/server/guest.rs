//! A connection as the host sees it.

use crate::error::{Error, Result};
use crate::frame::{Arrival, Signal};
use crate::handshake::{self, Rejected};
use crate::mailbox::Mailbox;
use crate::session::Session;
use crate::settings::Key;
use crate::stream::Stream;
use crate::wait::Limits;
use crate::wire::Wire;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// A connection, from its arrival on.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) wire: Wire,
    stage: Stage,
    is_local: bool,
}

#[derive(Debug)]
enum Stage {
    /// It was greeted, and has not shown yet that it knows the key.
    Stranger(Stranger),
    /// It has.
    Member(Session),
}

#[derive(Debug)]
pub(crate) struct Stranger {
    pub(crate) greeting: Vec<u8>,
    pub(crate) arrived: Instant,
    /// Why the kernel's word on it is enough not to let it in.
    pub(crate) refused: Option<String>,
}

/// What has become of a stranger.
#[derive(Debug)]
pub(crate) enum Entrance {
    /// It has not said enough yet.
    NotYet,
    /// It is a member from now on.
    Admitted,
    /// It speaks another protocol.
    Foreign,
    /// It is to be dropped.
    Turned,
}

impl Guest {
    /// A new arrival, which is greeted at once: the greeting fits into the socket's buffer.
    pub(crate) fn greet(stream: Stream, stranger: Stranger, is_local: bool) -> Result<Self> {
        let mut guest = Self { wire: Wire::new(stream), stage: Stage::Stranger(stranger), is_local };
        let Stage::Stranger(Stranger { greeting, .. }) = &guest.stage else { return Ok(guest) };
        let mut frame = (greeting.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(greeting);
        guest.wire.stream.send_frame(&frame, &mut Limits::at_once())?;
        Ok(guest)
    }

    /// Whose connection it is; nobody's as long as it is a stranger's.
    pub(crate) fn session(&self) -> Option<Session> {
        match self.stage {
            Stage::Stranger(_) => None,
            Stage::Member(session) => Some(session),
        }
    }

    /// Since when it is a stranger's, if it is.
    pub(crate) fn stranger_since(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Stranger(stranger) => Some(stranger.arrived),
            Stage::Member(_) => None,
        }
    }

    /// The socket and the greeting of who speaks another protocol, unless the kernel's word on him
    /// is against it.
    pub(crate) fn into_foreign(self) -> Option<(Stream, Vec<u8>)> {
        match self.stage {
            Stage::Stranger(Stranger { greeting, refused: None, .. }) => Some((self.wire.stream, greeting)),
            _ => None,
        }
    }

    /// Takes in what a stranger has said. `enter` is called before a client is welcomed: he may
    /// close another connection as soon as he has this one, and must not be without any.
    pub(crate) fn admit(&mut self, key: &Key, life: u128, enter: impl FnOnce(Session)) -> Entrance {
        let Stage::Stranger(stranger) = &self.stage else { return Entrance::NotYet };
        if let (Stream::Plain(_), true) = (&self.wire.stream, self.wire.reader.is_empty()) {
            // A hello of ours has its length first. Of others nothing is taken.
            let mut first = [0; 4];
            match self.wire.stream.peek(&mut first) {
                Ok(0) => return Entrance::Turned,
                Ok(count) if first[..count] != (handshake::HELLO as u32).to_le_bytes()[..count] => {
                    return Entrance::Foreign;
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Entrance::NotYet,
                Err(_) => return Entrance::Turned,
            }
        }
        match self.wire.read(handshake::MAX_FRAME) {
            Ok(Arrival::Whole) => {}
            Ok(Arrival::NotYet) => return Entrance::NotYet,
            Ok(Arrival::Closed | Arrival::Signal(_)) | Err(_) => return Entrance::Turned,
        }
        let hello = self.wire.message();
        let channel = self.wire.stream.channel();
        let (answer, session) = match handshake::check_hello(key, &stranger.greeting, &channel, hello) {
            Err(Rejected::NotAHello) => return Entrance::Turned,
            Err(Rejected::WrongKey) => (handshake::refusal("it knows another key"), None),
            Ok(session) => match &stranger.refused {
                Some(reason) => (handshake::refusal(reason), None),
                None => (handshake::welcome(key, &stranger.greeting, &channel, hello, life), Some(session)),
            },
        };
        self.wire.consume();
        if let Some(session) = session {
            enter(session);
            self.stage = Stage::Member(session);
        }
        let sent = self.wire.stream.send_message(&answer, handshake::MAX_FRAME, &mut Limits::at_once());
        if session.is_some() && sent.is_ok() { Entrance::Admitted } else { Entrance::Turned }
    }

    /// Reads what is there of the next message: whether it is whole.
    pub(crate) fn read(&mut self, limit: usize) -> Result<bool> {
        loop {
            match self.wire.read(limit)? {
                Arrival::Whole => return Ok(true),
                Arrival::NotYet => return Ok(false),
                Arrival::Signal(Signal::Mailbox) => self.give_mailbox()?,
                Arrival::Closed | Arrival::Signal(Signal::Bell) => return Err(Error::Gone { started: true }),
            }
        }
    }

    /// Reads for some microseconds: whether a message is there.
    pub(crate) fn look(&mut self, limit: usize) -> Result<bool> {
        match self.wire.look(limit)? {
            Arrival::Whole => Ok(true),
            Arrival::NotYet => Ok(false),
            Arrival::Signal(Signal::Mailbox) => {
                self.give_mailbox()?;
                self.look(limit)
            }
            Arrival::Closed | Arrival::Signal(Signal::Bell) => Err(Error::Gone { started: true }),
        }
    }

    /// A member asks for a mailbox. None is given twice, nor to other machines.
    fn give_mailbox(&mut self) -> Result<()> {
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
            // Out of descriptors, for example. The socket is as good, only slower.
            Err(_) => self.wire.stream.send_descriptor(Signal::Mailbox, None),
        }
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.stream.as_fd()
    }
}
