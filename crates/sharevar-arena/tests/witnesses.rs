//! Verdicts on life and death by each witness alone, and participants without descriptors, `/proc` or
//! rights.
#![allow(unsafe_code)]

mod processes;
mod scenarios;

use processes::{Child, arena, assert_swept, count_up, hear, hear_the_end, isolated, say};
use scenarios::{KINDS, NUMBER};
use sharevar_arena::{
    Error, Participant, RobustLock, Variable, crash, refuse_segment_advice, refuse_segments,
};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn close_descriptor(participant: &Participant) {
    // SAFETY: a number; the arena finds out that it has lost it.
    unsafe { libc::close(participant.descriptor_number()) };
}

/// Children have a segment and no byte.
fn segment_alone() -> (Arc<Participant>, Variable) {
    let (participant, variable) = arena();
    close_descriptor(&participant);
    (participant, variable)
}

/// No process of this test has a segment.
fn byte_alone() -> (Arc<Participant>, Variable) {
    refuse_segments(libc::ENOSPC);
    arena()
}

fn pause() -> ! {
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

/// A child that holds the robust lock in `lock` once this returns.
fn holder(participant: &Participant, lock: Variable, then: impl FnOnce()) -> Child {
    let (mut heard, mut say_back) = std::io::pipe().unwrap();
    let child = Child::fork(|| {
        RobustLock::of(participant, lock).try_acquire().unwrap();
        say(&mut say_back);
        then();
    });
    hear(&mut heard);
    child
}

fn can_have(participant: &Participant, lock: Variable) -> bool {
    use sharevar_arena::TryLock;
    RobustLock::of(participant, lock).try_acquire().unwrap() != TryLock::Busy
}

fn how_a_holder_ends((participant, counter): (Arc<Participant>, Variable)) {
    let lock = participant.create(scenarios::RECORD).unwrap();
    let give_back = || assert!(RobustLock::of(&participant, lock).release().unwrap());

    // Killed, and not reaped; its own child lives on. Where a segment cannot be kept from children,
    // that child stands for its parent until it has let go of it, which is before it speaks.
    let (told, tell) = std::io::pipe().unwrap();
    let (mut heard, mut say_back) = std::io::pipe().unwrap();
    let mut child = holder(&participant, lock, || {
        // SAFETY: the child's copy of a number that it does not use.
        unsafe { libc::close(tell.as_raw_fd()) };
        std::mem::forget(Child::fork(|| {
            say(&mut say_back);
            hear_the_end(told);
        }));
        pause();
    });
    assert!(!can_have(&participant, lock));
    hear(&mut heard);
    child.signal(libc::SIGKILL);
    child.wait_unreaped();
    assert!(can_have(&participant, lock), "killed and not reaped: dead");
    give_back();
    child.wait(0);
    drop(tell);

    // Stopped.
    let mut child = holder(&participant, lock, || pause());
    child.signal(libc::SIGSTOP);
    assert!(libc::WIFSTOPPED(child.wait(libc::WUNTRACED)));
    for _ in 0..1000 {
        assert!(!can_have(&participant, lock), "stopped: alive");
        assert_eq!(participant.sweep().unwrap(), 0);
    }
    drop(child);
    assert!(can_have(&participant, lock));
    give_back();

    // Its first thread has ended, and another lives.
    let (mut heard, mut say_back) = std::io::pipe().unwrap();
    let child = holder(&participant, lock, || {
        std::thread::spawn(move || {
            say(&mut say_back);
            pause();
        });
        // SAFETY: ends this thread alone.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    });
    hear(&mut heard);
    while std::fs::read_to_string(format!("/proc/{}/stat", child.id)).unwrap().split(' ').nth(2) != Some("Z")
    {
        std::thread::yield_now();
    }
    assert!(!can_have(&participant, lock), "a process without its first thread: alive");
    drop(child);
    assert!(can_have(&participant, lock));
    give_back();

    // Another program.
    let (gone, closed_by_exec) = std::io::pipe().unwrap();
    let (stdin, keep) = std::io::pipe().unwrap();
    let child = holder(&participant, lock, || {
        // SAFETY: descriptors are numbers, the strings are literals that end in zero.
        unsafe {
            libc::dup2(stdin.as_raw_fd(), 0);
            libc::execl(c"/bin/cat".as_ptr(), c"cat".as_ptr(), std::ptr::null::<libc::c_char>());
        }
    });
    drop((closed_by_exec, stdin));
    hear_the_end(gone);
    // The kernel closes the pipe and lets go of the old address space one after the other.
    while !can_have(&participant, lock) {
        std::thread::yield_now();
    }
    give_back();
    drop(keep);
    child.ended_well();

    count_up(&participant, counter);
    participant.release_later(lock);
    participant.flush_releases().unwrap();
    while participant.slots_in_use() > 1 {
        // No process here can wait for the grandchild.
        participant.sweep().unwrap();
        std::thread::yield_now();
    }
    assert_swept(&participant, 1);
}

#[test]
fn the_segment_alone_tells_who_lives() {
    isolated("the_segment_alone_tells_who_lives", || how_a_holder_ends(segment_alone()));
}

#[test]
fn a_segment_that_cannot_be_kept_from_children_tells_who_lives() {
    isolated("a_segment_that_cannot_be_kept_from_children_tells_who_lives", || {
        refuse_segment_advice();
        how_a_holder_ends(segment_alone());
    });
}

#[test]
fn the_byte_alone_tells_who_lives() {
    isolated("the_byte_alone_tells_who_lives", || how_a_holder_ends(byte_alone()));
}

#[test]
fn both_together_tell_who_lives() {
    isolated("both_together_tell_who_lives", || how_a_holder_ends(arena()));
}

fn close_all(_: &Participant) {
    // SAFETY: everything but the standard streams is closed on purpose.
    unsafe { libc::close_range(3, u32::MAX, 0) };
}

fn change_root(_: &Participant) {
    let folder = std::env::temp_dir().join(format!("sharevar-root-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::env::set_current_dir(&folder).unwrap();
    // It is there for as long as a process is in it.
    std::fs::remove_dir(&folder).unwrap();
    // SAFETY: the string ends in zero.
    unsafe {
        if libc::geteuid() != 0 {
            assert_eq!(libc::unshare(libc::CLONE_NEWUSER), 0, "needs root or user namespaces");
        }
        assert_eq!(libc::chroot(c".".as_ptr()), 0);
    }
    assert!(std::fs::exists("/proc").is_ok_and(|there| !there));
}

fn drop_privileges(_: &Participant) {
    // SAFETY: no memory is involved.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setuid(65_534), 0);
        } else {
            // The kernel does this at a change of user.
            assert_eq!(libc::prctl(libc::PR_SET_DUMPABLE, 0), 0);
        }
    }
}

fn use_up_the_numbers(_: &Participant) {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is read from our stack.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) }, 0);
}

