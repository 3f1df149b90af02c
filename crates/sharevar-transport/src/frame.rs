//! Messages with their lengths before them.

use crate::error::{Error, Result};
use crate::stream::{Stream, is_gone};
use std::io;

/// Bytes of the length before a message, little-endian.
pub(crate) const HEADER: usize = 4;
/// What is read at a time, at least.
const PIECE: usize = 4 << 10;
/// A buffer that has grown beyond this is given back after its message.
const KEPT: usize = 1 << 20;

/// What became of an attempt to read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is there whole.
    Whole,
    /// There is nothing more to read for now.
    NotYet,
    /// No message, but a signal, whole.
    Signal(Signal),
    /// The other side has closed the connection.
    Closed,
}

/// What is said in place of a length: no message is as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Look into the mailbox.
    Bell,
    /// A client asks for a mailbox; the host's answer brings it.
    Mailbox,
}

/// The lengths from here on are signals.
const SIGNALS: u32 = 0xffff_ff00;
/// The most bytes that a message can have: the highest value of
/// [`Settings::max_frame`](crate::Settings::max_frame).
pub const LARGEST_FRAME: usize = SIGNALS as usize - 1;

impl Signal {
    pub(crate) fn header(self) -> [u8; HEADER] {
        let number = match self {
            Self::Bell => 1,
            Self::Mailbox => 2,
        };
        (SIGNALS + number).to_le_bytes()
    }

    pub(crate) fn of_header(header: [u8; HEADER]) -> Option<Self> {
        [Self::Bell, Self::Mailbox].into_iter().find(|signal| signal.header() == header)
    }
}

/// Collects messages from a stream, without waiting.
///
/// A message's length is checked before memory is asked for, and memory grows only as its bytes
/// arrive: who claims much and sends little costs little.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: Vec<u8>,
    /// Where the message begins, with its header.
    start: usize,
    /// Where what was read ends.
    filled: usize,
}

impl FrameReader {
    /// Reads what is there until a message is whole.
    pub(crate) fn read(&mut self, stream: &mut Stream, limit: usize) -> Result<Arrival> {
        loop {
            if let Some(signal) = self.signal() {
                return Ok(Arrival::Signal(signal));
            }
            let wanted = match self.length() {
                Some(length) if length > limit => {
                    return Err(Error::TooLarge { asked: length as u64, limit: limit as u64 });
                }
                Some(length) if self.filled - self.start >= HEADER + length => return Ok(Arrival::Whole),
                Some(length) => HEADER + length,
                None => HEADER,
            };
            self.make_room(wanted);
            match stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(Arrival::Closed),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Arrival::NotYet),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The other side has closed it with something unread: what we have sent last.
                Err(error) if is_gone(&error) => return Err(Error::Gone { started: false }),
                Err(error) => return Err(Error::io("cannot read from a connection")(error)),
            }
        }
    }

    /// The message that is there whole.
    pub(crate) fn message(&self) -> &[u8] {
        let length = self.length().unwrap_or(0);
        &self.buffer[self.start + HEADER..][..length]
    }

    /// Lets go of the message that is there whole.
    pub(crate) fn consume(&mut self) {
        self.skip(HEADER + self.length().unwrap_or(0));
    }

    /// Lets go of the signal that is there.
    pub(crate) fn consume_signal(&mut self) {
        self.skip(HEADER);
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.filled {
            self.start = 0;
            self.filled = 0;
            if self.buffer.len() > KEPT {
                self.buffer = Vec::new();
            }
        }
    }

    /// Whether nothing of a next message has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.filled
    }

    /// Gives the buffer back while nothing is in it.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    fn header(&self) -> Option<[u8; HEADER]> {
        self.buffer[self.start..self.filled].first_chunk().copied()
    }

    fn signal(&self) -> Option<Signal> {
        self.header().and_then(Signal::of_header)
    }

    fn length(&self) -> Option<usize> {
        Some(u32::from_le_bytes(self.header()?) as usize)
    }

    /// Room for some more of a message of `wanted` bytes: at most as much again as has come.
    fn make_room(&mut self, wanted: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.filled == self.buffer.len() || self.buffer.len() < PIECE {
            let more = (wanted - self.filled).min(self.filled.max(PIECE)).max(PIECE);
            self.buffer.resize(self.filled + more, 0);
        }
    }
}

/// The header of a message of so many bytes.
pub(crate) fn header(length: usize, limit: usize) -> Result<[u8; HEADER]> {
    match u32::try_from(length) {
        Ok(short) if length <= limit && short < SIGNALS => Ok(short.to_le_bytes()),
        _ => Err(Error::TooLarge { asked: length as u64, limit: limit.min(SIGNALS as usize - 1) as u64 }),
    }
}
