//! Waits, apart from their result: what they announce, and how they take it back when they end before.

use sharevar::engine::Outcome;
use sharevar::engine::wait::{Wait, deadline, run};
use sharevar::shm::{Arrival, RawBarrier, RawRwLock, RawSemaphore};
use sharevar::{Manager, Participant, TryLock};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn participant() -> Arc<Participant> {
    Manager::new().unwrap().participant().unwrap().clone()
}

#[test]
fn a_sleep_ends_at_once_unless_an_attempt_has_announced_it() {
    let semaphore = RawSemaphore::create(&participant(), 0, None, None).unwrap();
    // These two keep watch, so that others sleep for seconds if nothing wakes them.
    let mut watches = [semaphore.acquire_wait(), semaphore.acquire_wait()];
    for watch in &mut watches {
        assert_eq!(watch.attempt(true).unwrap(), None);
        watch.sleep(Duration::from_millis(1));
    }
    // On a busy machine a round may take long by itself.
    let mut rounds = 0;
    loop {
        let mut wait = semaphore.acquire_wait();
        let since = Instant::now();
        assert_eq!(wait.attempt(false).unwrap(), None);
        wait.sleep(Duration::MAX);
        assert_eq!(wait.attempt(true).unwrap(), None);
        // A wake-up between the attempt and the sleep is not lost.
        semaphore.release().unwrap();
        wait.sleep(Duration::MAX);
        // And each sleep needs an attempt of its own.
        wait.sleep(Duration::MAX);
        let slept = since.elapsed();
        assert_eq!(wait.attempt(true).unwrap(), Some(()));
        rounds += 1;
        if slept < Duration::from_secs(1) {
            break;
        }
        assert!(rounds < 10, "it slept for {slept:?}");
    }
}

#[test]
fn a_writer_that_waits_no_longer_lets_readers_in() {
    let lock = RawRwLock::create(&participant()).unwrap();
    assert_eq!(lock.try_read().unwrap(), TryLock::Acquired);
    let mut wait = lock.write_wait();
    assert_eq!(wait.attempt(true).unwrap(), None);
    assert_eq!(lock.try_read().unwrap(), TryLock::Busy);
    drop(wait);
    assert_eq!(lock.try_read().unwrap(), TryLock::Acquired);
    // One that has the lock keeps it.
    assert!(lock.release_read().unwrap() && lock.release_read().unwrap());
    let mut wait = lock.write_wait();
    assert!(wait.attempt(true).unwrap().is_some());
    drop(wait);
    assert_eq!(lock.try_read().unwrap(), TryLock::Busy);
    assert!(lock.release_write().unwrap());
}

fn arrive(barrier: &RawBarrier) -> sharevar::shm::Entry {
    match barrier.try_arrive().unwrap() {
        Some(Arrival::Wait(entry)) => entry,
        other => panic!("{other:?} instead of a wait"),
    }
}

#[test]
fn a_wait_at_a_barrier_that_is_given_up_has_not_arrived() {
    let barrier = RawBarrier::create(&participant(), 2, None, None).unwrap();
    drop(barrier.outcome_wait(arrive(&barrier)));
    assert_eq!((barrier.waiting().unwrap(), barrier.is_broken().unwrap()), (0, false));
    let mut wait = barrier.outcome_wait(arrive(&barrier));
    let Some(Arrival::Done(second)) = barrier.try_arrive().unwrap() else { panic!("not the last") };
    assert_eq!(wait.attempt(true).unwrap(), Some(Outcome::Released(0)));
    assert_eq!(second, Outcome::Released(1));
    drop(wait);
    assert_eq!(barrier.count().unwrap(), 0);
}

#[test]
fn a_barrier_breaks_at_the_deadline_of_a_wait() {
    let barrier = RawBarrier::create(&participant(), 2, None, None).unwrap();
    let mut wait = barrier.outcome_wait(arrive(&barrier));
    assert_eq!(run(&mut wait, deadline(Duration::ZERO)).unwrap(), Some(Outcome::Broken));
    assert!(barrier.is_broken().unwrap());
}

#[test]
fn a_wait_goes_on_past_its_deadline_while_the_action_runs_which_decides() {
    let action = sharevar_value::Encoded::Word(sharevar_value::Word::NONE);
    let barrier = RawBarrier::create(&participant(), 2, Some(&action), None).unwrap();
    let mut wait = barrier.outcome_wait(arrive(&barrier));
    let Some(Arrival::Run(runner)) = barrier.try_arrive().unwrap() else { panic!("not the last") };
    assert_eq!(run(&mut wait, deadline(Duration::ZERO)).unwrap(), None);
    // Nor can the next generation begin.
    assert!(barrier.try_arrive().unwrap().is_none());
    let mut next = barrier.arrive_wait();
    assert!(next.attempt(true).unwrap().is_none());
    assert_eq!(barrier.finish(&runner, true).unwrap(), Outcome::Released(1));
    assert_eq!(run(&mut wait, None).unwrap(), Some(Outcome::Released(0)));
    assert!(matches!(run(&mut next, None).unwrap(), Some(Arrival::Wait(_))));
}