fn all_at_once(participant: &Participant) {
    close_all(participant);
    change_root(participant);
    drop_privileges(participant);
    use_up_the_numbers(participant);
}

fn take_part_after(deprive: fn(&Participant)) {
    let (participant, counter) = arena();
    let lock = participant.create(scenarios::RECORD).unwrap();
    Child::fork(|| {
        deprive(&participant);
        let child = Child::fork(|| {
            count_up(&participant, counter);
            // And the child's child, which is killed while it holds the lock.
            let mut grandchild = Child::fork(|| {
                count_up(&participant, counter);
                RobustLock::of(&participant, lock).try_acquire().unwrap();
                pause();
            });
            while participant.peek_body(lock, 0) == 0 {
                std::thread::yield_now();
            }
            assert!(!can_have(&participant, lock));
            grandchild.signal(libc::SIGKILL);
            grandchild.wait(0);
            assert!(can_have(&participant, lock), "the death of a grandchild is seen");
            assert!(RobustLock::of(&participant, lock).release().unwrap());
        });
        child.ended_well();
    })
    .ended_well();
    assert_eq!(participant.peek_body(counter, NUMBER), 2);
    participant.release_later(lock);
    participant.flush_releases().unwrap();
    assert_swept(&participant, 1);
}

#[test]
fn children_of_a_process_without_descriptors_take_part() {
    isolated("children_of_a_process_without_descriptors_take_part", || take_part_after(close_all));
}

#[test]
fn children_of_a_process_without_proc_take_part() {
    isolated("children_of_a_process_without_proc_take_part", || take_part_after(change_root));
}

#[test]
fn children_of_a_process_that_dropped_its_privileges_take_part() {
    isolated("children_of_a_process_that_dropped_its_privileges_take_part", || {
        take_part_after(drop_privileges);
    });
}

#[test]
fn children_of_a_process_without_free_numbers_take_part() {
    isolated("children_of_a_process_without_free_numbers_take_part", || take_part_after(use_up_the_numbers));
}

#[test]
fn children_of_a_process_without_all_of_these_take_part() {
    isolated("children_of_a_process_without_all_of_these_take_part", || take_part_after(all_at_once));
}

