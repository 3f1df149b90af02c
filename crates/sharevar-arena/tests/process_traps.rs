//! Tests with real processes: fork, exec, closed descriptors, zombies, stopped and killed processes.
#![allow(unsafe_code)]

mod processes;
mod scenarios;

use processes::{Child, arena, assert_swept, count_up, hear, hear_the_end, isolated, isolated_within, say};
use scenarios::{KINDS, NUMBER, RECORD, assert_clean, immortal, put_block};
use sharevar_arena::{Error, Participant, Variable, VariableOps, crash};
use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Of a storm: above that of a test.
const LIMIT_OF_A_STORM: Duration = Duration::from_mins(5);

#[test]
fn fork_while_other_threads_work() {
    isolated("fork_while_other_threads_work", || {
        let (participant, counter) = arena();
        let held = participant.create(RECORD).unwrap();
        let stop = AtomicBool::new(false);
        let total = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for number in 0..3 {
                let (participant, stop, total) = (&participant, &stop, &total);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        count_up(participant, counter);
                        total.fetch_add(1, Ordering::Relaxed);
                        put_block(participant, counter, number, 100 * (number as u64 + 1), 7).unwrap();
                        participant.hold(held).unwrap();
                        participant.release_later(held);
                        let own = participant.create(RECORD).unwrap();
                        participant.release_later(own);
                    }
                });
            }
            let children: Vec<_> = (0..40)
                .map(|_| {
                    Child::fork(|| {
                        for _ in 0..50 {
                            count_up(&participant, counter);
                            let own = participant.create(RECORD).unwrap();
                            put_block(&participant, own, 0, 500, 7).unwrap();
                            participant.release_later(own);
                        }
                        assert!(participant.references_to(held) >= 2, "the child has a reference of its own");
                    })
                })
                .collect();
            for child in children {
                child.ended_well();
                total.fetch_add(50, Ordering::Relaxed);
            }
            stop.store(true, Ordering::Relaxed);
        });
        participant.flush_releases().unwrap();
        assert_swept(&participant, 1);
        assert_eq!(participant.peek_body(counter, NUMBER), total.into_inner());
        assert_eq!(participant.references_to(held), 1);
    });
}

#[test]
fn a_forked_child_keeps_what_its_parent_lets_go() {
    isolated("a_forked_child_keeps_what_its_parent_lets_go", || {
        let (participant, _) = arena();
        let held = participant.create(RECORD).unwrap();
        put_block(&participant, held, 0, 64, 5).unwrap();
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let child = Child::fork(|| {
            hear(&mut told);
            assert_eq!(participant.references_to(held), 1);
            put_block(&participant, held, 0, 64, 6).unwrap();
            participant.release_later(held);
            participant.flush_releases().unwrap();
            assert_eq!(participant.variable(held.header(), held.generation()), Err(Error::HandleExpired));
        });
        participant.release_later(held);
        participant.flush_releases().unwrap();
        say(&mut tell);
        child.ended_well();
        assert_swept(&participant, 1);
    });
}

/// The parent makes places for children by freeing what dead ones held, which begins transactions;
/// and each of those first counts off what the parent itself has let go.
#[test]
fn a_parent_with_many_dead_children_forks_on() {
    isolated("a_parent_with_many_dead_children_forks_on", || {
        let (participant, _) = arena();
        for _ in 0..60 {
            let dropped = participant.create(RECORD).unwrap();
            participant.release_later(dropped);
            let child = Child::fork(|| {
                let held = participant.create(RECORD).unwrap();
                put_block(&participant, held, 0, 64, 5).unwrap();
                // Ended as a death is: nothing is given back.
            });
            child.ended_well();
        }
        assert!(participant.slots_in_use() < 50, "places were made: {}", participant.slots_in_use());
        assert_swept(&participant, 1);
    });
}

