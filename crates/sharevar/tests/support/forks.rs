//! Forked children that run a function, and how they ended.

/// Forks a child that runs `child`. It exits with 0 if that returns true.
#[allow(unsafe_code)]
pub(crate) fn fork(child: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child only runs `child`, which uses the arena (whose fork hooks make it whole
    // there), sockets and the allocator (which libc makes whole), and leaves by `_exit`. No other
    // thread of this process holds a lock of ours.
    match unsafe { libc::fork() } {
        0 => {
            let right = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
            // SAFETY: ends the process without the test harness's exit.
            unsafe { libc::_exit(i32::from(!right)) }
        }
        -1 => panic!("cannot fork"),
        pid => pid,
    }
}

/// Waits for a child's end and returns its status, as `waitpid` gives it.
#[allow(unsafe_code)]
pub(crate) fn status_of(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a place for an int.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

/// Waits for a child's end; whether its function returned true.
pub(crate) fn join(pid: i32) -> bool {
    let status = status_of(pid);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}
