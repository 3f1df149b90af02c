//! Waits for a holder of which nothing can be known: they end with an error.
#![allow(unsafe_code)]

use sharevar::shm::{RawRwLock, RawSemaphore};
use sharevar::{Error, Manager, Result};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Runs `body` in a forked child, which ends within 50 s. The child's number.
fn fork(body: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs `body` and ends by `_exit`; glibc's fork leaves the allocator whole.
    let id = unsafe { libc::fork() };
    assert!(id >= 0);
    if id == 0 {
        // SAFETY: no memory is involved.
        unsafe { libc::alarm(50) };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(done.is_err())) };
    }
    id
}

fn leave_namespace(flag: i32) {
    // SAFETY: no memory is involved.
    let left = unsafe { libc::unshare(flag) };
    assert_eq!(left, 0, "needs root or user namespaces: {}", std::io::Error::last_os_error());
}

/// A child whose own child takes something by `hold` and stands there, seen by no witness; then
/// the child does `wait`.
fn beside_an_unknown_holder(manager: &Manager, hold: fn(&Manager), wait: fn(&Manager)) {
    let child = fork(|| {
        let semaphore = manager.named("semaphore").semaphore(1).unwrap();
        // SAFETY: a number; the arena finds out that it has lost it. So no byte is a witness.
        unsafe { libc::close(semaphore.shm().unwrap().handle().participant().descriptor_number()) };
        // SAFETY: no memory is involved.
        if unsafe { libc::geteuid() } != 0 {
            leave_namespace(libc::CLONE_NEWUSER);
        }
        // Process numbers count elsewhere.
        leave_namespace(libc::CLONE_NEWPID);
        let (mut heard, mut say) = std::io::pipe().unwrap();
        let holder = fork(|| {
            hold(manager);
            say.write_all(b"!").unwrap();
            loop {
                std::thread::park();
            }
        });
        heard.read_exact(&mut [0]).unwrap();
        // And numbers of segments.
        leave_namespace(libc::CLONE_NEWIPC);
        wait(manager);
        // SAFETY: it is not reaped, so the number is its own.
        unsafe { libc::kill(holder, libc::SIGKILL) };
    });
    let mut status = 0;
    // SAFETY: the status is on our stack.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
}

fn semaphore(manager: &Manager) -> RawSemaphore {
    let semaphore = manager.named("semaphore").semaphore(1).unwrap();
    RawSemaphore::from_handle(semaphore.shm().unwrap().handle().clone()).unwrap()
}

fn lock(manager: &Manager) -> RawRwLock {
    let lock = manager.named("lock").rwlock().unwrap();
    RawRwLock::from_handle(lock.shm().unwrap().handle().clone()).unwrap()
}

/// Attempts, as a waiter does between two sleeps, until that is an error.
fn is_told_in_time<T>(attempt: impl Fn() -> Result<T>) {
    let since = Instant::now();
    let told = loop {
        match attempt() {
            Ok(_) => assert!(since.elapsed() < Duration::from_secs(40), "it would wait for ever"),
            Err(error) => break error,
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(matches!(told, Error::Arena(sharevar_arena::Error::OwnerUnknown { .. })), "{told}");
    assert!(since.elapsed() > Duration::from_secs(4), "as long as for any lock");
}

#[test]
fn a_unit() {
    let manager = Manager::new().unwrap();
    beside_an_unknown_holder(
        &manager,
        |manager| assert!(semaphore(manager).try_acquire().unwrap()),
        |manager| is_told_in_time(|| semaphore(manager).try_acquire_or_announce()),
    );
}

#[test]
fn a_unit_that_a_living_holder_may_give_back() {
    let manager = Manager::new().unwrap();
    manager.named("semaphore").semaphore(2).unwrap();
    beside_an_unknown_holder(
        &manager,
        |manager| assert!(semaphore(manager).try_acquire().unwrap()),
        |manager| {
            let semaphore = semaphore(manager);
            assert!(semaphore.try_acquire().unwrap());
            let since = Instant::now();
            while since.elapsed() < Duration::from_secs(7) {
                assert!(!semaphore.try_acquire_or_announce().unwrap());
                std::thread::sleep(Duration::from_millis(10));
            }
        },
    );
}

#[test]
fn a_reader() {
    let manager = Manager::new().unwrap();
    beside_an_unknown_holder(
        &manager,
        |manager| {
            lock(manager).try_read().unwrap();
        },
        |manager| is_told_in_time(|| lock(manager).try_write_or_announce()),
    );
}

#[test]
fn a_writer() {
    let manager = Manager::new().unwrap();
    beside_an_unknown_holder(
        &manager,
        |manager| {
            lock(manager).try_write().unwrap();
        },
        |manager| is_told_in_time(|| lock(manager).try_read_or_announce()),
    );
}

#[test]
fn the_next_writer() {
    let manager = Manager::new().unwrap();
    lock(&manager).try_read().unwrap();
    beside_an_unknown_holder(
        &manager,
        |manager| {
            lock(manager).try_write_or_announce().unwrap();
        },
        |manager| is_told_in_time(|| lock(manager).try_read_or_announce()),
    );
}
