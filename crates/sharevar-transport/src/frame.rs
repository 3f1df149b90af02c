//! Frames: messages that follow their lengths.

use crate::error::{Error, Result};
use crate::stream::{Stream, failed};
use std::io;

/// Bytes of the length before a message, little-endian.
pub(crate) const HEADER: usize = 4;
/// The least number of bytes to read at a time.
const MIN_READ: usize = 4 << 10;
/// A buffer that has grown beyond this is freed after its message.
const MAX_KEPT_BUFFER: usize = 1 << 20;

/// The outcome of an attempt to read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A whole message has arrived.
    Whole,
    /// No message is whole, and there is nothing more to read for now.
    NotYet,
    /// A signal has arrived.
    Signal(Signal),
    /// The other side has closed the connection.
    Closed,
}

/// A value in the place of a length that no message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A message is in the mailbox.
    Doorbell,
    /// A client asks for a mailbox. The host answers with the same signal and the descriptor.
    Mailbox,
}

/// The lengths from here on are signals.
const SIGNALS: u32 = 0xffff_ff00;
/// The longest message that a frame can have, in bytes: the highest value of
/// [`Settings::max_frame`](crate::Settings::max_frame).
pub const LARGEST_FRAME: usize = SIGNALS as usize - 1;

impl Signal {
    pub(crate) fn header(self) -> [u8; HEADER] {
        let number = match self {
            Self::Doorbell => 1,
            Self::Mailbox => 2,
        };
        (SIGNALS + number).to_le_bytes()
    }

    pub(crate) fn of_header(header: [u8; HEADER]) -> Option<Self> {
        [Self::Doorbell, Self::Mailbox].into_iter().find(|signal| signal.header() == header)
    }
}

/// Reads frames from a stream without waiting.
///
/// The length of a message is checked before memory is allocated, and the buffer grows only as the
/// bytes arrive. So a peer that announces a long message and sends little costs little memory.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: Vec<u8>,
    /// The offset of the message's header.
    start: usize,
    /// The end of the bytes that were read.
    filled: usize,
}

impl FrameReader {
    /// Reads the bytes that have arrived until a message is whole.
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
            self.reserve(wanted);
            match stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(Arrival::Closed),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Arrival::NotYet),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("cannot read from a connection", error)),
            }
        }
    }

    /// The message that is whole.
    pub(crate) fn message(&self) -> &[u8] {
        let length = self.length().unwrap_or(0);
        &self.buffer[self.start + HEADER..][..length]
    }

    /// Removes the message that is whole.
    pub(crate) fn consume(&mut self) {
        self.skip(HEADER + self.length().unwrap_or(0));
    }

    /// Removes the signal that has arrived.
    pub(crate) fn consume_signal(&mut self) {
        self.skip(HEADER);
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.filled {
            self.start = 0;
            self.filled = 0;
            if self.buffer.len() > MAX_KEPT_BUFFER {
                self.buffer = Vec::new();
            }
        }
    }

    /// Whether no byte of a next message has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.filled
    }

    /// Frees the buffer if it is empty.
    pub(crate) fn free_buffer(&mut self) {
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

    /// Grows the buffer for a message of `wanted` bytes: at most to twice the bytes that have arrived.
    fn reserve(&mut self, wanted: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.filled == self.buffer.len() || self.buffer.len() < MIN_READ {
            let more = (wanted - self.filled).min(self.filled.max(MIN_READ)).max(MIN_READ);
            self.buffer.resize(self.filled + more, 0);
        }
    }
}

/// Makes the header of a message of `length` bytes.
pub(crate) fn header(length: usize, limit: usize) -> Result<[u8; HEADER]> {
    match u32::try_from(length) {
        Ok(short) if length <= limit && short < SIGNALS => Ok(short.to_le_bytes()),
        _ => Err(Error::TooLarge { asked: length as u64, limit: limit.min(SIGNALS as usize - 1) as u64 }),
    }
}