#[test]
fn one_free_number_is_enough_for_thirty_arenas() {
    isolated("one_free_number_is_enough_for_thirty_arenas", || {
        // A byte for each: there is no segment.
        refuse_segments(libc::ENOSPC);
        let arenas: Vec<_> = (0..30).map(|_| arena()).collect();
        Child::fork(|| {
            // SAFETY: duplicates a number, closes it; the limit is on our stack.
            unsafe {
                let free = libc::dup(0);
                libc::close(free);
                let limit = libc::rlimit { rlim_cur: free as u64 + 1, rlim_max: free as u64 + 1 };
                assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
            }
            let child = Child::fork(|| {
                for (participant, variable) in &arenas {
                    count_up(participant, *variable);
                }
            });
            child.ended_well();
        })
        .ended_well();
        for (participant, variable) in &arenas {
            assert_eq!(participant.peek_body(*variable, NUMBER), 1);
            assert_swept(participant, 1);
        }
    });
}

#[test]
fn a_child_without_any_witness_says_so_with_every_operation() {
    isolated("a_child_without_any_witness_says_so_with_every_operation", || {
        let (participant, variable) = arena();
        let lock = participant.create(scenarios::RECORD).unwrap();
        refuse_segments(libc::EPERM);
        close_descriptor(&participant);
        let assert_told = || {
            let told = participant.begin().unwrap_err();
            let Error::NoWitness { segment, byte } = &told else { panic!("{told}") };
            assert!(segment.to_string().contains("shmget"), "{segment}");
            assert_eq!(**byte, Error::DescriptorLost);
            assert_eq!(participant.create(scenarios::RECORD), Err(told.clone()));
            assert_eq!(participant.hold(lock), Err(told.clone()));
            assert_eq!(RobustLock::of(&participant, lock).try_acquire(), Err(told));
        };
        let child = Child::fork(|| {
            assert_told();
            Child::fork(assert_told).ended_well();
            // As soon as it can be told alive from dead it may attach anew, without a descriptor.
            refuse_segments(0);
            count_up(&participant.join_again().unwrap(), variable);
        });
        child.ended_well();
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        participant.release_later(lock);
        participant.flush_releases().unwrap();
        assert_swept(&participant, 1);
    });
}

#[test]
fn a_child_behind_our_back_attaches_without_a_descriptor() {
    isolated("a_child_behind_our_back_attaches_without_a_descriptor", || {
        let (participant, variable) = segment_alone();
        let child = Child::fork_behind_the_back(|| {
            assert_eq!(participant.begin().unwrap_err(), Error::ForeignProcess);
            let again = participant.join_again().unwrap();
            count_up(&again, variable);
            std::mem::forget(again);
        });
        child.ended_well();
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        assert_swept(&participant, 1);
    });
}

/// Whether this process is in a user namespace of its own, and so may make others.
static PRIVILEGED: AtomicBool = AtomicBool::new(false);

/// Moves the calling thread, and for `CLONE_NEWPID` its children, to new namespaces.
fn leave_namespaces(flags: i32) {
    // SAFETY: no memory is involved.
    unsafe {
        let privileged = libc::geteuid() == 0 || PRIVILEGED.swap(true, Ordering::Relaxed);
        let user = if privileged { 0 } else { libc::CLONE_NEWUSER };
        let cause = std::io::Error::last_os_error;
        assert_eq!(libc::unshare(flags | user), 0, "needs root or user namespaces: {}", cause());
    }
}

#[test]
fn a_death_in_another_pid_namespace_is_seen() {
    isolated("a_death_in_another_pid_namespace_is_seen", || {
        let (participant, variable) = arena();
        let lock = participant.create(scenarios::RECORD).unwrap();
        Child::fork(|| {
            leave_namespaces(libc::CLONE_NEWPID);
            // The /proc that it sees is the outer one's.
            let child = holder(&participant, lock, || {
                count_up(&participant, variable);
                Child::fork(|| count_up(&participant, variable)).ended_well();
                pause();
            });
            while participant.peek_body(variable, NUMBER) < 2 {
                std::thread::yield_now();
            }
            assert!(!can_have(&participant, lock));
            drop(child);
            assert!(can_have(&participant, lock));
            assert!(RobustLock::of(&participant, lock).release().unwrap());
        })
        .ended_well();
        participant.release_later(lock);
        participant.flush_releases().unwrap();
        assert_swept(&participant, 1);
    });
}

