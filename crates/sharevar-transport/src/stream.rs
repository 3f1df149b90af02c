//! A non-blocking socket, with or without TLS, or of a relay.

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frame::{self, Signal};
use crate::relay::Delivery;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recv, recvmsg, sendmsg,
};
use sharevar_os::CloseOnFork;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) enum Stream {
    Plain(CloseOnFork),
    #[cfg(feature = "tls")]
    Tls(Box<crate::tls::TlsStream>),
    /// A socket whose other end a relay has; at a client with what the relay knows of its bytes.
    Relayed(CloseOnFork, Option<Arc<dyn Delivery>>),
}

impl Stream {
    /// Reads the bytes that have arrived. 0 is the end of the stream; `WouldBlock` if there are none.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) | Self::Relayed(socket, _) => {
                Ok(recv(&*socket, buffer, RecvFlags::DONTWAIT)?.0)
            }
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Copies the next bytes without taking them from the socket. Not for TLS.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self, buffer, RecvFlags::PEEK | RecvFlags::DONTWAIT)?.0)
    }

    /// Sends bytes that contain their header, and waits while the other side does not read.
    pub(crate) fn send_frame(&mut self, frame: &[u8], deadline: &mut Deadline<'_>) -> Result<()> {
        self.send(&[], frame, deadline)
    }

    /// Sends a signal with a descriptor, or without one. Only for Unix sockets.
    pub(crate) fn send_descriptor(
        &mut self,
        signal: Signal,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = descriptor.into_iter().collect();
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match sendmsg(&*self, &[IoSlice::new(&signal.header())], &mut control, flags) {
            Ok(frame::HEADER) => Ok(()),
            // A client that asks for a descriptor waits for it, so the socket has room.
            Ok(_) => Err(Error::Io { what: "cannot send a descriptor", cause: "the socket is full".into() }),
            Err(error) => Err(Error::io("cannot send a descriptor")(error.into())),
        }
    }

    /// Receives the answer to a signal, and the descriptor that comes with it.
    pub(crate) fn receive_descriptor(
        &mut self,
        deadline: &mut Deadline<'_>,
    ) -> Result<(Option<Signal>, Option<OwnedFd>)> {
        let mut header = [0; frame::HEADER];
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
            let received = recvmsg(&*self, &mut [IoSliceMut::new(&mut header)], &mut control, flags);
            match received.map(|received| received.bytes) {
                Ok(0) => return Err(Error::Gone { started: false }),
                Ok(frame::HEADER) => {
                    let descriptor = control.drain().find_map(|message| match message {
                        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
                        _ => None,
                    });
                    return Ok((Signal::of_header(header), descriptor));
                }
                Ok(_) => return Ok((None, None)),
                Err(Errno::AGAIN) => deadline.wait(self.as_fd(), PollFlags::IN)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed("cannot read from a connection", error.into())),
            }
        }
    }

    /// Sends a message, and waits while the other side does not read.
    pub(crate) fn send_message(
        &mut self,
        message: &[u8],
        limit: usize,
        deadline: &mut Deadline<'_>,
    ) -> Result<()> {
        self.send(&frame::header(message.len(), limit)?, message, deadline)
    }

    fn send(&mut self, mut header: &[u8], mut body: &[u8], deadline: &mut Deadline<'_>) -> Result<()> {
        while !(header.is_empty() && body.is_empty()) {
            match self.write(header, body) {
                Ok(count) => {
                    let of_header = count.min(header.len());
                    header = &header[of_header..];
                    body = &body[count - of_header..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    deadline.wait(self.as_fd(), PollFlags::OUT)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("cannot write to a connection", error)),
            }
        }
        self.flush(deadline)
    }

    fn write(&mut self, header: &[u8], body: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) | Self::Relayed(socket, _) => {
                let parts = [IoSlice::new(header), IoSlice::new(body)];
                let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                Ok(sendmsg(&*socket, &parts, &mut SendAncillaryBuffer::default(), flags)?)
            }
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(if header.is_empty() { body } else { header }),
        }
    }

    #[cfg_attr(not(feature = "tls"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn flush(
        &mut self,
        #[cfg_attr(not(feature = "tls"), allow(unused))] deadline: &mut Deadline<'_>,
    ) -> Result<()> {
        #[cfg(feature = "tls")]
        if let Self::Tls(stream) = self {
            while !stream.flush().map_err(Error::io("cannot write to a connection"))? {
                deadline.wait(stream.as_fd(), PollFlags::OUT)?;
            }
        }
        Ok(())
    }

    /// Whether the socket is used without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Relayed(..))
    }

    /// Whether the other end of the socket is a relay's.
    pub(crate) fn is_relayed(&self) -> bool {
        matches!(self, Self::Relayed(..))
    }

    /// Whether the other side, which is gone, may have read the last message. `by_socket` is the answer of the
    /// socket, which knows of a relayed one whether the relay has read it.
    pub(crate) fn was_read(&self, by_socket: bool) -> bool {
        match self {
            Self::Relayed(_, Some(delivery)) => by_socket && delivery.may_be_read(),
            _ => by_socket,
        }
    }

    /// Whether there is something to read.
    pub(crate) fn has_unread(&self) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|count| count > 0)
    }

    /// Whether the other side has closed its end, so that no caller waits for the reply.
    pub(crate) fn is_disconnected(&self) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::RDHUP)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|count| count > 0)
    }

    /// A secret of the two ends of this TLS channel (RFC 8446, section 7.5); empty without TLS.
    pub(crate) fn channel(&self) -> Vec<u8> {
        match self {
            Self::Plain(_) | Self::Relayed(..) => Vec::new(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.channel(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) | Self::Relayed(socket, _) => socket.as_fd(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.as_fd(),
        }
    }
}

/// The error of a connection that cannot be read or written. If the other side has closed it, that side has not
/// read our last message.
pub(crate) fn failed(what: &'static str, error: io::Error) -> Error {
    if is_gone(&error) { Error::Gone { started: false } } else { Error::io(what)(error) }
}

/// Whether an error means that the other side has closed the connection.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
    )
}
