//! A client's end of a connection.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::frame::{Arrival, Signal};
use crate::handshake::{self, Answer};
use crate::mailbox::Mailbox;
use crate::reach::reach;
use crate::session::Session;
use crate::settings::Settings;
use crate::stream::{Stream, is_gone};
use crate::wait::{Limits, wait};
use crate::wire::Wire;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// The request with which a client asks for a mailbox: most connections have fewer.
const BEFORE_MAILBOX: u32 = 8;
/// How the complaint begins of who hears something that is not TLS.
const TLS_ALERT: &[u8] = &[21, 3];

/// One connection to a host: a message, its answer, the next message.
///
/// A connection that is dropped is closed, which cancels what was asked for last.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    max_frame: usize,
    life: u128,
    /// Requests that were sent, until there is a mailbox or none is to be had.
    sent: u32,
    /// Whether the host is on this machine, by a socket that can bring a mailbox.
    may_share_memory: bool,
}

impl Connection {
    /// Connects, and makes sure that both sides know the key.
    pub fn open(address: &Address, settings: &Settings) -> Result<Self> {
        Self::open_within(address, settings, None, &mut || true).map_err(|error| no_host(address, error))
    }

    /// The same until `until`, and for as long as `goes_on` says so, which is asked at each
    /// signal; if it does not it is [`Error::Interrupted`]. Without `until` a host is waited for as
    /// long as it lives. One that goes away before it has said who it is, is [`Error::Gone`].
    pub(crate) fn open_within(
        address: &Address,
        settings: &Settings,
        until: Option<Instant>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self> {
        let limits = &mut Limits::new(until, goes_on);
        let mut stream = reach(address, settings, limits)?;
        // Who expects TLS is silent until he hears something, and knows by this that it is none.
        let announced = if stream.is_plain() && !matches!(address, Address::Unix(_)) {
            handshake::ANNOUNCEMENT
        } else {
            &[]
        };
        stream.send_frame(announced, limits)?;
        let greeting = read_greeting(address, &mut stream, limits)?;
        let channel = stream.channel();
        let hello = handshake::hello(&settings.key, &greeting, &channel, Session::of_this_process());
        let frame = [&(handshake::HELLO as u32).to_le_bytes()[..], &hello].concat();
        stream.send_frame(&frame[announced.len()..], limits)?;
        let mut wire = Wire::new(stream);
        loop {
            match wire.read(handshake::MAX_FRAME) {
                Ok(Arrival::Whole) => break,
                Ok(Arrival::NotYet) => limits.wait(wire.stream.as_fd(), PollFlags::IN)?,
                // A standard server closes the connection, or answers in its own way.
                Ok(Arrival::Closed | Arrival::Signal(_)) | Err(_) => {
                    return Err(Error::NotAHost { address: address.clone() });
                }
            }
        }
        let answer = handshake::check_answer(&settings.key, &greeting, &channel, &hello, wire.message());
        wire.consume();
        let life = match answer {
            Answer::Welcome(life) => life,
            Answer::Refused(reason) => return Err(Error::Refused { address: address.clone(), reason }),
            Answer::Impostor => return Err(Error::Impostor { address: address.clone() }),
        };
        let may_share_memory = matches!(address, Address::Unix(_));
        Ok(Self { wire, max_frame: settings.max_frame, life, sent: 0, may_share_memory })
    }

    /// The number that no other life of a host has.
    pub fn life(&self) -> u128 {
        self.life
    }

    /// Sends a message. It waits while the host does not read, until `until`.
    pub fn send(&mut self, message: &[u8], until: Option<Instant>) -> Result<()> {
        self.send_in(message, &mut Limits::until(until))
    }

    /// The same, for as long as `goes_on` says so, which is asked at each signal; if it does not it
    /// is [`Error::Interrupted`], and the connection is of no use any more.
    pub fn send_within(
        &mut self,
        message: &[u8],
        until: Option<Instant>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        self.send_in(message, &mut Limits::new(until, goes_on))
    }

    /// Sends a message if the host takes it at once. If not the connection is of no use any more.
    pub fn send_at_once(&mut self, message: &[u8]) -> Result<()> {
        self.wire.send(message, self.max_frame, &mut Limits::at_once())
    }

    /// Whether the next message is sent with a question of ours, whose answer is waited for.
    pub fn asks_next(&self) -> bool {
        self.may_share_memory && self.sent == BEFORE_MAILBOX - 1
    }

    fn send_in(&mut self, message: &[u8], limits: &mut Limits<'_>) -> Result<()> {
        let asks = self.asks_next();
        self.sent = self.sent.saturating_add(1);
        if asks {
            self.ask_for_mailbox(limits)?;
        }
        self.wire.send(message, self.max_frame, limits)
    }

    /// It is worth its pages for who calls again and again.
    fn ask_for_mailbox(&mut self, limits: &mut Limits<'_>) -> Result<()> {
        if !self.wire.reader.is_empty() {
            return Ok(());
        }
        self.wire.stream.send_signal(Signal::Mailbox, limits)?;
        match self.wire.stream.receive_descriptor(limits)? {
            (Some(Signal::Mailbox), Some(file)) => self.wire.open_mailbox(Mailbox::open(&file)?),
            // The host has none to give. Its socket is as good, only slower.
            (Some(Signal::Mailbox), None) => {}
            _ => return Err(Error::Gone { started: false }),
        }
        Ok(())
    }

    /// The next message, waited for until `until`. After [`Error::Interrupted`] and
    /// [`Error::TimedOut`] it may be waited for again; after any other error the connection is of no
    /// use.
    pub fn receive(&mut self, until: Option<Instant>) -> Result<&[u8]> {
        if !self.look()? {
            let begin = Instant::now();
            loop {
                wait(self.wire.stream.as_fd(), PollFlags::IN, until)?;
                if self.try_read()? {
                    break;
                }
            }
            self.wire.learn(begin.elapsed());
        }
        Ok(self.message())
    }

    /// Looks for the next message for some microseconds: whether it is there.
    pub fn look(&mut self) -> Result<bool> {
        let looked = self.wire.look(self.max_frame);
        self.arrived(looked)
    }

    /// Whether the next message is there, without looking longer. For event loops: as long as it
    /// is not, whatever comes makes the descriptor readable.
    pub fn try_read(&mut self) -> Result<bool> {
        let read = self.wire.read(self.max_frame);
        self.arrived(read)
    }

    fn arrived(&self, read: Result<Arrival>) -> Result<bool> {
        match read {
            Ok(Arrival::Whole) => Ok(true),
            Ok(Arrival::NotYet) => Ok(false),
            Ok(Arrival::Closed) => Err(Error::Gone { started: self.wire.was_read(true) }),
            Err(Error::Gone { started }) => Err(Error::Gone { started: self.wire.was_read(started) }),
            // Nobody has asked for it.
            Ok(Arrival::Signal(_)) => Err(Error::Gone { started: true }),
            Err(error) => Err(error),
        }
    }

    /// The message that [`look`](Self::look) or [`try_read`](Self::try_read) found.
    pub fn message(&self) -> &[u8] {
        self.wire.message()
    }

    /// Lets go of the message that was received: the next may be asked for.
    pub fn consume(&mut self) {
        self.wire.consume();
    }

    /// Whether nothing was sent to us that nobody asked for, which includes that the host is gone.
    pub(crate) fn is_quiet(&self) -> bool {
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

/// The greeting comes in the frame of `multiprocessing.connection`: a big-endian `i32`, and so
/// many bytes.
fn read_greeting(address: &Address, stream: &mut Stream, limits: &mut Limits<'_>) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    read_exact(stream, &mut length, limits)?;
    if length.starts_with(TLS_ALERT) {
        return Err(Error::Tls {
            cause: format!(
                "{address} does not speak in plain text; say whom to believe: `Tls::client`, in Python \
                 `tls=sharevar.TLS(authorities=...)`"
            ),
        });
    }
    let length = u32::from_be_bytes(length) as usize;
    if !(handshake::CHALLENGE.len()..=handshake::MAX_GREETING).contains(&length) {
        return Err(Error::NotAHost { address: address.clone() });
    }
    let mut greeting = vec![0; length];
    read_exact(stream, &mut greeting, limits)?;
    if greeting.starts_with(handshake::CHALLENGE) {
        Ok(greeting)
    } else {
        Err(Error::NotAHost { address: address.clone() })
    }
}

fn read_exact(stream: &mut Stream, mut buffer: &mut [u8], limits: &mut Limits<'_>) -> Result<()> {
    while !buffer.is_empty() {
        match stream.read(buffer) {
            Ok(0) => return Err(Error::Gone { started: false }),
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                limits.wait(stream.as_fd(), PollFlags::IN)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if is_gone(&error) => return Err(Error::Gone { started: false }),
            Err(error) => return Err(Error::io("cannot read from a connection")(error)),
        }
    }
    Ok(())
}

/// A host that went away before it had said who it is.
pub(crate) fn no_host(address: &Address, error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Unreachable {
            code: None,
            address: address.clone(),
            cause: "it closed the connection during the handshake".to_owned(),
        },
        error => error,
    }
}
