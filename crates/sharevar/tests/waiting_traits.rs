//! What every engine does with locks, and with all that threads wait at: asked by the traits alone.

use sharevar::engine::wait::{Wait, deadline, run};
use sharevar::engine::{Arrived, Barrier, Condition, Event, Exclusive, Outcome, Queue, RwLock, Units};
use sharevar::shm::{
    Form, KINDS, QueueKind, RawBarrier, RawCondition, RawEvent, RawLock, RawPriorityQueue, RawQueue,
    RawRLock, RawRwLock, RawSemaphore,
};
use sharevar::{Error, Participant, Result};
use sharevar_value::{Encoded, Word};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

fn arena() -> Arc<Participant> {
    Participant::create_arena(Some(64 << 20), KINDS).unwrap()
}

/// Whether `wait` gives nothing, and is told so at its deadline.
fn runs_out<T>(wait: &mut (impl Wait<T> + ?Sized)) -> bool {
    run(wait, deadline(Duration::from_millis(1))).unwrap().is_none()
}

/// What `wait` gives once `act` is done, which another thread does while it waits.
fn while_waiting<T>(wait: &mut (impl Wait<T> + ?Sized), act: impl FnOnce() -> Result<()> + Send) -> T {
    thread::scope(|scope| {
        assert!(wait.attempt(true).unwrap().is_none(), "there is nothing to wait for");
        let other = scope.spawn(act);
        let given = run(wait, deadline(Duration::from_secs(30))).unwrap().expect("nothing came in time");
        other.join().unwrap().unwrap();
        given
    })
}

/// Runs `act` in another thread.
fn elsewhere<R: Send>(act: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(act).join().unwrap())
}

fn one_holds_a_lock(lock: &dyn Exclusive) {
    assert!(!lock.is_locked().unwrap() && !lock.release().unwrap());
    assert_eq!(lock.release_all().unwrap(), None);
    let acquired = lock.try_acquire().unwrap().expect("it is free");
    assert!(!acquired.owner_died && !lock.owner_died().unwrap());
    assert!(lock.is_locked().unwrap() && lock.is_mine().unwrap());
    assert_eq!(elsewhere(|| lock.try_acquire().unwrap()), None);
    assert!(elsewhere(|| runs_out(&mut *lock.acquire_wait())));
    // Another waits, and gets the lock once this one gives it back.
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let given = run(&mut *lock.acquire_wait(), deadline(Duration::from_secs(30))).unwrap();
            given.is_some() && lock.is_mine().unwrap() && lock.release().unwrap()
        });
        assert!(lock.release().unwrap());
        assert!(other.join().unwrap());
    });
    assert!(lock.try_acquire().unwrap().is_some());
    let times = lock.release_all().unwrap().expect("it was held");
    assert_eq!((times, lock.is_locked().unwrap()), (1, false));
}

#[test]
fn exclusive() {
    let participant = arena();
    one_holds_a_lock(&RawLock::create(&participant, None).unwrap());
    let recursive = RawRLock::create(&participant).unwrap();
    one_holds_a_lock(&recursive);
    let lock: &dyn Exclusive = &recursive;
    (0..3).for_each(|_| assert!(lock.try_acquire().unwrap().is_some()));
    assert!(!elsewhere(|| lock.is_mine().unwrap() || lock.release().unwrap()));
    assert_eq!(lock.release_all().unwrap(), Some(3));
    assert!(lock.try_acquire().unwrap().is_some());
    lock.restore(3).unwrap();
    (0..3).for_each(|_| assert!(lock.release().unwrap()));
    assert!(!lock.release().unwrap() && !lock.is_locked().unwrap());
}

fn many_read_or_one_writes(lock: &dyn RwLock) {
    assert!(lock.try_read().unwrap().is_some() && lock.try_read().unwrap().is_some());
    assert_eq!(lock.try_write().unwrap(), None);
    assert!(runs_out(&mut *lock.write_wait()));
    // It waits no longer, and keeps nobody out.
    assert!(lock.try_read().unwrap().is_some());
    (0..2).for_each(|_| assert!(lock.release_read().unwrap()));
    let mut wait = lock.write_wait();
    let given = while_waiting(&mut *wait, || {
        assert_eq!(lock.try_read().unwrap(), None, "a writer waits");
        lock.release_read().map(|_| ())
    });
    drop(wait);
    assert!(!given.owner_died && !lock.owner_died().unwrap());
    assert!(runs_out(&mut *lock.read_wait()));
    while_waiting(&mut *lock.read_wait(), || lock.release_write().map(|_| ()));
    assert!(lock.release_read().unwrap() && !lock.release_read().unwrap() && !lock.release_write().unwrap());
}

#[test]
fn rwlock() {
    many_read_or_one_writes(&RawRwLock::create(&arena()).unwrap());
}

