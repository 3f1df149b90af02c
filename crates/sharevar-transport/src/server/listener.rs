//! The socket at an address.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::peer;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, chmod, flock, openat, statat, unlink};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen,
    shutdown, socket_with,
};
use sharevar_os::CloseOnFork;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: CloseOnFork,
    address: Address,
    file: Option<SocketFile>,
}

impl Listener {
    pub(crate) fn bind(address: &Address) -> Result<Self> {
        match address {
            Address::Unix(path) => bind_unix(path),
            Address::Tcp { host, port } => bind_tcp(address, host, *port),
        }
        .map_err(|cause| Error::CannotListen {
            address: address.clone(),
            code: cause.raw_os_error(),
            cause: cause.to_string(),
        })
    }

    /// Where it listens, with the port that the kernel chose.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The next one who waits, if there is one; he will not make anybody wait.
    pub(crate) fn accept(&self) -> rustix::io::Result<OwnedFd> {
        let socket = accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        if let Address::Tcp { .. } = self.address {
            // A connection that is gone already is found so when it is read.
            let _ = peer::prepare_tcp(&socket);
        }
        Ok(socket)
    }

    /// Lets nobody connect any more, and others listen there.
    pub(crate) fn close(&self) {
        // It is not connected, which this says, and ends listening all the same.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }

    /// Takes the socket's file away, unless another host has taken the place.
    pub(crate) fn withdraw(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn bind_tcp(address: &Address, host: &str, port: u16) -> std::io::Result<Listener> {
    let targets = Address::resolve(host, port)?;
    let socket = TcpListener::bind(&targets[..])?;
    let port = socket.local_addr()?.port();
    socket.set_nonblocking(true)?;
    let address = match address {
        Address::Tcp { host, .. } => Address::Tcp { host: host.clone(), port },
        other @ Address::Unix(_) => other.clone(),
    };
    Ok(Listener { socket: CloseOnFork::new(socket.into()), address, file: None })
}

fn bind_unix(path: &Path) -> std::io::Result<Listener> {
    let path = std::path::absolute(path)?;
    let at = SocketAddrUnix::new(&path)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // One at a time: of two who find a dead host's socket, the second must not remove the first's.
    let directory = path.parent().unwrap_or(Path::new("/"));
    let turn = openat(CWD, directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    flock(&turn, FlockOperation::LockExclusive)?;
    match bind(&socket, &at) {
        Err(Errno::ADDRINUSE) => {
            let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            match connect(&probe, &at) {
                // Its host is dead: nobody listens.
                Err(Errno::CONNREFUSED) => unlink(&path)?,
                _ => return Err(Errno::ADDRINUSE.into()),
            }
            bind(&socket, &at)?;
        }
        bound => bound?,
    }
    chmod(&path, Mode::RUSR | Mode::WUSR)?;
    let stat = statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW)?;
    listen(&socket, BACKLOG)?;
    ioctl_fionbio(&socket, true)?;
    let file = SocketFile { path: path.clone(), identity: (stat.st_dev, stat.st_ino) };
    let socket = CloseOnFork::new(socket);
    Ok(Listener { socket, address: Address::Unix(path), file: Some(file) })
}

/// The name of a Unix socket in the file system, which outlives it.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn remove(&self) {
        let found = statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.identity) {
            // It may be gone meanwhile, which is what we want.
            let _ = unlink(&self.path);
        }
    }
}
