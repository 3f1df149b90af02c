//! The way to a host: a socket that is connected to where it listens.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::peer;
use crate::settings::Settings;
use crate::stream::Stream;
use crate::wait::Limits;
use rustix::event::PollFlags;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use sharevar_os::CloseOnFork;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// What another machine may take to take notice of us: one that is not there says nothing.
const REACH: Duration = Duration::from_secs(10);

pub(crate) fn reach(address: &Address, settings: &Settings, limits: &mut Limits<'_>) -> Result<Stream> {
    match address {
        Address::Unix(path) => {
            let socket = reach_unix(path, limits).map_err(|error| failed(address, error))?;
            // Who has put a socket there that others own is not who we look for.
            if let Err(reason) = peer::check(socket.as_fd()) {
                return Err(Error::Refused { address: address.clone(), reason });
            }
            Ok(Stream::Plain(CloseOnFork::new(socket)))
        }
        Address::Tcp { host, port } => {
            secure(address, settings)?;
            let targets = Address::resolve(host, *port).map_err(|error| unreachable(address, &error))?;
            let mut last = unreachable(address, &io::Error::other("the name stands for no address"));
            for target in targets {
                match reach_tcp(address, target, limits) {
                    Ok(socket) => return over_tcp(address, socket, settings, limits),
                    Err(error @ Error::Unreachable { .. }) => last = error,
                    Err(error) => return Err(error),
                }
            }
            Err(last)
        }
    }
}

fn unreachable(address: &Address, cause: &io::Error) -> Error {
    Error::Unreachable { address: address.clone(), code: cause.raw_os_error(), cause: cause.to_string() }
}

fn failed(address: &Address, error: Errno) -> Error {
    match error {
        Errno::INTR => Error::Interrupted,
        Errno::AGAIN => Error::TimedOut,
        Errno::MFILE | Errno::NFILE => Error::OutOfDescriptors {
            address: address.clone(),
            cause: io::Error::from(error).to_string(),
            code: error.raw_os_error(),
        },
        error => unreachable(address, &error.into()),
    }
}

/// It waits while the host's queue is full. What follows on the socket never does.
fn reach_unix(path: &Path, limits: &mut Limits<'_>) -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let at = SocketAddrUnix::new(path)?;
    loop {
        let left = limits.left();
        if left == Some(Duration::ZERO) {
            return Err(Errno::AGAIN);
        }
        set_socket_timeout(&socket, Timeout::Send, left)?;
        match connect(&socket, &at) {
            Err(Errno::INTR) if limits.go_on() => {}
            connected => break connected?,
        }
    }
    ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

fn reach_tcp(address: &Address, target: SocketAddr, limits: &mut Limits<'_>) -> Result<OwnedFd> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        socket_with(family, SocketType::STREAM, flags, None).map_err(|error| failed(address, error))?;
    let silence = Instant::now() + REACH;
    loop {
        // Asked again, it says what has become of it.
        match connect(&socket, &target) {
            Ok(()) | Err(Errno::ISCONN) => return Ok(socket),
            Err(Errno::INPROGRESS | Errno::ALREADY) => {}
            Err(error) => return Err(failed(address, error)),
        }
        match limits.at_most(silence).wait(socket.as_fd(), PollFlags::OUT) {
            Err(Error::TimedOut) if limits.left() != Some(Duration::ZERO) => {
                return Err(failed(address, Errno::TIMEDOUT));
            }
            waited => waited?,
        }
    }
}

#[cfg_attr(not(feature = "tls"), allow(unused_variables))]
fn over_tcp(
    address: &Address,
    socket: OwnedFd,
    settings: &Settings,
    limits: &mut Limits<'_>,
) -> Result<Stream> {
    peer::prepare_tcp(&socket).map_err(Error::io("cannot prepare a connection"))?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &settings.tls {
        return Ok(Stream::Tls(Box::new(tls.connect(address, socket, limits)?)));
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