/// Of two units, which are all that there may be.
fn units_are_taken_and_given_back(semaphore: &dyn Units) {
    assert_eq!((semaphore.available().unwrap(), semaphore.bound().unwrap()), (2, Some(2)));
    assert!(semaphore.try_acquire().unwrap() && semaphore.try_acquire().unwrap());
    assert!(!semaphore.try_acquire().unwrap());
    assert_eq!((semaphore.held().unwrap(), semaphore.available().unwrap()), (Some(2), 0));
    assert!(runs_out(&mut *semaphore.acquire_wait()));
    while_waiting(&mut *semaphore.acquire_wait(), || semaphore.release(1));
    semaphore.release(2).unwrap();
    assert_eq!(semaphore.release(1), Err(Error::TooManyUnits { limit: 2 }));
    assert_eq!(semaphore.available().unwrap(), 2);
}

#[test]
fn units() {
    units_are_taken_and_given_back(&RawSemaphore::create(&arena(), 2, Some(2), None).unwrap());
}

fn an_event_lets_all_go(event: &dyn Event) {
    assert!(!event.is_set().unwrap());
    let mut missed = event.set_wait().unwrap();
    assert!(runs_out(&mut *missed));
    while_waiting(&mut *event.set_wait().unwrap(), || event.set());
    assert!(event.is_set().unwrap());
    event.clear().unwrap();
    assert!(!event.is_set().unwrap());
    assert_eq!(missed.attempt(true).unwrap(), Some(()), "it was set since");
    assert!(runs_out(&mut *event.set_wait().unwrap()));
}

#[test]
fn event() {
    an_event_lets_all_go(&RawEvent::create(&arena()).unwrap());
}

/// With its lock, which is recursive.
fn a_condition_notifies_who_has_waited_longest(condition: &dyn Condition, lock: &dyn Exclusive) {
    assert_eq!(condition.begin_wait().err(), Some(Error::NotOwner));
    let begin = || {
        (0..2).for_each(|_| assert!(lock.try_acquire().unwrap().is_some()));
        let parked = condition.begin_wait().unwrap();
        assert_eq!((parked.times(), lock.is_locked().unwrap()), (2, false));
        parked
    };
    let (mut first, mut second) = (begin(), begin());
    assert_eq!(condition.counts().unwrap(), (2, 0));
    assert!(runs_out(&mut *first));
    assert_eq!(condition.notify(1).unwrap(), 1);
    assert_eq!(condition.counts().unwrap(), (1, 1));
    assert!(first.attempt(true).unwrap().is_some() && second.attempt(true).unwrap().is_none());
    // The first one goes without using it up.
    drop(first);
    assert!(second.attempt(true).unwrap().is_some());
    assert!(lock.try_acquire().unwrap().is_some());
    lock.restore(second.times()).unwrap();
    assert!(second.end().unwrap());
    assert_eq!(lock.release_all().unwrap(), Some(2));
    let mut third = begin();
    while_waiting(&mut *third, || condition.notify(u64::MAX).map(|_| ()));
    assert!(third.end().unwrap());
    let fourth = begin();
    assert!(!fourth.end().unwrap(), "nobody notified it");
    assert_eq!((condition.counts().unwrap(), condition.notify(1).unwrap()), ((0, 0), 0));
}

#[test]
fn condition() {
    let participant = arena();
    let lock = RawRLock::create(&participant).unwrap();
    let condition = RawCondition::create(&participant, lock.handle()).unwrap();
    a_condition_notifies_who_has_waited_longest(&condition, &lock);
}

