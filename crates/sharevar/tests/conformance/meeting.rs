//! Events, conditions and barriers: what threads of one process can tell of them.

use crate::engines::conform;
use crate::waiting::{runs_out, while_waiting};
use sharevar::engine::wait::{Wait, deadline, run};
use sharevar::engine::{Arrived, Backed, Barrier, Condition, Event, Exclusive, Make, Outcome};
use sharevar::shm::{RawBarrier, RawCondition, RawEvent, RawRLock};
use sharevar::{Error, Kind};
use sharevar_value::{Encoded, Word};
use std::time::Duration;

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
    assert!(!fourth.end().unwrap(), "it was not notified");
    assert_eq!((condition.counts().unwrap(), condition.notify(1).unwrap()), ((0, 0), 0));
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

conform! {
    fn all_go_on_when_an_event_is_set(engine) {
        let made = engine.home().create(&Make::Event).unwrap();
        an_event_lets_all_go(Backed::<RawEvent, dyn Event>::open(made, Kind::Event).unwrap().any());
    }

    fn a_notification_is_for_the_one_that_has_waited_longest(engine) {
        let home = engine.home();
        let lock = home.create(&Make::RLock).unwrap();
        let made = home.create(&Make::Condition(&lock)).unwrap();
        let backed = Backed::<RawCondition, dyn Condition>::open(made, Kind::Condition).unwrap();
        // The condition keeps its lock.
        drop(lock);
        let lock = Backed::<RawRLock, dyn Exclusive>::open(backed.any().lock().unwrap(), Kind::RLock).unwrap();
        a_condition_notifies_who_has_waited_longest(backed.any(), lock.any());
    }

    fn a_condition_needs_a_lock_of_its_home(engine) {
        let (home, other) = (engine.home(), engine.home());
        let event = home.create(&Make::Event).unwrap();
        assert!(matches!(home.create(&Make::Condition(&event)), Err(Error::WrongKind { .. })));
        let lock = other.create(&Make::Lock { owned: None }).unwrap();
        assert!(matches!(home.create(&Make::Condition(&lock)), Err(Error::OtherManager { .. })));
    }

    fn as_many_as_a_barrier_is_for_go_on_together(engine) {
        let made = engine.home().create(&Make::Barrier { parties: 2, action: None, limit: Some(0.5) }).unwrap();
        two_meet_at_a_barrier(Backed::<RawBarrier, dyn Barrier>::open(made, Kind::Barrier).unwrap().any());
    }

    fn the_action_of_a_barrier_decides(engine) {
        let action = Encoded::Word(Word::NONE);
        let made = engine.home().create(&Make::Barrier { parties: 2, action: Some(&action), limit: None }).unwrap();
        the_action_decides(Backed::<RawBarrier, dyn Barrier>::open(made, Kind::Barrier).unwrap().any());
    }
}
