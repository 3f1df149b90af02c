//! The descriptor of a queue: readable while there are items.

mod support;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sharevar::shm::Readiness;
use sharevar::{Manager, Queue};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Arc, Barrier};
use support::waiting::until;

fn is_readable(descriptor: BorrowedFd<'_>, seconds: i64) -> bool {
    let mut descriptors = [PollFd::new(&descriptor, PollFlags::IN)];
    let limit = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut descriptors, Some(&limit)).unwrap() == 1
}

fn queue() -> (Manager, Queue<String>, Arc<Readiness>) {
    let manager = Manager::new().unwrap();
    let queue = manager.queue::<String>().unwrap();
    let readiness = queue.readiness().unwrap();
    (manager, queue, readiness)
}

#[test]
fn it_is_readable_while_there_are_items() {
    let (_manager, queue, readiness) = queue();
    // Not by `as_fd`, which would look at the queue itself.
    let descriptor = readiness.reader();
    for round in 0..300 {
        assert!(!is_readable(descriptor, 0), "{round}");
        queue.put("first").unwrap();
        assert!(is_readable(descriptor, 0), "{round}");
        queue.put(&"second".repeat(200)).unwrap();
        queue.get().unwrap();
        assert!(is_readable(descriptor, 0), "{round}");
        queue.get().unwrap();
    }
}

#[test]
fn another_attachment_is_followed() {
    let manager = Manager::new().unwrap();
    let readiness = manager.named("jobs").queue::<String>().unwrap().readiness().unwrap();
    let other = Manager::attach(manager.descriptor().unwrap()).unwrap();
    let other = other.named("jobs").queue::<String>().unwrap();
    other.put("item").unwrap();
    assert!(is_readable(readiness.reader(), 30));
    other.get().unwrap();
    assert!(!is_readable(readiness.as_fd(), 0));
}

#[test]
fn a_byte_that_a_program_reads_comes_back() {
    let (_manager, queue, readiness) = queue();
    queue.put("item").unwrap();
    rustix::io::read(readiness.as_fd(), &mut [0_u8; 8]).unwrap();
    assert!(!is_readable(readiness.reader(), 0));
    queue.put("another").unwrap();
    assert!(is_readable(readiness.reader(), 0));
}

#[test]
fn there_is_one_for_all_handles() {
    let (_manager, queue, readiness) = queue();
    let again = queue.clone().readiness().unwrap();
    assert_eq!(again.reader().as_raw_fd(), readiness.reader().as_raw_fd());
}

#[test]
fn it_shows_that_nothing_will_come() {
    let (manager, queue, readiness) = queue();
    queue.shutdown(false).unwrap();
    assert!(is_readable(readiness.as_fd(), 0));
    let second = manager.queue::<String>().unwrap();
    let readiness = second.readiness().unwrap();
    assert!(!is_readable(readiness.as_fd(), 0));
    manager.shutdown();
    assert!(is_readable(readiness.reader(), 30));
}

#[test]
fn many_put_and_one_polls() {
    let (_manager, queue, readiness) = queue();
    let begin = Barrier::new(5);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                begin.wait();
                for item in 0..500 {
                    queue.put(&item.to_string()).unwrap();
                }
            });
        }
        begin.wait();
        for _ in 0..2000 {
            assert!(is_readable(readiness.reader(), 30));
            queue.try_get().unwrap().expect("this thread alone takes items");
        }
    });
    assert!(!is_readable(readiness.reader(), 0));
}

#[test]
fn its_thread_ends_with_it() {
    let (manager, queue, readiness) = queue();
    drop((queue, readiness));
    let participant = manager.participant().unwrap();
    until("the end of the thread's hold", || {
        participant.flush_releases().unwrap();
        participant.variables_held() <= 1
    });
}
