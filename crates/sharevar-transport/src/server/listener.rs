//! The socket, or the place at a relay, that listens at an address.

use crate::address::Address;
use crate::connect::make_socket;
use crate::directory;
use crate::error::{Error, Result};
use crate::peer;
use crate::relay::RelayListener;
use rustix::fs::{AtFlags, CWD, Mode, chmod, statat, unlink};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, accept_with, bind, connect, listen, shutdown,
};
use sharevar_os::{CloseOnFork, off_standard_streams};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// The most connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A socket that listens, or a place at a relay.
#[derive(Debug)]
pub(crate) struct Listener {
    source: Source,
    address: Address,
    file: Option<SocketFile>,
}

/// The source of connections.
#[derive(Debug)]
enum Source {
    Socket(CloseOnFork),
    Relay(Box<dyn RelayListener>),
}

impl Listener {
    pub(crate) fn bind(address: &Address) -> Result<Self> {
        match address {
            Address::Unix(path) => bind_unix(path),
            Address::Tcp { host, port } => bind_tcp(address, host, *port),
            Address::Relayed(relayed) => relayed.relay()?.listen(relayed.as_str()).map(|listener| Self {
                source: Source::Relay(listener),
                address: address.clone(),
                file: None,
            }),
        }
        .map_err(|cause| Error::CannotListen {
            address: address.clone(),
            code: cause.raw_os_error().or(code_of(cause.kind())),
            cause: cause.to_string(),
        })
    }

    /// The address, with the port that the kernel has chosen.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts the next connection, if one waits. Its socket is non-blocking.
    pub(crate) fn accept(&self) -> rustix::io::Result<CloseOnFork> {
        let socket = match &self.source {
            Source::Relay(listener) => return listener.accept(),
            Source::Socket(socket) => socket,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = CloseOnFork::make(|| accept_with(socket, flags).and_then(off_standard_streams))?;
        if let Address::Tcp { .. } = self.address {
            // This fails for a connection that is closed already. The next read finds that out.
            let _ = peer::prepare_tcp(&socket);
        }
        Ok(socket)
    }

    /// Ends listening, so that another host can use the address.
    pub(crate) fn close(&self) {
        match &self.source {
            Source::Relay(listener) => listener.close(),
            // The error "not connected" is expected; the socket stops listening all the same.
            Source::Socket(socket) => drop(shutdown(socket, Shutdown::Both)),
        }
    }

    /// Removes the socket's file, unless it is that of another host by now.
    pub(crate) fn remove_file(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Socket(socket) => socket.as_fd(),
            Source::Relay(listener) => listener.as_fd(),
        }
    }
}

/// The kernel's number for an error that a relay gives.
fn code_of(kind: std::io::ErrorKind) -> Option<i32> {
    (kind == std::io::ErrorKind::AddrInUse).then_some(Errno::ADDRINUSE.raw_os_error())
}

fn bind_tcp(address: &Address, host: &str, port: u16) -> std::io::Result<Listener> {
    let targets = Address::resolve(host, port)?;
    let mut port = port;
    let socket = CloseOnFork::make(|| {
        let socket = TcpListener::bind(&targets[..])?;
        port = socket.local_addr()?.port();
        socket.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(socket.into())
    })?;
    let address = match address {
        Address::Tcp { host, .. } => Address::Tcp { host: host.clone(), port },
        other => other.clone(),
    };
    Ok(Listener { source: Source::Socket(socket), address, file: None })
}

fn bind_unix(path: &Path) -> std::io::Result<Listener> {
    let path = std::path::absolute(path)?;
    let at = SocketAddrUnix::new(&path)?;
    let socket = make_socket(AddressFamily::UNIX, SocketFlags::CLOEXEC)?;
    // One host at a time: of two that find a dead host's socket, the second must not remove the
    // socket of the first.
    let _lock = directory::lock(path.parent().unwrap_or(Path::new("/")))?;
    match bind(&socket, &at) {
        Err(Errno::ADDRINUSE) => {
            // If no process listens, the host is dead.
            if is_listened_to(&path)? {
                return Err(Errno::ADDRINUSE.into());
            }
            unlink(&path)?;
            bind(&socket, &at)?;
        }
        bound => bound?,
    }
    chmod(&path, Mode::RUSR | Mode::WUSR)?;
    let stat = statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW)?;
    listen(&socket, BACKLOG)?;
    ioctl_fionbio(&socket, true)?;
    let file = SocketFile { path: path.clone(), identity: (stat.st_dev, stat.st_ino) };
    Ok(Listener { source: Source::Socket(socket), address: Address::Unix(path), file: Some(file) })
}

/// Returns whether a process listens at a Unix socket. One that is too busy for another connection does.
pub fn is_listened_to(path: &Path) -> rustix::io::Result<bool> {
    let probe = make_socket(AddressFamily::UNIX, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    Ok(connect(&probe, &SocketAddrUnix::new(path)?) != Err(Errno::CONNREFUSED))
}

/// The file of a Unix socket, which outlives the socket.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn remove(&self) {
        let found = statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.identity) {
            directory::remove_socket(&self.path);
        }
    }
}
