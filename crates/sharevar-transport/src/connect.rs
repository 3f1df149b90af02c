//! Connecting a socket to a host.

use crate::address::Address;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::peer;
use crate::relay::{Relay, RelayedSocket};
use crate::settings::Settings;
use crate::stream::Stream;
use rustix::event::PollFlags;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, socketpair};
use sharevar_os::{CloseOnFork, off_standard_streams};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

/// The time in which another machine must accept a TCP connection. A missing machine sends nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn open_stream(
    address: &Address,
    settings: &Settings,
    deadline: &mut Deadline<'_>,
) -> Result<Stream> {
    match address {
        Address::Unix(path) => {
            let socket = connect_unix(path, deadline).map_err(|error| failed(address, error))?;
            // A socket of another user is not the host's: that user has put it there.
            if let Err(reason) = peer::check(socket.as_fd()) {
                return Err(Error::Refused { address: address.clone(), reason });
            }
            Ok(Stream::Plain(socket))
        }
        Address::Tcp { host, port } => {
            check_security(address, settings)?;
            let targets = Address::resolve(host, *port).map_err(|error| unreachable(address, &error))?;
            let mut last = unreachable(address, &io::Error::other("the name has no address"));
            for target in targets {
                match connect_tcp(address, target, deadline) {
                    Ok(socket) => return prepare_tcp_stream(address, socket, settings, deadline),
                    Err(error @ Error::Unreachable { .. }) => last = error,
                    Err(error) => return Err(error),
                }
            }
            Err(last)
        }
        Address::Relayed(relayed) => {
            check_security(address, settings)?;
            let RelayedSocket { socket, delivery } =
                connect_relayed(address, relayed.relay()?, relayed.as_str(), deadline)?;
            Ok(Stream::Relayed(socket, Some(delivery)))
        }
    }
}

/// Connects through a relay in a thread of its own: neither the deadline nor a signal ends the relay's wait for its
/// server. A connection that comes too late is closed.
fn connect_relayed(
    address: &Address,
    relay: &'static dyn Relay,
    text: &str,
    deadline: &mut Deadline<'_>,
) -> Result<RelayedSocket> {
    let failed = |cause: Errno| failed(address, cause);
    let (seen, is_done) = CloseOnFork::make_pair(|| {
        let flags = SocketFlags::CLOEXEC;
        let (seen, is_done) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        Ok((off_standard_streams(seen)?, off_standard_streams(is_done)?))
    })
    .map_err(failed)?;
    let (answer, connected) = mpsc::sync_channel(1);
    let (text, until) = (text.to_owned(), deadline.end());
    let connecting = thread::Builder::new().name("sharevar-connect".to_owned());
    let started = connecting.spawn(move || {
        // A caller that has given up has no room for it.
        let _ = answer.try_send(relay.connect(&text, until));
        drop(is_done);
    });
    started.map_err(Error::io("cannot start a thread to connect"))?;
    loop {
        match connected.try_recv() {
            Ok(connected) => return connected.map_err(|cause| not_relayed(address, &cause)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                return Err(unreachable(address, &io::Error::other("the relay has failed")));
            }
        }
        deadline.wait(seen.as_fd(), PollFlags::IN)?;
    }
}

