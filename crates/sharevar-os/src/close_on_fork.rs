//! Sockets that forked children do not inherit.
//!
//! While a connection is open in any process, its peer does not learn of the death of the process
//! that used it. Linux closes descriptors on `exec` and not on `fork`; this does.

use crate::fork_hooks::at_fork;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

/// A socket of this process alone. A child that libc's `fork` makes has a socket without a peer in
/// its place.
#[derive(Debug)]
pub struct CloseOnFork {
    /// Its number is listed.
    socket: ManuallyDrop<OwnedFd>,
}

impl CloseOnFork {
    /// Keeps `socket` from children forked from now on.
    pub fn new(socket: OwnedFd) -> Self {
        let Ok(kept) = Self::make(|| Ok::<_, Infallible>(socket));
        kept
    }

    /// Keeps the socket that `make` makes from all children: another thread that forks meanwhile
    /// waits. So `make` must not wait.
    pub fn make<E>(make: impl FnOnce() -> Result<OwnedFd, E>) -> Result<Self, E> {
        let mut open = prepare();
        Ok(Self::listed(make()?, &mut open))
    }

    /// Keeps both sockets of a pair from all children, as [`make`](Self::make) keeps one. Otherwise a child
    /// that is forked in between has the second one, and neither side learns of its end.
    pub fn make_pair<E>(make: impl FnOnce() -> Result<(OwnedFd, OwnedFd), E>) -> Result<(Self, Self), E> {
        let mut open = prepare();
        let (one, two) = make()?;
        Ok((Self::listed(one, &mut open), Self::listed(two, &mut open)))
    }

    fn listed(socket: OwnedFd, open: &mut Open) -> Self {
        let number = socket.as_raw_fd();
        open.insert(number);
        Self { socket: ManuallyDrop::new(socket) }
    }

    /// Returns the socket, which children inherit from now on.
    #[allow(unsafe_code)]
    pub fn into_inner(self) -> OwnedFd {
        let mut this = ManuallyDrop::new(self);
        open().remove(&this.socket.as_raw_fd());
        // SAFETY: `this` is neither used again nor dropped.
        unsafe { ManuallyDrop::take(&mut this.socket) }
    }
}

impl Drop for CloseOnFork {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // Closed under the lock: a number that is listed is that of an open socket of ours, and a child that is
        // forked in between would keep a socket that is not listed any more.
        let mut open = open();
        open.remove(&self.socket.as_raw_fd());
        // SAFETY: nothing uses it after this.
        unsafe { ManuallyDrop::drop(&mut self.socket) };
    }
}

impl AsFd for CloseOnFork {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

static OPEN: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());
/// A socket without a peer.
static DEAD: OnceLock<OwnedFd> = OnceLock::new();

type Open = MutexGuard<'static, BTreeSet<RawFd>>;

