//! A connection as the host sees it.

use crate::error::{Error, Result};
use crate::frame::{Arrival, FrameReader};
use crate::handshake::{self, Rejected};
use crate::patience::Patience;
use crate::session::Session;
use crate::settings::Key;
use crate::stream::Stream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// A connection, from its arrival on.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) stream: Stream,
    pub(crate) reader: FrameReader,
    pub(crate) patience: Patience,
    stage: Stage,
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
    Admitted(Session),
    /// It speaks another protocol.
    Foreign,
    /// It is to be dropped.
    Turned,
}

impl Guest {
    /// A new arrival, which is greeted at once: the greeting fits into the socket's buffer.
    pub(crate) fn greet(stream: Stream, stranger: Stranger) -> Result<Self> {
        let mut guest = Self {
            stream,
            reader: FrameReader::default(),
            patience: Patience::default(),
            stage: Stage::Stranger(stranger),
        };
        let Stage::Stranger(Stranger { greeting, .. }) = &guest.stage else { return Ok(guest) };
        let mut frame = (greeting.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(greeting);
        guest.stream.send_frame(&frame, Some(Instant::now()))?;
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
            Stage::Stranger(Stranger { greeting, refused: None, .. }) => Some((self.stream, greeting)),
            _ => None,
        }
    }

    /// Takes in what a stranger has said.
    pub(crate) fn admit(&mut self, key: &Key, life: u128) -> Entrance {
        let Stage::Stranger(stranger) = &self.stage else { return Entrance::NotYet };
        if let (Stream::Plain(_), true) = (&self.stream, self.reader.is_empty()) {
            // A hello of ours has its length first. Of others nothing is taken.
            let mut first = [0; 4];
            match self.stream.peek(&mut first) {
                Ok(0) => return Entrance::Turned,
                Ok(count) if first[..count] != (handshake::HELLO as u32).to_le_bytes()[..count] => {
                    return Entrance::Foreign;
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Entrance::NotYet,
                Err(_) => return Entrance::Turned,
            }
        }
        match self.reader.read(&mut self.stream, handshake::MAX_FRAME) {
            Ok(Arrival::Whole) => {}
            Ok(Arrival::NotYet) => return Entrance::NotYet,
            Ok(Arrival::Closed) | Err(_) => return Entrance::Turned,
        }
        let hello = self.reader.message();
        let channel = self.stream.channel();
        let (answer, session) = match handshake::check_hello(key, &stranger.greeting, &channel, hello) {
            Err(Rejected::NotAHello) => return Entrance::Turned,
            Err(Rejected::WrongKey) => (handshake::refusal("it knows another key"), None),
            Ok(session) => match &stranger.refused {
                Some(reason) => (handshake::refusal(reason), None),
                None => (handshake::welcome(key, &stranger.greeting, &channel, hello, life), Some(session)),
            },
        };
        self.reader.consume();
        let sent = self.stream.send_message(&answer, handshake::MAX_FRAME, Some(Instant::now()));
        match (session, sent) {
            (Some(session), Ok(())) => {
                self.stage = Stage::Member(session);
                Entrance::Admitted(session)
            }
            _ => Entrance::Turned,
        }
    }

    /// Reads what is there of the next message: whether it is whole.
    pub(crate) fn read(&mut self, limit: usize) -> Result<bool> {
        match self.reader.read(&mut self.stream, limit)? {
            Arrival::Whole => Ok(true),
            Arrival::NotYet => Ok(false),
            Arrival::Closed => Err(Error::Gone { started: true }),
        }
    }

    /// Reads for some microseconds: whether a message is there.
    pub(crate) fn look(&mut self, limit: usize) -> Result<bool> {
        let Self { stream, reader, patience, .. } = self;
        let found = patience.look(|| match reader.read(stream, limit) {
            Ok(Arrival::NotYet) => None,
            read => Some(read),
        });
        match found {
            None => Ok(false),
            Some(Ok(Arrival::Closed)) => Err(Error::Gone { started: true }),
            Some(read) => read.map(|_| true),
        }
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