fn not_relayed(address: &Address, cause: &io::Error) -> Error {
    match cause.raw_os_error().map(Errno::from_raw_os_error) {
        Some(errno @ (Errno::MFILE | Errno::NFILE)) => failed(address, errno),
        _ if cause.kind() == io::ErrorKind::TimedOut => Error::TimedOut,
        _ => unreachable(address, cause),
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

/// Makes a socket that is this process's alone.
pub(crate) fn make_socket(family: AddressFamily, flags: SocketFlags) -> rustix::io::Result<CloseOnFork> {
    CloseOnFork::make(|| socket_with(family, SocketType::STREAM, flags, None).and_then(off_standard_streams))
}

/// Connects to a Unix socket. Only this waits in the kernel, while the host's queue is full; later
/// operations on the socket do not block.
fn connect_unix(path: &Path, deadline: &mut Deadline<'_>) -> rustix::io::Result<CloseOnFork> {
    let socket = make_socket(AddressFamily::UNIX, SocketFlags::CLOEXEC)?;
    let at = SocketAddrUnix::new(path)?;
    loop {
        let sleep = deadline.longest_sleep();
        if sleep == Some(Duration::ZERO) {
            return Err(Errno::AGAIN);
        }
        set_socket_timeout(&socket, Timeout::Send, sleep)?;
        match connect(&socket, &at) {
            Err(Errno::INTR | Errno::AGAIN) => {
                if deadline.left() == Some(Duration::ZERO) {
                    return Err(Errno::AGAIN);
                }
                if !deadline.continues() {
                    return Err(Errno::INTR);
                }
            }
            connected => break connected?,
        }
    }
    ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

fn connect_tcp(address: &Address, target: SocketAddr, deadline: &mut Deadline<'_>) -> Result<CloseOnFork> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = make_socket(family, flags).map_err(|error| failed(address, error))?;
    let give_up = Instant::now() + CONNECT_TIMEOUT;
    loop {
        // A second call returns the result of the first.
        match connect(&socket, &target) {
            Ok(()) | Err(Errno::ISCONN) => return Ok(socket),
            Err(Errno::INPROGRESS | Errno::ALREADY) => {}
            Err(error) => return Err(failed(address, error)),
        }
        match deadline.at_most(give_up).wait(socket.as_fd(), PollFlags::OUT) {
            Err(Error::TimedOut) if deadline.left() != Some(Duration::ZERO) => {
                return Err(failed(address, Errno::TIMEDOUT));
            }
            waited => waited?,
        }
    }
}

#[cfg_attr(not(feature = "tls"), allow(unused_variables))]
fn prepare_tcp_stream(
    address: &Address,
    socket: CloseOnFork,
    settings: &Settings,
    deadline: &mut Deadline<'_>,
) -> Result<Stream> {
    peer::prepare_tcp(&socket).map_err(Error::io("cannot prepare a connection"))?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &settings.tls {
        return Ok(Stream::Tls(Box::new(tls.connect(address, socket, deadline)?)));
    }
    Ok(Stream::Plain(socket))
}

/// Checks that the settings are secure enough for an address: TCP needs a key, and beyond this machine
/// also TLS or explicit permission for plain text. A relay needs a key, too, and decides by itself which
/// servers are secure enough.
pub(crate) fn check_security(address: &Address, settings: &Settings) -> Result<()> {
    if matches!(address, Address::Unix(_)) {
        return Ok(());
    }
    if settings.key.is_empty() {
        return Err(Error::KeyNeeded { address: address.clone() });
    }
    #[cfg(feature = "tls")]
    if let (Address::Relayed(_), Some(_)) = (address, &settings.tls) {
        let cause =
            format!("{address} is the place of a server, whose certificates secure it: give the host none");
        return Err(Error::Tls { cause });
    }
    if matches!(address, Address::Relayed(_)) {
        return Ok(());
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{bind, listen};

    #[test]
    fn a_signal_that_interrupts_no_sleep_ends_the_wait_for_a_full_queue() {
        let path = std::env::temp_dir().join(format!("{}.full", std::process::id()));
        let host = make_socket(AddressFamily::UNIX, SocketFlags::CLOEXEC).unwrap();
        bind(&host, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&host, 0).unwrap();
        let mut goes_on = || true;
        let mut connected = Vec::new();
        let refused = loop {
            let soon = Instant::now() + Duration::from_millis(1);
            match connect_unix(&path, &mut Deadline::new(Some(soon), &mut goes_on)) {
                Ok(socket) => connected.push(socket),
                Err(error) => break error,
            }
            assert!(connected.len() < 10);
        };
        assert_eq!(refused, Errno::AGAIN);
        let mut looks = 0;
        let mut goes_on = || {
            looks += 1;
            looks < 2
        };
        let waited = connect_unix(&path, &mut Deadline::new(None, &mut goes_on)).unwrap_err();
        assert_eq!((waited, looks), (Errno::INTR, 2));
        std::fs::remove_file(&path).unwrap();
    }
}