#[test]
fn a_child_made_behind_our_back_is_none() {
    isolated("a_child_made_behind_our_back_is_none", || {
        let (participant, variable) = arena();
        let held = participant.create(RECORD).unwrap();
        let child = Child::fork_behind_the_back(|| {
            assert!(participant.identity().is_none());
            assert_eq!(participant.begin().unwrap_err(), Error::ForeignProcess);
            assert_eq!(participant.create(RECORD), Err(Error::ForeignProcess));
            assert_eq!(participant.hold(held), Err(Error::ForeignProcess));
            let again = Participant::attach(participant.descriptor().unwrap(), KINDS).unwrap();
            count_up(&again, variable);
            drop(again);
        });
        child.ended_well();
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        assert_swept(&participant, 1);
    });
}

#[test]
fn a_transaction_copied_by_fork_ends_without_effect() {
    isolated("a_transaction_copied_by_fork_ends_without_effect", || {
        let (participant, variable) = arena();
        let mut transaction = Some(participant.begin().unwrap());
        let held = transaction.as_mut().unwrap();
        held.lock(variable).unwrap();
        held.set_body(variable, NUMBER, 3).unwrap();
        let copy = &mut transaction;
        Child::fork_behind_the_back(|| drop(copy.take())).ended_well();
        Child::fork_behind_the_back(|| assert_eq!(copy.take().unwrap().commit(), Err(Error::ForeignProcess)))
            .ended_well();
        assert!(participant.is_short_locked(variable));
        transaction.take().unwrap().commit().unwrap();
        assert_eq!(participant.peek_body(variable, NUMBER), 3);
        assert_swept(&participant, 1);
    });
}

#[test]
fn exec_is_a_death() {
    isolated("exec_is_a_death", || {
        let (participant, variable) = arena();
        let (gone, closed_by_exec) = std::io::pipe().unwrap();
        let (stdin, mut keep) = std::io::pipe().unwrap();
        let child = Child::fork(|| {
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            transaction.set_body(variable, NUMBER, 9).unwrap();
            // SAFETY: descriptors are numbers, the strings are literals that end in zero.
            unsafe {
                libc::dup2(stdin.as_raw_fd(), 0);
                libc::execl(c"/bin/cat".as_ptr(), c"cat".as_ptr(), std::ptr::null::<libc::c_char>());
            }
        });
        drop((closed_by_exec, stdin));
        hear_the_end(gone);
        count_up(&participant, variable);
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        child.signal(0);
        assert_swept(&participant, 1);
        say(&mut keep);
        drop(keep);
        child.ended_well();
    });
}

