//! The long lock: the operations that wait for it, those that do not, and the ends of a wait.

use sharevar_arena::{Error, Participant, Result, Sleep, Variable, VariableOps, set_sleeper};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const KIND: u64 = 1;
const KINDS: VariableOps =
    VariableOps { reap: |_, _, _| Ok(true), settle_at_exit: |_, _, _| Ok(()), trace: |_, _, _, _| Ok(()) };

/// Sleeps of waiters so far.
static SLEPT: AtomicU64 = AtomicU64::new(0);
static GIVE_UP: AtomicBool = AtomicBool::new(false);

fn sleep(sleep: &Sleep<'_>) -> bool {
    SLEPT.fetch_add(1, Ordering::SeqCst);
    sleep.sleep();
    !GIVE_UP.load(Ordering::SeqCst)
}

fn arena() -> (Arc<Participant>, Arc<Participant>, Variable) {
    set_sleeper(sleep);
    let first = Participant::create_arena(Some(8 << 20), KINDS).unwrap();
    let variable = first.create(KIND).unwrap();
    let second = Participant::attach(first.descriptor().unwrap(), KINDS).unwrap();
    second.hold(variable).unwrap();
    (first, second, variable)
}

fn change(participant: &Participant, variable: Variable) -> Result<u64> {
    let mut transaction = participant.begin()?;
    transaction.lock(variable)?;
    let value = transaction.body(variable, 0) + 1;
    transaction.set_body(variable, 0, value)?;
    transaction.count_change(variable);
    transaction.commit()?;
    Ok(value)
}

fn change_shortly(participant: &Participant, variable: Variable) -> Option<()> {
    participant.change_one(variable, |change| {
        change.change_body(0, change.body(0) + 1);
        Some(())
    })
}

/// Waits until another thread sleeps for the lock. Fails in a minute.
fn until_a_waiter_sleeps() {
    let (begin, before) = (Instant::now(), SLEPT.load(Ordering::SeqCst));
    while SLEPT.load(Ordering::SeqCst) == before {
        assert!(begin.elapsed() < Duration::from_mins(1), "no change waits for the long lock");
        thread::yield_now();
    }
}

#[test]
fn changes_of_others_wait_and_reads_and_own_changes_go_on() {
    let (first, second, variable) = arena();
    let released = AtomicBool::new(false);
    thread::scope(|scope| {
        let lock = first.long_lock(variable).unwrap();
        let other = scope.spawn(|| {
            assert_eq!(change_shortly(&second, variable), None, "the fast path does not wait");
            let value = change(&second, variable).unwrap();
            assert!(released.load(Ordering::SeqCst), "a change did not wait for the long lock");
            value
        });
        until_a_waiter_sleeps();
        assert_eq!(change(&first, variable).unwrap(), 1);
        assert_eq!(second.read_unlocked(variable, |reader| Ok(Some(reader.body(0)))).unwrap(), Some(1));
        let mut transaction = second.begin().unwrap();
        transaction.lock_short(variable).unwrap();
        assert_eq!(transaction.body(variable, 0), 1);
        assert!(!transaction.holds_long(variable));
        transaction.commit().unwrap();
        assert!(lock.is_held());
        released.store(true, Ordering::SeqCst);
        drop(lock);
        assert_eq!(other.join().unwrap(), 2);
    });
    assert_eq!(change_shortly(&second, variable), Some(()));
}

#[test]
fn another_thread_of_the_same_process_waits_too() {
    let (first, _second, variable) = arena();
    let released = AtomicBool::new(false);
    thread::scope(|scope| {
        let lock = first.long_lock(variable).unwrap();
        let other = scope.spawn(|| {
            change(&first, variable).unwrap();
            assert!(released.load(Ordering::SeqCst), "a change did not wait for the long lock");
        });
        until_a_waiter_sleeps();
        released.store(true, Ordering::SeqCst);
        drop(lock);
        other.join().unwrap();
    });
}

#[test]
fn a_thread_takes_it_again_and_the_outer_one_gives_it_back() {
    let (first, second, variable) = arena();
    let outer = first.long_lock(variable).unwrap();
    drop(first.long_lock(variable).unwrap());
    assert!(outer.is_held());
    drop(outer);
    change(&second, variable).unwrap();
    assert_eq!(SLEPT.load(Ordering::SeqCst), 0);
}

#[test]
fn takers_follow_each_other() {
    let (first, second, variable) = arena();
    thread::scope(|scope| {
        for participant in [&first, &second] {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let lock = participant.long_lock(variable).unwrap();
                        let seen = participant.body(variable, 0);
                        thread::yield_now();
                        assert_eq!(change(participant, variable).unwrap(), seen + 1);
                        assert!(lock.is_held());
                    }
                });
            }
        }
    });
    assert_eq!(first.body(variable, 0), 400);
}

#[test]
fn the_lock_of_a_dead_holder_is_free() {
    let (first, second, variable) = arena();
    std::mem::forget(first.long_lock(variable).unwrap());
    first.abandon();
    let begin = Instant::now();
    assert_eq!(change(&second, variable).unwrap(), 1);
    assert_eq!(change_shortly(&second, variable), Some(()));
    assert!(second.long_lock(variable).unwrap().is_held());
    // A wait that does not see it takes ten seconds.
    assert!(begin.elapsed() < Duration::from_secs(8), "a death was not seen at once");
}

#[test]
fn a_shut_down_ends_the_wait() {
    let (first, second, variable) = arena();
    thread::scope(|scope| {
        let _lock = first.long_lock(variable).unwrap();
        let other = scope.spawn(|| change(&second, variable));
        until_a_waiter_sleeps();
        first.close();
        assert_eq!(other.join().unwrap(), Err(Error::Closed));
    });
}

#[test]
fn an_interrupted_wait_has_changed_nothing() {
    let (first, second, variable) = arena();
    thread::scope(|scope| {
        let lock = first.long_lock(variable).unwrap();
        let other = scope.spawn(|| change(&second, variable));
        GIVE_UP.store(true, Ordering::SeqCst);
        assert_eq!(other.join().unwrap(), Err(Error::Interrupted));
        GIVE_UP.store(false, Ordering::SeqCst);
        drop(lock);
    });
    assert_eq!(change(&second, variable).unwrap(), 1);
}

#[test]
fn two_that_wait_for_each_other_do_not_wait_for_ever() {
    let (first, second, one) = arena();
    let two = first.create(KIND).unwrap();
    second.hold(two).unwrap();
    let taken = std::sync::Barrier::new(2);
    let lost: u32 = thread::scope(|scope| {
        let ends = [(&first, one, two), (&second, two, one)].map(|(participant, mine, other)| {
            let taken = &taken;
            scope.spawn(move || {
                let lock = participant.long_lock(mine).unwrap();
                taken.wait();
                change(participant, other).unwrap();
                u32::from(!lock.is_held())
            })
        });
        ends.into_iter().map(|end| end.join().unwrap()).sum()
    });
    assert!(lost >= 1, "both went on, and neither has lost its lock");
}