#[test]
fn a_thread_that_has_left_the_ipc_namespace_takes_no_process_for_dead() {
    isolated("a_thread_that_has_left_the_ipc_namespace_takes_no_process_for_dead", || {
        Child::fork(|| {
            // A user namespace can be made only by a process with a single thread.
            leave_namespaces(0);
            for bytes in [true, false] {
                let (participant, variable) = if bytes { arena() } else { segment_alone() };
                let lock = participant.create(scenarios::RECORD).unwrap();
                let child = holder(&participant, lock, || pause());
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        leave_namespaces(libc::CLONE_NEWIPC);
                        assert!(!can_have(&participant, lock), "it lives, whatever can be seen from here");
                        assert_eq!(participant.sweep().unwrap(), 0);
                        // Its own child has a segment here, whose end is seen from here.
                        let other = participant.create(scenarios::RECORD).unwrap();
                        let second = holder(&participant, other, || pause());
                        assert!(!can_have(&participant, other));
                        drop(second);
                        assert!(can_have(&participant, other));
                        assert!(RobustLock::of(&participant, other).release().unwrap());
                        drop(child);
                        // By its byte, or by its number.
                        assert!(can_have(&participant, lock));
                        assert!(RobustLock::of(&participant, lock).release().unwrap());
                    });
                });
                count_up(&participant, variable);
                participant.release_later(lock);
                participant.flush_releases().unwrap();
                participant.sweep().unwrap();
            }
        })
        .ended_well();
    });
}

#[test]
fn threads_in_two_ipc_namespaces_fork_in_turns_with_one_segment_each() {
    isolated("threads_in_two_ipc_namespaces_fork_in_turns_with_one_segment_each", || {
        Child::fork(|| {
            leave_namespaces(0);
            let attached = || {
                let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
                maps.lines().filter(|line| line.contains("/SYSV")).count()
            };
            let (participant, variable) = segment_alone();
            let fork = || Child::fork(|| count_up(&participant, variable)).ended_well();
            let turns = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    leave_namespaces(libc::CLONE_NEWIPC);
                    for _ in 0..3 {
                        fork();
                        turns.wait();
                        turns.wait();
                    }
                });
                for _ in 0..3 {
                    turns.wait();
                    fork();
                    turns.wait();
                }
            });
            assert_eq!(participant.peek_body(variable, NUMBER), 6);
            assert_eq!(attached(), 2, "one in each namespace");
        })
        .ended_well();
    });
}

#[test]
fn a_waiter_does_not_wait_for_ever_for_one_of_which_nothing_can_be_known() {
    isolated("a_waiter_does_not_wait_for_ever_for_one_of_which_nothing_can_be_known", || {
        let (participant, variable) = arena();
        let lock = participant.create(scenarios::RECORD).unwrap();
        Child::fork(|| {
            // No byte for its child, and no right to look behind its own mappings.
            close_descriptor(&participant);
            leave_namespaces(libc::CLONE_NEWPID);
            let child = holder(&participant, lock, || {
                let mut transaction = participant.begin().unwrap();
                transaction.lock(variable).unwrap();
                transaction.set_body(variable, NUMBER, 9).unwrap();
                pause();
            });
            while !participant.is_short_locked(variable) {
                std::thread::yield_now();
            }
            leave_namespaces(libc::CLONE_NEWIPC);
            let since = Instant::now();
            let mut transaction = participant.begin().unwrap();
            let told = transaction.lock(variable).unwrap_err();
            let waited = since.elapsed();
            let Error::OwnerUnknown { pid } = told else { panic!("{told}") };
            assert_eq!(pid, 1, "its number there");
            // On a busy machine it may be later.
            assert!((5..30).contains(&waited.as_secs()), "{waited:?}");
            drop(transaction);
            assert_eq!(participant.sweep().unwrap(), 0, "nothing is recovered");
            assert_eq!(participant.peek_body(variable, NUMBER), 9);
            drop(child);
        })
        .ended_well();
        assert!(can_have(&participant, lock));
        assert!(RobustLock::of(&participant, lock).release().unwrap());
        participant.release_later(lock);
        participant.flush_releases().unwrap();
        assert_swept(&participant, 1);
        assert_eq!(participant.peek_body(variable, NUMBER), 0, "here the death is seen");
    });
}