#[test]
fn closed_descriptors_neither_kill_nor_write_elsewhere() {
    isolated("closed_descriptors_neither_kill_nor_write_elsewhere", || {
        let (participant, variable) = arena();
        let (mut heard, say_back) = std::io::pipe().unwrap();
        let (told, mut tell) = std::io::pipe().unwrap();
        let folder = std::env::temp_dir().join(format!("sharevar-closed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let child = Child::fork(|| {
            // The pipes move below 3, everything above is closed.
            // SAFETY: numbers; the standard streams are replaced, the rest is closed on purpose.
            let (mut told, mut say_back) = unsafe {
                libc::dup2(told.as_raw_fd(), 0);
                libc::dup2(say_back.as_raw_fd(), 1);
                libc::close_range(3, u32::MAX, 0);
                (PipeReader::from(OwnedFd::from_raw_fd(0)), PipeWriter::from(OwnedFd::from_raw_fd(1)))
            };
            let files: Vec<_> = (0..20)
                .map(|number| std::fs::File::create_new(folder.join(number.to_string())).unwrap())
                .collect();
            assert!(files.iter().any(|file| file.as_raw_fd() == participant.descriptor_number()));
            count_up(&participant, variable);
            let published = participant.heap_shape().unwrap().published;
            put_block(&participant, variable, 1, 3 << 20, 5).unwrap();
            assert!(participant.heap_shape().unwrap().published > published);
            // Checks whether others live, through a descriptor lent by the parent.
            assert_eq!(participant.sweep().unwrap(), 0);
            assert!(participant.descriptor().is_ok());
            say(&mut say_back);
            hear(&mut told);
            count_up(&participant, variable);
            for file in &files {
                assert_eq!(file.metadata().unwrap().len(), 0, "a file of the user was written to");
            }
            // They are the process's own; the numbers go with it.
            std::mem::forget((told, say_back));
        });
        hear(&mut heard);
        assert_eq!(participant.sweep().unwrap(), 0, "the child is alive without descriptors");
        assert_eq!(participant.slots_in_use(), 2);
        say(&mut tell);
        child.ended_well();
        assert_eq!(participant.peek_body(variable, NUMBER), 2);
        assert_swept(&participant, 1);
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn a_zombie_with_a_living_child_is_dead() {
    isolated("a_zombie_with_a_living_child_is_dead", || {
        let (participant, variable) = arena();
        let (mut heard, mut say_back) = std::io::pipe().unwrap();
        let (told, tell) = std::io::pipe().unwrap();
        let mut child = Child::fork(|| {
            // SAFETY: the child's copy of a number that it does not use.
            unsafe { libc::close(tell.as_raw_fd()) };
            let grandchild = Child::fork(|| {
                // SAFETY: no memory is involved.
                unsafe { libc::alarm(20) };
                hear_the_end(told);
            });
            std::mem::forget(grandchild);
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            transaction.set_body(variable, NUMBER, 9).unwrap();
            say(&mut say_back);
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        });
        hear(&mut heard);
        child.signal(libc::SIGKILL);
        let since = Instant::now();
        count_up(&participant, variable);
        let _ = writeln!(std::io::stderr(), "a zombie's lock was free after {:?}", since.elapsed());
        assert_eq!(participant.peek_body(variable, NUMBER), 1);
        // Not reaped up to here; the grandchild lives and is a participant.
        participant.sweep().unwrap();
        assert_eq!(participant.slots_in_use(), 2);
        child.wait(0);
        drop((tell, say_back));
        // The grandchild ends when its pipe does, and with it the last writing end of this one.
        hear_the_end(heard);
        while participant.slots_in_use() > 1 {
            // Its pipes are closed a moment before its mappings.
            participant.sweep().unwrap();
            std::thread::yield_now();
        }
        assert_swept(&participant, 1);
    });
}

#[test]
fn a_stopped_holder_is_alive() {
    isolated("a_stopped_holder_is_alive", || {
        let (participant, variable) = arena();
        let (mut heard, mut say_back) = std::io::pipe().unwrap();
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let mut child = Child::fork(|| {
            let mut transaction = participant.begin().unwrap();
            transaction.lock(variable).unwrap();
            transaction.set_body(variable, NUMBER, 9).unwrap();
            say(&mut say_back);
            hear(&mut told);
            transaction.commit().unwrap();
        });
        hear(&mut heard);
        child.signal(libc::SIGSTOP);
        assert!(libc::WIFSTOPPED(child.wait(libc::WUNTRACED)));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| count_up(&participant, variable));
            while !participant.has_waiters(variable) {
                std::thread::yield_now();
            }
            for _ in 0..100 {
                assert_eq!(participant.sweep().unwrap(), 0);
            }
            assert!(!waiter.is_finished());
            assert_eq!(participant.peek_body(variable, NUMBER), 9);
            say(&mut tell);
            child.signal(libc::SIGCONT);
            waiter.join().unwrap();
        });
        assert_eq!(participant.peek_body(variable, NUMBER), 10);
        child.ended_well();
        assert_swept(&participant, 1);
    });
}

/// A pseudo-random sequence; the kill points need no more.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

