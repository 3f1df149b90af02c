//! The kernel's facts about the other side, and the options of its socket.

use rustix::io::ioctl_fionbio;
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl, set_tcp_nodelay,
    set_tcp_user_timeout, socket_peercred,
};
use rustix::net::{AddressFamily, getsockname};
use rustix::process::geteuid;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Checks that the other end of a Unix socket belongs to the same user or to root. The error is the
/// reason.
pub(crate) fn check(socket: BorrowedFd<'_>) -> Result<(), String> {
    let peer =
        socket_peercred(socket).map_err(|error| format!("the other side's user is unknown: {error}"))?;
    if peer.uid == geteuid() || peer.uid.is_root() {
        Ok(())
    } else {
        Err(format!("it belongs to user {}, this process to user {}", peer.uid.as_raw(), geteuid().as_raw()))
    }
}

/// The number of the process that connected the other end of a Unix socket.
pub(crate) fn process(socket: BorrowedFd<'_>) -> Option<u32> {
    if getsockname(socket).ok()?.address_family() != AddressFamily::UNIX {
        return None;
    }
    let peer = socket_peercred(socket).ok()?;
    u32::try_from(peer.pid.as_raw_pid()).ok()
}

/// Sets the options of a TCP socket: small messages are sent at once, and a machine that has vanished
/// is noticed after about half a minute.
pub(crate) fn prepare_tcp(socket: &impl AsFd) -> std::io::Result<()> {
    ioctl_fionbio(socket, true)?;
    set_tcp_nodelay(socket, true)?;
    set_socket_keepalive(socket, true)?;
    set_tcp_keepidle(socket, Duration::from_secs(15))?;
    set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    set_tcp_keepcnt(socket, 3)?;
    set_tcp_user_timeout(socket, 30_000)?;
    Ok(())
}