/// A transaction is committed while the heap's lock is held by one of which nothing can be known.
#[test]
fn a_block_that_cannot_be_given_back_is_left_to_a_sweep() {
    isolated("a_block_that_cannot_be_given_back_is_left_to_a_sweep", || {
        let (participant, variable) = arena();
        let [lock, other] = [(); 2].map(|()| participant.create(scenarios::RECORD).unwrap());
        Child::fork(|| {
            close_descriptor(&participant);
            leave_namespaces(libc::CLONE_NEWPID);
            let child = holder(&participant, lock, || {
                let watched = participant.clone();
                let stop_inside = move |_| {
                    if watched.is_heap_locked() {
                        pause();
                    }
                };
                crash::observe(stop_inside, || scenarios::put_block(&participant, other, 0, 64, 2)).unwrap();
            });
            while !participant.is_heap_locked() {
                std::thread::yield_now();
            }
            leave_namespaces(libc::CLONE_NEWIPC);
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            let block = transaction.body(variable, 0);
            transaction.set_body(variable, 0, 0).unwrap();
            transaction.free_on_commit(block).unwrap();
            let told = transaction.commit().unwrap_err();
            assert!(matches!(told, Error::OwnerUnknown { .. }), "{told}");
            // Transactions that need no heap go on, in another lane.
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            assert_eq!(transaction.body(variable, 0), 0, "it was committed");
            transaction.set_body(variable, NUMBER, 7).unwrap();
            transaction.commit().unwrap();
            drop(child);
        })
        .ended_well();
        assert!(can_have(&participant, lock));
        assert!(RobustLock::of(&participant, lock).release().unwrap());
        for variable in [lock, other] {
            participant.release_later(variable);
        }
        participant.flush_releases().unwrap();
        assert_swept(&participant, 1);
        assert_eq!(participant.peek_body(variable, NUMBER), 7);
    });
}

/// Several parents that fork, count and are killed anywhere; and others that look after them.
fn parents_that_are_killed((participant, counter): (Arc<Participant>, Variable), kills: usize) {
    let parent = |seed: u64| {
        Child::fork(|| {
            for turn in seed.. {
                let child = Child::fork(|| count_up(&participant, counter));
                if turn % 3 == 0 {
                    participant.sweep().unwrap();
                }
                child.ended_well();
            }
        })
    };
    let mut parents: Vec<_> = (0..3).map(parent).collect();
    for kill in 0.. {
        // On a busy machine no child may have come so far: then they get longer and longer.
        let more = kill as u64 % 7 * 617 + 1000 * (kill as u64).saturating_sub(kills as u64);
        if kill >= kills && participant.peek_body(counter, NUMBER) > 0 {
            break;
        }
        std::thread::sleep(Duration::from_micros(500 + more));
        let place = kill % parents.len();
        parents[place] = parent(kill as u64);
    }
    drop(parents);
    while participant.slots_in_use() > 1 {
        // Children of killed parents.
        participant.sweep().unwrap();
        std::thread::yield_now();
    }
    assert!(participant.peek_body(counter, NUMBER) > 0);
    assert_swept(&participant, 1);
}

#[test]
fn killed_parents_leave_no_place_and_no_segment() {
    isolated("killed_parents_leave_no_place_and_no_segment", || {
        let segments = || {
            let all = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
            all.lines().count() - 1
        };
        Child::fork(|| {
            leave_namespaces(libc::CLONE_NEWIPC);
            for found in [arena, segment_alone] {
                parents_that_are_killed(found(), 150);
                assert_eq!(segments(), 1, "this process's own");
            }
        })
        .ended_well();
    });
}

#[test]
fn parents_with_bytes_alone_leave_no_place() {
    isolated("parents_with_bytes_alone_leave_no_place", || parents_that_are_killed(byte_alone(), 100));
}

#[test]
fn asking_costs_little_however_many_there_are() {
    isolated("asking_costs_little_however_many_there_are", || {
        let (participant, _) = arena();
        let all: Vec<_> = (0..1000).map(|_| participant.join_unswept().unwrap()).collect();
        let identity = all[500].identity();
        // The least of several: another load on the machine only adds.
        let least = (0..20)
            .map(|_| {
                let since = Instant::now();
                (0..1000).for_each(|_| assert!(participant.is_alive(identity)));
                since.elapsed() / 1000
            })
            .min()
            .unwrap();
        let _ = writeln!(std::io::stderr(), "a question among a thousand: {least:?}");
        assert!(least < Duration::from_micros(2), "{least:?}");
    });
}

#[test]
fn a_slot_that_is_being_taken_is_left_alone() {
    isolated(
        "a_slot_that_is_being_taken_is_left_alone",
        scenarios::situations::a_slot_that_is_being_taken_is_left_alone,
    );
}

#[test]
fn an_arena_is_attached_by_its_file_without_a_segment() {
    isolated("an_arena_is_attached_by_its_file_without_a_segment", || {
        let (participant, variable) = byte_alone();
        let attached = Participant::attach(participant.descriptor().unwrap(), KINDS).unwrap();
        count_up(&attached, variable);
        drop(attached);
        assert_swept(&participant, 1);
    });
}