fn waits(arrived: Option<Arrived<'_>>) -> Box<dyn Wait<Outcome> + '_> {
    match arrived {
        Some(Arrived::Wait(wait)) => wait,
        _ => panic!("nothing to wait for"),
    }
}

/// Of two, without an action.
fn two_meet_at_a_barrier(barrier: &dyn Barrier) {
    assert_eq!((barrier.parties().unwrap(), barrier.limit().unwrap()), (2, Some(0.5)));
    let mut first = waits(barrier.try_arrive().unwrap());
    assert_eq!(barrier.waiting().unwrap(), 1);
    let released = while_waiting(&mut *first, || {
        assert!(matches!(barrier.try_arrive().unwrap(), Some(Arrived::Over(Outcome::Released(1)))));
        Ok(())
    });
    assert_eq!(released, Outcome::Released(0));
    drop(first);
    // One that gives up has not arrived, and one whose time is up breaks it.
    drop(waits(barrier.try_arrive().unwrap()));
    assert_eq!((barrier.waiting().unwrap(), barrier.is_broken().unwrap()), (0, false));
    let broken = run(&mut *waits(barrier.try_arrive().unwrap()), deadline(Duration::ZERO)).unwrap();
    assert_eq!((broken, barrier.is_broken().unwrap()), (Some(Outcome::Broken), true));
    assert!(matches!(barrier.try_arrive().unwrap(), Some(Arrived::Over(Outcome::Broken))));
    barrier.reset().unwrap();
    let mut again = waits(barrier.try_arrive().unwrap());
    barrier.abort().unwrap();
    assert_eq!(again.attempt(true).unwrap(), Some(Outcome::Broken));
    barrier.reset().unwrap();
}

/// Of two, with an action.
fn the_action_decides(barrier: &dyn Barrier) {
    for ends in [Some(true), Some(false), None] {
        let mut first = waits(barrier.try_arrive().unwrap());
        let Some(Arrived::Run(ticket)) = barrier.try_arrive().unwrap() else { panic!("not the last") };
        // Its time is up, but all are there; and the next one has to wait for the end.
        assert_eq!(run(&mut *first, deadline(Duration::ZERO)).unwrap(), None);
        assert!(barrier.try_arrive().unwrap().is_none());
        let mut next = barrier.arrive_wait();
        assert!(next.attempt(true).unwrap().is_none());
        let expected = match ends {
            Some(true) => {
                assert_eq!(ticket.finish(true).unwrap(), Outcome::Released(1));
                Outcome::Released(0)
            }
            Some(false) => {
                assert_eq!(ticket.finish(false).unwrap(), Outcome::Broken);
                Outcome::Broken
            }
            None => {
                drop(ticket);
                Outcome::Broken
            }
        };
        assert_eq!(run(&mut *first, None).unwrap(), Some(expected));
        match run(&mut *next, None).unwrap() {
            Some(Arrived::Wait(_)) => assert_eq!(ends, Some(true)),
            Some(Arrived::Over(Outcome::Broken)) => assert_ne!(ends, Some(true)),
            _ => panic!("it has not arrived"),
        }
        barrier.reset().unwrap();
    }
}

#[test]
fn barrier() {
    let participant = arena();
    two_meet_at_a_barrier(&RawBarrier::create(&participant, 2, None, Some(0.5)).unwrap());
    let action = Encoded::Word(Word::NONE);
    the_action_decides(&RawBarrier::create(&participant, 2, Some(&action), None).unwrap());
}

fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).unwrap())
}

fn taken(queue: &dyn Queue) -> Option<i64> {
    queue.try_get().unwrap().map(|content| match content {
        sharevar::Content::Word(word) => word.as_int().unwrap(),
        other => panic!("{other:?} is no number"),
    })
}

/// Of no limit; `sorted` if the lowest comes first.
fn a_queue_gives_each_item_once(queue: &dyn Queue, sorted: bool) {
    assert_eq!((queue.len().unwrap(), queue.limit().unwrap()), (0, 0));
    assert!(runs_out(&mut *queue.get_wait()));
    let given = while_waiting(&mut *queue.get_wait(), || queue.try_put(&int(7)).map(|_| ()));
    assert!(matches!(given, sharevar::Content::Word(word) if word == Word::from_int(7).unwrap()));
    assert_eq!(queue.unfinished().unwrap(), 1);
    queue.task_done().unwrap();
    assert_eq!(queue.task_done(), Err(Error::NoTaskLeft));
    assert_eq!(queue.try_put_many(&[int(3), int(1), int(2)]).unwrap(), 3);
    queue.set_limit(3).unwrap();
    assert!(!queue.try_put(&int(0)).unwrap() && runs_out(&mut *queue.put_wait(&int(0))));
    let order = if sorted { [1, 2, 3] } else { [3, 1, 2] };
    let last = int(9);
    let mut put = queue.put_wait(&last);
    while_waiting(&mut *put, || {
        assert_eq!(taken(queue), Some(order[0]));
        Ok(())
    });
    drop(put);
    let mut items = Vec::new();
    assert_eq!(queue.try_get_many(2, &mut items).unwrap(), 2);
    (0..3).for_each(|_| queue.task_done().unwrap());
    while_waiting(&mut *queue.join_wait(), || queue.task_done());
    queue.shut_down(false).unwrap();
    assert!(queue.is_shut_down().unwrap());
    assert_eq!(queue.try_put(&int(4)), Err(Error::QueueShutDown));
    assert_eq!(taken(queue), Some(9));
    assert_eq!(queue.try_get().err(), Some(Error::QueueShutDown));
    assert_eq!(queue.get_wait().attempt(true).err(), Some(Error::QueueShutDown));
}

#[test]
fn queue() {
    let participant = arena();
    a_queue_gives_each_item_once(&RawQueue::create(&participant, 0, Form::Queue).unwrap(), false);
    a_queue_gives_each_item_once(&RawPriorityQueue::create(&participant, 0).unwrap(), true);
}