fn open() -> Open {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks the list, for which forks wait from then on.
fn prepare() -> Open {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(|| at_fork(before, after_in_parent, after_in_child));
    if DEAD.get().is_none()
        && let Ok((dead, _gone)) = UnixStream::pair()
    {
        // Another thread's is as good.
        let _ = DEAD.set(dead.into());
    }
    open()
}

thread_local! {
    /// The list's lock, which the forking thread holds across the fork: no other thread, which the
    /// child would not have, holds it meanwhile.
    static HELD: RefCell<Option<Open>> = const { RefCell::new(None) };
}

extern "C" fn before() {
    HELD.set(Some(open()));
}

extern "C" fn after_in_parent() {
    drop(HELD.take());
}

#[allow(unsafe_code)]
extern "C" fn after_in_child() {
    let Some(open) = HELD.take() else { return };
    let Some(dead) = DEAD.get() else { return };
    for number in &*open {
        // SAFETY: both are open descriptors. The owner of the second in this copy of the process's
        // memory still has an open one, and no other thread exists that could use it.
        let _ = unsafe { libc::dup3(dead.as_raw_fd(), *number, libc::O_CLOEXEC) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::yield_now;

    /// Forks. The result of the child's part is the child's exit code.
    #[allow(unsafe_code)]
    fn fork(child: impl FnOnce() -> bool) -> i32 {
        // SAFETY: the child runs its part, which uses no other thread's locks, and ends at once.
        match unsafe { libc::fork() } {
            // SAFETY: it ends this process without running anything of the copied test.
            0 => unsafe { libc::_exit(i32::from(!child())) },
            pid => pid,
        }
    }

    #[allow(unsafe_code)]
    fn ending(pid: i32) -> i32 {
        let mut status = 0;
        // SAFETY: `status` is a place for an int.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        status
    }

    #[test]
    fn a_forked_child_has_another_in_its_place() {
        let (mut theirs, ours) = UnixStream::pair().unwrap();
        let (mut kept, given) = UnixStream::pair().unwrap();
        let socket = CloseOnFork::new(ours.into());
        let given = CloseOnFork::new(given.into()).into_inner();
        assert!(open().contains(&socket.as_fd().as_raw_fd()) && !open().contains(&given.as_raw_fd()));
        let (mut may_go, mut go) = std::io::pipe().unwrap();
        let child = fork(|| {
            // It is at its end; the other is not.
            let mut inherited = UnixStream::from(socket.as_fd().try_clone_to_owned().unwrap());
            let is_at_end = inherited.read(&mut [0]).unwrap() == 0 && inherited.write(b"x").is_err();
            let is_there = UnixStream::from(given.try_clone().unwrap()).write(b"g").is_ok();
            // It lives until the parent has seen what is gone.
            may_go.read(&mut [0]).unwrap() == 1 && is_at_end && is_there
        });
        let mut mine = UnixStream::from(socket.as_fd().try_clone_to_owned().unwrap());
        mine.write_all(b"m").unwrap();
        drop((mine, socket));
        let mut said = Vec::new();
        theirs.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"m");
        let mut first = [0];
        kept.read_exact(&mut first).unwrap();
        assert_eq!(first, *b"g");
        go.write_all(b"!").unwrap();
        assert_eq!(ending(child), 0);
    }

    #[allow(unsafe_code)]
    fn this_thread() -> i32 {
        // SAFETY: it has no arguments and cannot fail.
        unsafe { libc::gettid() }
    }

    fn sleeps(thread: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        stat.rsplit(')').next().unwrap().starts_with(" S")
    }

    /// Forks a child while another thread runs `make`. The function that `make` is handed returns once the fork waits
    /// for the list, or is done.
    fn fork_meanwhile<T: Send>(
        make: impl FnOnce(&dyn Fn()) -> T + Send,
        child: impl FnOnce() -> bool,
    ) -> (T, i32) {
        let (is_made, begins, has_forked) =
            (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        let forking = this_thread();
        let await_fork = || {
            is_made.store(true, Ordering::SeqCst);
            while !(begins.load(Ordering::SeqCst) && sleeps(forking) || has_forked.load(Ordering::SeqCst)) {
                yield_now();
            }
        };
        std::thread::scope(|scope| {
            let making = scope.spawn(|| make(&await_fork));
            while !is_made.load(Ordering::SeqCst) {
                yield_now();
            }
            begins.store(true, Ordering::SeqCst);
            let child = fork(child);
            has_forked.store(true, Ordering::SeqCst);
            (making.join().unwrap(), child)
        })
    }

    #[test]
    fn a_child_that_is_forked_meanwhile_has_another_in_its_place() {
        let (mut theirs, ours) = UnixStream::pair().unwrap();
        let (mut may_go, mut go) = std::io::pipe().unwrap();
        let make = |await_fork: &dyn Fn()| {
            CloseOnFork::make(|| {
                await_fork();
                Ok::<_, Infallible>(ours.into())
            })
        };
        let (socket, child) = fork_meanwhile(make, || may_go.read(&mut [0]).unwrap() == 1);
        drop(socket);
        // At its end though the child lives: it does not have the socket.
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
        go.write_all(b"!").unwrap();
        assert_eq!(ending(child), 0);
    }

    #[test]
    fn a_child_that_is_forked_meanwhile_has_no_end_of_a_pair() {
        let (mut may_go, mut go) = std::io::pipe().unwrap();
        let make = |await_fork: &dyn Fn()| {
            CloseOnFork::make_pair(|| {
                let (one, two) = UnixStream::pair()?;
                await_fork();
                Ok::<_, std::io::Error>((one.into(), two.into()))
            })
        };
        let (pair, child) = fork_meanwhile(make, || may_go.read(&mut [0]).unwrap() == 1);
        let (one, two) = pair.unwrap();
        drop(two);
        let mut one = UnixStream::from(one.into_inner());
        assert_eq!(one.read(&mut [0]).unwrap(), 0);
        go.write_all(b"!").unwrap();
        assert_eq!(ending(child), 0);
    }
}
