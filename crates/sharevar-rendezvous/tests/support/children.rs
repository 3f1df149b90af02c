//! Child processes: forked, killed, waited for.
#![allow(unsafe_code)]

use sharevar_arena::crash;

/// A child process, killed and reaped when dropped.
pub(crate) struct Child {
    id: libc::pid_t,
    is_reaped: bool,
}

impl Child {
    /// Forks; the child runs `body` and ends without returning, and in any case within 50 s.
    pub(crate) fn fork(body: impl FnOnce()) -> Self {
        // SAFETY: the child runs `body`, which uses arenas, pipes and the allocator, all of which
        // are whole after glibc's fork, and then ends by `_exit`.
        Self::begin(unsafe { libc::fork() }, body)
    }

    /// The same without any fork hook.
    pub(crate) fn fork_behind_the_back(body: impl FnOnce()) -> Self {
        // SAFETY: as above; no other thread is in the allocator or in an arena.
        Self::begin(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } as libc::pid_t, body)
    }

    fn begin(id: libc::pid_t, body: impl FnOnce()) -> Self {
        assert!(id >= 0);
        if id == 0 {
            // SAFETY: no memory is involved.
            unsafe { libc::alarm(50) };
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            end(i32::from(done.is_err()));
        }
        Self { id, is_reaped: false }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id as u32
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: no memory is involved; the child is not reaped, so the number is its own.
        assert_eq!(unsafe { libc::kill(self.id, signal) }, 0);
    }

    /// Waits until it has ended, or stopped if `options` say so.
    pub(crate) fn wait(&mut self, options: i32) -> i32 {
        self.wait_if(options).expect("options that wait")
    }

    /// The same; `None` if nothing has happened and the options say not to wait.
    pub(crate) fn wait_if(&mut self, options: i32) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the status is on our stack.
        let waited = unsafe { libc::waitpid(self.id, &raw mut status, options) };
        if waited == 0 {
            return None;
        }
        assert_eq!(waited, self.id);
        self.is_reaped = libc::WIFEXITED(status) || libc::WIFSIGNALED(status);
        Some(status)
    }

    /// Whether it sleeps at this moment: it neither runs nor could run.
    pub(crate) fn is_asleep(&self) -> bool {
        let about = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        about.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    }

    /// Lets a child that [stops to be traced](stop_to_be_traced) go on to the beginning or the end of a
    /// system call, the `at`th of these that it comes to, and kills it there; `false` if it has fewer, and
    /// has ended without a failure.
    pub(crate) fn was_killed_at_call(mut self, at: u64) -> bool {
        let stopped = self.wait(0);
        assert!(libc::WIFSTOPPED(stopped) && libc::WSTOPSIG(stopped) == libc::SIGSTOP, "{stopped:#x}");
        for _ in 0..at {
            // SAFETY: the child is ours, traced and stopped.
            assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, self.id, 0, 0) }, 0);
            let status = self.wait(0);
            if self.is_reaped {
                assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
                return false;
            }
            assert_eq!(libc::WSTOPSIG(status), libc::SIGTRAP, "the child met a signal");
        }
        self.signal(libc::SIGKILL);
        self.was_killed()
    }

    pub(crate) fn ended_well(mut self) {
        let status = self.wait(0);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child failed: {status:#x}");
    }

    /// Waits until it was killed; `false` if it ended by itself, without a failure.
    pub(crate) fn was_killed(mut self) -> bool {
        let status = self.wait(0);
        assert!(libc::WIFSIGNALED(status) || libc::WEXITSTATUS(status) == 0, "the child failed: {status:#x}");
        libc::WIFSIGNALED(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.signal(libc::SIGKILL);
            self.wait(0);
        }
    }
}

/// Runs a test in a process and an IPC namespace of its own: a list of segments that other tests
/// make keeps those alive for a moment that it looks into.
pub(crate) fn alone(body: impl FnOnce()) {
    alone_within(50, body);
}

/// The same for a test that may take so many seconds.
pub(crate) fn alone_within(seconds: u32, body: impl FnOnce()) {
    Child::fork(|| {
        // SAFETY: no memory is involved.
        unsafe { libc::alarm(seconds) };
        leave_namespaces(libc::CLONE_NEWIPC);
        body();
    })
    .ended_well();
}

/// Ends this process at once.
pub(crate) fn end(code: i32) -> ! {
    // SAFETY: no memory is involved.
    unsafe { libc::_exit(code) }
}

/// Sends this process a signal.
pub(crate) fn signal_self(signal: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::raise(signal) };
}

/// Runs `operation`, and sends this process `signal` when it comes to crash point `at`.
pub(crate) fn signalled_at<R>(at: u64, signal: i32, operation: impl FnOnce() -> R) -> R {
    let hook = move |point| {
        if point == at {
            signal_self(signal);
        }
    };
    crash::observe(hook, operation)
}

/// Has the parent trace this process, which stops until it goes on with it.
pub(crate) fn stop_to_be_traced() {
    // SAFETY: no memory is involved.
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    signal_self(libc::SIGSTOP);
}

/// Waits for a signal.
pub(crate) fn pause() -> ! {
    loop {
        // SAFETY: no memory is involved.
        unsafe { libc::pause() };
    }
}

/// Moves this thread into new namespaces.
pub(crate) fn leave_namespaces(flags: i32) {
    // SAFETY: no memory is involved.
    unsafe {
        let user = if libc::geteuid() == 0 { 0 } else { libc::CLONE_NEWUSER };
        let cause = std::io::Error::last_os_error;
        assert_eq!(libc::unshare(flags | user), 0, "needs root or user namespaces: {}", cause());
    }
}
