//! Tests in processes of their own: what they fork, tell and hear.
//!
//! Each test runs in a process of its own with a time limit, so that descriptors and mappings can
//! be total; its children are told and heard through pipes.
#![allow(unsafe_code)]
#![allow(dead_code)] // Each test binary uses a part.

use crate::scenarios::{KINDS, NUMBER, assert_clean, immortal, put_block};
use sharevar_arena::{Participant, Variable};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub(crate) const ISOLATED: &str = "SHAREVAR_TEST_ISOLATED";
/// Below that of a test.
const LIMIT: Duration = Duration::from_secs(50);

/// Runs `body` in a process of its own, and counts what it leaves behind.
pub(crate) fn isolated(name: &str, body: fn()) {
    isolated_within(LIMIT, name, body);
}

/// The same with a time limit of its own.
pub(crate) fn isolated_within(limit: Duration, name: &str, body: fn()) {
    if std::env::var(ISOLATED).is_ok() {
        let before = (descriptors(), mappings());
        body();
        assert_eq!((descriptors(), mappings()), before, "descriptors and mappings before and after");
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(ISOLATED, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = rustix::process::Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let waiter = std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()).unwrap());
    let output = receiver.recv_timeout(limit);
    if output.is_err() {
        // It is not reaped before `waiter` ends, so the id is still its own.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
    }
    waiter.join().unwrap();
    let output = output.expect("in time");
    let text = String::from_utf8_lossy(&output.stderr);
    let _ = write!(std::io::stderr(), "{text}");
    assert!(output.status.success(), "{name}: {}", output.status);
}

pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Mappings of arenas and of the lives of participants.
pub(crate) fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd:sharevar")).count()
}

/// A child process, killed and reaped when dropped.
pub(crate) struct Child {
    pub(crate) id: libc::pid_t,
    pub(crate) reaped: bool,
}

impl Child {
    /// Forks; the child runs `body` and ends without returning, and in any case within 30 s.
    pub(crate) fn fork(body: impl FnOnce()) -> Self {
        // SAFETY: the child runs `body`, which uses the arena, pipes and the allocator, all of
        // which are whole after glibc's fork, and then ends by `_exit`.
        Self::begin(unsafe { libc::fork() }, body)
    }

    /// The same without any fork hook.
    pub(crate) fn fork_behind_the_back(body: impl FnOnce()) -> Self {
        // SAFETY: as above; no other thread is in the allocator or in the arena.
        Self::begin(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } as libc::pid_t, body)
    }

    pub(crate) fn begin(id: libc::pid_t, body: impl FnOnce()) -> Self {
        assert!(id >= 0);
        if id == 0 {
            // SAFETY: no memory is involved.
            unsafe { libc::alarm(30) };
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(i32::from(done.is_err())) };
        }
        Self { id, reaped: false }
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: no memory is involved; the child is not reaped, so the id is its own.
        assert_eq!(unsafe { libc::kill(self.id, signal) }, 0);
    }

    pub(crate) fn wait(&mut self, options: i32) -> i32 {
        let mut status = 0;
        // SAFETY: the status is on our stack.
        assert_eq!(unsafe { libc::waitpid(self.id, &raw mut status, options) }, self.id);
        self.reaped = libc::WIFEXITED(status) || libc::WIFSIGNALED(status);
        status
    }

    /// Waits until it has ended, and leaves it unreaped.
    pub(crate) fn wait_unreaped(&self) {
        let mut about = std::mem::MaybeUninit::<libc::siginfo_t>::uninit();
        let options = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: what is written lives on our stack.
        assert_eq!(unsafe { libc::waitid(libc::P_PID, self.id as u32, about.as_mut_ptr(), options) }, 0);
    }

    pub(crate) fn ended_well(mut self) {
        let status = self.wait(0);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child failed: {status:#x}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(libc::SIGKILL);
            self.wait(0);
        }
    }
}

pub(crate) fn say(pipe: &mut PipeWriter) {
    pipe.write_all(b".").unwrap();
}

pub(crate) fn hear(pipe: &mut PipeReader) {
    pipe.read_exact(&mut [0]).unwrap();
}

/// Waits until every writing end is closed.
pub(crate) fn hear_the_end(mut pipe: PipeReader) {
    let mut rest = Vec::new();
    pipe.read_to_end(&mut rest).unwrap();
}

pub(crate) fn arena() -> (Arc<Participant>, Variable) {
    let participant = Participant::create_arena(Some(32 << 20), KINDS).unwrap();
    let variable = immortal(&participant);
    put_block(&participant, variable, 0, 64, 1).unwrap();
    (participant, variable)
}

pub(crate) fn count_up(participant: &Participant, variable: Variable) {
    let mut transaction = participant.begin().unwrap();
    transaction.lock(variable).unwrap();
    let number = transaction.body(variable, NUMBER);
    transaction.set_body(variable, NUMBER, number + 1).unwrap();
    transaction.commit().unwrap();
}

/// Looks after the dead and expects `slots` living.
pub(crate) fn assert_swept(participant: &Participant, slots: u64) {
    participant.sweep().unwrap();
    assert_eq!(participant.slots_in_use(), slots);
    assert_clean(participant, "after the sweep");
}
