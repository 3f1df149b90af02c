//! The addresses of this user's hosts: Unix sockets in a private directory.

use super::error::{Error, Result};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Pid, test_kill_process};
use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_transport::{Address, private_directory};
use std::path::Path;

/// With a directory of `/tmp` in front, and the ending, it fits into a socket's path of 107 bytes.
const LONGEST: usize = 60;

/// Returns the address of the host of that name, as [`Host::name`](super::Host::name) sets it.
pub fn named(name: &str) -> Result<Address> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > LONGEST || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err(Error::NotAName { name: name.to_owned() });
    }
    let file = format!("{name}.named");
    Ok(Address::Unix(private_directory(file.len())?.join(file)))
}

/// Returns an address that no host has yet, for a host that this process starts or is. The host
/// removes the socket. That of one which was killed goes when an address is asked for after the end
/// of this process, too.
pub fn unused() -> Result<Address> {
    let mut bytes = [0; 8];
    while getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {}
    let file = format!("{}-{:016x}.host", std::process::id(), u64::from_le_bytes(bytes));
    let directory = private_directory(file.len())?;
    // The sockets of killed hosts do no harm, so one that cannot be removed is no error.
    let _ = sweep(&directory);
    Ok(Address::Unix(directory.join(file)))
}

/// Removes the sockets of hosts that were killed, and whose starters have ended.
fn sweep(directory: &Path) -> std::io::Result<()> {
    // A host that binds its socket holds this lock until it listens: before that it would seem dead.
    let turn = openat(CWD, directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    flock(&turn, FlockOperation::LockExclusive)?;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_suffix(".host")?.split_once('-'));
        let Some(process) = process.and_then(|(process, _)| Pid::from_raw(process.parse().ok()?)) else {
            continue;
        };
        // The number may be that of a living host in another PID namespace: that one listens.
        if test_kill_process(process) == Err(Errno::SRCH) && !is_listened_to(&entry.path())? {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a process listens at a socket. One that is too busy for another connection does.
fn is_listened_to(path: &Path) -> rustix::io::Result<bool> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(connect(&probe, &SocketAddrUnix::new(path)?) != Err(Errno::CONNREFUSED))
}
