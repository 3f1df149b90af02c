//! A client's end of a connection.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::frame::{Arrival, Signal};
use crate::handshake::{self, Answer};
use crate::mailbox::Mailbox;
use crate::peer;
use crate::session::Session;
use crate::settings::Settings;
use crate::stream::{Stream, is_gone, wait};
use crate::wire::Wire;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use sharevar_arena::CloseOnFork;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// What a host may take to answer a handshake. A stopped one is not waited for longer.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// What it may take to reach another machine.
const REACH: Duration = Duration::from_secs(10);
/// The request with which a client asks for a mailbox: most connections have fewer.
const BEFORE_MAILBOX: u32 = 8;

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
        Self::open_within(address, settings, None, &mut || true)
    }

    /// The same until `until`, and for as long as `goes_on` says so, which is asked at each
    /// signal; if it does not it is [`Error::Interrupted`].
    pub fn open_within(
        address: &Address,
        settings: &Settings,
        until: Option<Instant>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self> {
        let silence = Instant::now() + HANDSHAKE;
        let limit = until.map_or(silence, |until| until.min(silence));
        match Self::shake_hands(address, settings, limit, goes_on) {
            // It was not the caller's time that was over.
            Err(Error::TimedOut) if limit == silence => Err(Error::Unreachable {
                address: address.clone(),
                code: None,
                cause: "it does not answer".to_owned(),
            }),
            opened => opened,
        }
    }

    fn shake_hands(
        address: &Address,
        settings: &Settings,
        until: Instant,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self> {
        let mut stream = reach(address, settings, goes_on)?;
        let may_share_memory = matches!(address, Address::Unix(_));
        if let Address::Unix(_) = address {
            // Who has put a socket there that others own is not who we look for.
            if let Err(reason) = peer::check(stream.as_fd()) {
                return Err(Error::Refused { address: address.clone(), reason });
            }
        }
        let greeting = read_greeting(address, &mut stream, until, goes_on)?;
        let channel = stream.channel();
        let hello = handshake::hello(&settings.key, &greeting, &channel, Session::of_this_process());
        stream
            .send_message(&hello, handshake::MAX_FRAME, Some(until))
            .map_err(|error| no_host(address, error))?;
        let mut wire = Wire::new(stream);
        loop {
            match wire.read(handshake::MAX_FRAME) {
                Ok(Arrival::Whole) => break,
                Ok(Arrival::NotYet) => readable(&wire.stream, until, goes_on)?,
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
        Ok(Self { wire, max_frame: settings.max_frame, life, sent: 0, may_share_memory })
    }

    /// The number that no other life of a host has.
    pub fn life(&self) -> u128 {
        self.life
    }

    /// Sends a message. It waits while the host does not read, until `until`.
    pub fn send(&mut self, message: &[u8], until: Option<Instant>) -> Result<()> {
        self.sent = self.sent.saturating_add(1);
        if self.sent == BEFORE_MAILBOX && self.may_share_memory {
            self.ask_for_mailbox()?;
        }
        self.wire.send(message, self.max_frame, until)
    }

    /// It is worth its pages for who calls again and again.
    fn ask_for_mailbox(&mut self) -> Result<()> {
        if !self.wire.reader.is_empty() {
            return Ok(());
        }
        self.wire.stream.send_signal(Signal::Mailbox)?;
        match self.wire.stream.receive_descriptor(Instant::now() + HANDSHAKE)? {
            (Some(Signal::Mailbox), Some(file)) => self.wire.open_mailbox(Mailbox::open(&file)?),
            // The host has none to give. Its socket is as good, only slower.
            (Some(Signal::Mailbox), None) => {}
            _ => return Err(Error::Gone { started: false }),
        }
        Ok(())
    }

    /// The next message, waited for until `until`. After [`Error::Interrupted`] it may be waited
    /// for again; after any other error the connection is of no use.
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

fn reach(address: &Address, settings: &Settings, goes_on: &mut dyn FnMut() -> bool) -> Result<Stream> {
    let unreachable = |cause: std::io::Error| Error::Unreachable {
        address: address.clone(),
        code: cause.raw_os_error(),
        cause: cause.to_string(),
    };
    match address {
        Address::Unix(path) => {
            let socket = (|| {
                let socket =
                    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
                // It waits while the host's queue is full; what follows never does.
                let at = SocketAddrUnix::new(path)?;
                loop {
                    match connect(&socket, &at) {
                        Err(Errno::INTR) if goes_on() => {}
                        connected => break connected?,
                    }
                }
                ioctl_fionbio(&socket, true)?;
                Ok::<_, std::io::Error>(socket)
            })();
            match socket {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(Error::Interrupted),
                socket => Ok(Stream::Plain(CloseOnFork::new(socket.map_err(unreachable)?))),
            }
        }
        Address::Tcp { host, port } => {
            secure(address, settings)?;
            let mut failed = std::io::Error::other("the name stands for no address");
            for target in Address::resolve(host, *port).map_err(unreachable)? {
                match TcpStream::connect_timeout(&target, REACH) {
                    Ok(socket) => return over_tcp(address, socket.into(), settings),
                    Err(error) => failed = error,
                }
            }
            Err(unreachable(failed))
        }
    }
}

#[cfg_attr(not(feature = "tls"), allow(unused_variables))]
fn over_tcp(address: &Address, socket: OwnedFd, settings: &Settings) -> Result<Stream> {
    peer::prepare_tcp(&socket).map_err(Error::io("cannot prepare a connection"))?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &settings.tls {
        return Ok(Stream::Tls(Box::new(tls.connect(address, socket, Instant::now() + HANDSHAKE)?)));
    }
    Ok(Stream::Plain(CloseOnFork::new(socket)))
}

/// Whether what is said at an address may be said as it is: not on TCP without a key, and not in
/// plain text beyond this machine.
pub(crate) fn secure(address: &Address, settings: &Settings) -> Result<()> {
    if matches!(address, Address::Unix(_)) {
        return Ok(());
    }
    if settings.key.is_empty() {
        return Err(Error::KeyNeeded { address: address.clone() });
    }
    #[cfg(feature = "tls")]
    let encrypted = settings.tls.is_some();
    #[cfg(not(feature = "tls"))]
    let encrypted = false;
    if encrypted || settings.plaintext || address.is_local() {
        Ok(())
    } else {
        Err(Error::Plaintext { address: address.clone() })
    }
}

/// The greeting comes in the frame of `multiprocessing.connection`: a big-endian `i32`, and so
/// many bytes.
fn read_greeting(
    address: &Address,
    stream: &mut Stream,
    until: Instant,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    read_exact(address, stream, &mut length, until, goes_on)?;
    let length = u32::from_be_bytes(length) as usize;
    if !(handshake::CHALLENGE.len()..=handshake::MAX_GREETING).contains(&length) {
        return Err(Error::NotAHost { address: address.clone() });
    }
    let mut greeting = vec![0; length];
    read_exact(address, stream, &mut greeting, until, goes_on)?;
    if greeting.starts_with(handshake::CHALLENGE) {
        Ok(greeting)
    } else {
        Err(Error::NotAHost { address: address.clone() })
    }
}

fn read_exact(
    address: &Address,
    stream: &mut Stream,
    mut buffer: &mut [u8],
    until: Instant,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<()> {
    while !buffer.is_empty() {
        match stream.read(buffer) {
            Ok(0) => return Err(no_host(address, Error::Gone { started: false })),
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                readable(stream, until, goes_on)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if is_gone(&error) => return Err(no_host(address, Error::Gone { started: false })),
            Err(error) => return Err(Error::io("cannot read from a connection")(error)),
        }
    }
    Ok(())
}

/// A host that went away before it had said who it is.
fn no_host(address: &Address, error: Error) -> Error {
    match error {
        Error::Gone { .. } => Error::Unreachable {
            code: None,
            address: address.clone(),
            cause: "it closed the connection during the handshake".to_owned(),
        },
        error => error,
    }
}

/// A handshake goes on over signals: begun anew at each, it would never end under many.
fn readable(stream: &Stream, until: Instant, goes_on: &mut dyn FnMut() -> bool) -> Result<()> {
    match wait(stream.as_fd(), PollFlags::IN, Some(until)) {
        Err(Error::Interrupted) if goes_on() => Ok(()),
        waited => waited,
    }
}
