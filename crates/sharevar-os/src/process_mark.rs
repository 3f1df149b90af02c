//! Process number and pidfd, as a sign that a process lives.
//!
//! It does not see exec, so it only supports other signs. A number alone says nothing, since
//! numbers are used again; the inode of a pidfd (Linux 6.9) is not.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};
use std::os::fd::{AsFd, OwnedFd};

/// The file system of pidfds. Before it there was one inode for all of them.
const PIDFS: i64 = 0x5049_4446;

/// Returns a number that no other process has had or will have; 0 if the kernel gives none.
pub fn birth() -> u64 {
    open(rustix::process::getpid()).ok().and_then(|process| inode(&process)).unwrap_or(0)
}

/// Whether the process of that number and birth exists; it may have executed another program.
/// `None` if the kernel gives no answer.
pub fn exists(number: u32, birth: u64) -> Option<bool> {
    let pid = Pid::from_raw(i32::try_from(number).ok()?)?;
    if test_kill_process(pid) == Err(Errno::SRCH) {
        return Some(false);
    }
    match open(pid) {
        Ok(process) if inode(&process)? != birth => Some(false),
        Ok(process) => Some(!has_ended(&process)?),
        Err(Errno::SRCH) => Some(false),
        Err(_) => None,
    }
}

fn open(pid: Pid) -> rustix::io::Result<OwnedFd> {
    pidfd_open(pid, PidfdFlags::empty())
}

fn inode(process: &OwnedFd) -> Option<u64> {
    let system = rustix::fs::fstatfs(process).ok()?;
    if system.f_type as i64 != PIDFS {
        return None;
    }
    rustix::fs::fstat(process).ok().map(|stat| stat.st_ino)
}

fn has_ended(process: &OwnedFd) -> Option<bool> {
    let mut polled = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
    let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).ok().map(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_exists_under_its_own_birth_only() {
        let birth = birth();
        if birth == 0 {
            return; // Before Linux 6.9 there is no such number.
        }
        let me = std::process::id();
        assert_eq!(exists(me, birth), Some(true));
        assert_eq!(exists(me, birth + 1), Some(false));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let id = child.id();
        child.wait().unwrap();
        assert_eq!(exists(id, birth), Some(false));
    }
}