fn work_for_ever(participant: &Participant, variables: [Variable; 2], mut random: u64) {
    loop {
        let own = participant.create(RECORD).unwrap();
        let bytes = 16 + next(&mut random) % 20_000;
        let mut transaction = participant.begin().unwrap();
        transaction.add_reference(own).unwrap();
        let block = transaction.allocate(bytes).unwrap();
        transaction.put(block, bytes).unwrap();
        transaction.put(block + 8, !bytes).unwrap();
        for variable in variables {
            transaction.lock(variable).unwrap();
        }
        let number = transaction.body(variables[0], NUMBER);
        for turn in 0..next(&mut random) % 60 {
            transaction.set_body(variables[0], NUMBER, turn).unwrap();
        }
        for variable in variables {
            transaction.set_body(variable, NUMBER, number + 1).unwrap();
        }
        for (index, word) in [(0, block), (1, own.header() | 8)] {
            let old = transaction.body(variables[0], index);
            transaction.set_body(variables[0], index, word).unwrap();
            if old != 0 {
                transaction.free_on_commit(old).unwrap();
            }
        }
        if next(&mut random).is_multiple_of(4) {
            drop(transaction);
        } else {
            transaction.commit().unwrap();
        }
        participant.release_later(own);
    }
}

fn tell_times(what: &str, times: &mut [Duration]) {
    times.sort();
    if let (Some(median), Some(most)) = (times.get(times.len() / 2), times.last()) {
        let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
        let _ = writeln!(
            std::io::stderr(),
            "{what}: {} kills, median {median:?}, p99 {p99:?}, max {most:?}",
            times.len()
        );
    }
}

#[test]
fn killed_at_random_points_the_survivor_goes_on() {
    isolated_within(LIMIT_OF_A_STORM, "killed_at_random_points_the_survivor_goes_on", || {
        // As many, and until so many have left a journal that was in the way.
        const KILLS: usize = 400;
        const IN_THE_WAY: usize = 20;
        let (participant, first) = arena();
        let second = immortal(&participant);
        let (mut all, mut delayed) = (Vec::new(), Vec::new());
        let mut random = 0x9e37_79b9_7f4a_7c15;
        let mut last = 0;
        for kill in 0.. {
            if kill >= KILLS && delayed.len() >= IN_THE_WAY {
                break;
            }
            let (mut told, mut say_back) = std::io::pipe().unwrap();
            let seed = next(&mut random);
            let mut child = Child::fork(|| {
                say(&mut say_back);
                work_for_ever(&participant, [first, second], seed);
            });
            hear(&mut told);
            // Every other one at any moment. On a busy machine the child may not have come far by
            // then, so the others wait until it has locked something.
            let until = Instant::now() + Duration::from_micros(next(&mut random) % 2000);
            while Instant::now() < until || kill % 2 == 1 && !participant.is_short_locked(first) {
                std::thread::yield_now();
            }
            let open = participant.recoveries().1;
            child.signal(libc::SIGKILL);
            let since = Instant::now();
            let mut transaction = participant.begin().unwrap();
            transaction.lock(first).unwrap();
            let waited = since.elapsed();
            transaction.lock(second).unwrap();
            let numbers = [first, second].map(|variable| transaction.body(variable, NUMBER));
            assert_eq!(numbers[0], numbers[1], "kill {kill}: a half operation is visible");
            assert!(numbers[0] >= last, "kill {kill}: a committed operation is gone");
            last = numbers[0];
            let block = transaction.body(first, 0);
            assert_eq!(transaction.load(block).unwrap(), !transaction.load(block + 8).unwrap());
            transaction.commit().unwrap();
            all.push(waited);
            if participant.recoveries().1 > open {
                delayed.push(waited);
            }
            child.wait(0);
            participant.sweep().unwrap();
            assert_eq!(participant.slots_in_use(), 1, "kill {kill}");
            if kill % 10 == 0 {
                assert_clean(&participant, "after a kill");
            }
        }
        assert_clean(&participant, "after all kills");
        let (recovered, open) = participant.recoveries();
        let _ = writeln!(
            std::io::stderr(),
            "{last} operations, {recovered} lanes recovered, {open} with an open journal"
        );
        tell_times("kill to the survivor's lock", &mut all);
        tell_times("the same where the dead one's journal was in the way", &mut delayed);
        // The scheduler has the last word: what counts is what comes again and again.
        assert!(all[all.len() * 95 / 100] < Duration::from_secs(1));
    });
}

