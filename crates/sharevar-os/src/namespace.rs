//! The namespaces of this thread: numbers of segments and of processes count only in one.

use rustix::fs::AtFlags;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Returns the inode of the calling thread's IPC namespace, unless it cannot be found out.
pub fn ipc() -> Option<u64> {
    inode("ipc", IPC)
}

/// Returns the inode of this process's pid namespace, unless it cannot be found out.
pub fn pid() -> Option<u64> {
    inode("pid", PID)
}

/// `PIDFD_GET_IPC_NAMESPACE` and `PIDFD_GET_PID_NAMESPACE`, since Linux 6.11.
const IPC: libc::Ioctl = 0xff02;
const PID: libc::Ioctl = 0xff05;

fn inode(name: &str, request: libc::Ioctl) -> Option<u64> {
    // Of the thread and not of the process: `unshare` and `setns` move one thread.
    let path = format!("/proc/thread-self/ns/{name}");
    match rustix::fs::statat(rustix::fs::CWD, path, AtFlags::empty()) {
        Ok(stat) => Some(stat.st_ino),
        Err(_) => inode_without_proc(request),
    }
}

#[allow(unsafe_code)]
fn inode_without_proc(request: libc::Ioctl) -> Option<u64> {
    let me =
        rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty()).ok()?;
    // SAFETY: the request has no argument and gives back a new descriptor, or -1.
    let number = unsafe { libc::ioctl(me.as_raw_fd(), request, 0) };
    if number < 0 {
        return None;
    }
    // SAFETY: the kernel has just made it for us.
    let namespace = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::fs::fstat(namespace.as_fd()).ok().map(|stat| stat.st_ino)
}
