//! The addresses of this user's hosts: Unix sockets in a private directory.

use super::error::{Error, Result};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use sharevar_os::random_bytes;
use sharevar_transport::{
    Address, is_listened_to, make_private_directory, private_directory, remove_sockets,
};
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
    let file = format!("{}-{:016x}.host", std::process::id(), u64::from_le_bytes(random_bytes()));
    remove_sockets(&private_directory(file.len())?, is_of_dead_host);
    Ok(Address::Unix(make_private_directory(file.len())?.join(file)))
}

/// Whether a socket is that of a host that was killed, and whose starter has ended.
fn is_of_dead_host(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let process = name.and_then(|name| name.strip_suffix(".host")?.split_once('-'));
    let process = process.and_then(|(process, _)| Pid::from_raw(process.parse().ok()?));
    // The number may be that of a living host in another PID namespace: that one listens.
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
        && is_listened_to(path).is_ok_and(|is_listened_to| !is_listened_to)
}