/// Several workers and several sweepers; both are killed.
#[test]
fn a_storm_with_several_survivors() {
    isolated_within(LIMIT_OF_A_STORM, "a_storm_with_several_survivors", || {
        let kills: usize =
            std::env::var("SHAREVAR_STORM_KILLS").ok().map_or(400, |text| text.parse().unwrap());
        let (participant, first) = arena();
        let second = immortal(&participant);
        let mut random = 0x2545_f491_4f6c_dd1d;
        let worker = |random: &mut u64| {
            let seed = next(random);
            let by_sweeping = next(random).is_multiple_of(3);
            Child::fork(|| {
                if by_sweeping {
                    loop {
                        participant.sweep().unwrap();
                        count_up_both(&participant, [first, second]);
                    }
                }
                work_for_ever(&participant, [first, second], seed);
            })
        };
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    participant.sweep().unwrap();
                    count_up_both(&participant, [first, second]);
                }
            });
            let mut workers: Vec<_> = (0..4).map(|_| worker(&mut random)).collect();
            for _ in 0..kills {
                std::thread::sleep(Duration::from_micros(next(&mut random) % 3000));
                let place = next(&mut random) as usize % workers.len();
                workers[place].signal(libc::SIGKILL);
                if next(&mut random).is_multiple_of(3) {
                    // Two at once: the second may just be repairing for another.
                    workers[(place + 1) % 4].signal(libc::SIGKILL);
                    workers[(place + 1) % 4] = worker(&mut random);
                }
                workers[place] = worker(&mut random);
                assert!(!sweeper.is_finished());
            }
            drop(workers);
            stop.store(true, Ordering::Relaxed);
        });
        assert_swept(&participant, 1);
        assert_eq!(participant.peek_body(first, NUMBER), participant.peek_body(second, NUMBER));
        let (recovered, open) = participant.recoveries();
        let _ = writeln!(
            std::io::stderr(),
            "{} operations, {recovered} lanes recovered, {open} with an open journal",
            participant.peek_body(first, NUMBER)
        );
    });
}

fn count_up_both(participant: &Participant, variables: [Variable; 2]) {
    let mut transaction = participant.begin().unwrap();
    for variable in variables {
        transaction.lock(variable).unwrap();
    }
    let numbers = variables.map(|variable| transaction.body(variable, NUMBER));
    assert_eq!(numbers[0], numbers[1], "a half operation is visible");
    for variable in variables {
        transaction.set_body(variable, NUMBER, numbers[0] + 1).unwrap();
    }
    transaction.commit().unwrap();
}

/// Some library's thread calls `exit` while another, that has the interpreter's lock, changes
/// something in the lane that it has for itself.
#[test]
fn who_exits_on_any_thread_leaves_the_lane_of_one_at_a_time_alone() {
    const CHANGED: u64 = RECORD + 1;
    let settle_at_exit = |participant: &Participant, variable, kind| match kind {
        CHANGED => Ok(()),
        _ => participant.change_at_exit(variable, |_| Ok(())),
    };
    let survivor = Participant::create_arena(Some(8 << 20), VariableOps { settle_at_exit, ..KINDS }).unwrap();
    let mortal = survivor.join_again().unwrap();
    let changed = survivor.create(CHANGED).unwrap();
    survivor.create(RECORD).unwrap();
    mortal.assume_one_at_a_time();
    mortal.change(changed, |_| Ok(())).unwrap();
    let participant = mortal.clone();
    let hook = move |point| {
        if point > 1 {
            return;
        }
        let (participant, (sender, receiver)) = (participant.clone(), mpsc::channel());
        std::thread::spawn(move || {
            participant.change(changed, |_| -> sharevar_arena::Result<()> {
                sender.send(()).unwrap();
                loop {
                    std::thread::park();
                }
            })
        });
        receiver.recv().unwrap();
    };
    crash::observe(hook, || mortal.settle_at_exit().unwrap());
    mortal.abandon();
    assert_eq!(survivor.sweep().unwrap(), 1, "the lane in which the changer died");
    survivor.change(changed, |_| Ok(())).unwrap();
}
