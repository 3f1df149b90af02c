//! Locks and semaphores: what threads of one process can tell of them.

use crate::engines::conform;
use crate::waiting::{elsewhere, runs_out, while_waiting};
use sharevar::engine::wait::{deadline, run};
use sharevar::engine::{Backed, Exclusive, Home, Make, RwLock, Units};
use sharevar::shm::{RawLock, RawRLock, RawRwLock, RawSemaphore};
use sharevar::{Error, Kind};
use std::thread;
use std::time::Duration;

fn one_holds_a_lock(lock: &dyn Exclusive) {
    assert!(!lock.is_locked().unwrap() && !lock.release().unwrap());
    assert_eq!(lock.release_all().unwrap(), None);
    let acquired = lock.try_acquire().unwrap().expect("it is free");
    assert!(!acquired.owner_died && !lock.owner_died().unwrap());
    assert!(lock.is_locked().unwrap() && lock.is_mine().unwrap());
    assert_eq!(lock.count().unwrap(), 1);
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

fn many_read_or_one_writes(lock: &dyn RwLock) {
    assert!(lock.try_read().unwrap().is_some() && lock.try_read().unwrap().is_some());
    assert_eq!(lock.try_write().unwrap(), None);
    assert!(runs_out(&mut *lock.write_wait()));
    // It waits no longer, and keeps no other out.
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

fn semaphore(
    home: &Home,
    units: u32,
    bound: Option<u32>,
    owned: Option<bool>,
) -> Backed<RawSemaphore, dyn Units> {
    let made = home.create(&Make::Semaphore { units, bound, owned }).unwrap();
    Backed::<RawSemaphore, dyn Units>::open(made, Kind::Semaphore).unwrap()
}

conform! {
    fn a_lock_is_held_by_one(engine) {
        let made = engine.home().create(&Make::Lock { owned: None }).unwrap();
        one_holds_a_lock(Backed::<RawLock, dyn Exclusive>::open(made, Kind::Lock).unwrap().any());
    }

    fn a_recursive_lock_is_held_by_a_thread_as_often_as_it_says(engine) {
        let made = engine.home().create(&Make::RLock).unwrap();
        let backed = Backed::<RawRLock, dyn Exclusive>::open(made, Kind::RLock).unwrap();
        let lock = backed.any();
        one_holds_a_lock(lock);
        (0..3).for_each(|_| assert!(lock.try_acquire().unwrap().is_some()));
        assert!(!elsewhere(|| lock.is_mine().unwrap() || lock.release().unwrap()));
        assert_eq!((lock.count().unwrap(), elsewhere(|| lock.count().unwrap())), (3, 0));
        assert_eq!(lock.release_all().unwrap(), Some(3));
        assert!(lock.try_acquire().unwrap().is_some());
        lock.restore(3).unwrap();
        (0..3).for_each(|_| assert!(lock.release().unwrap()));
        assert!(!lock.release().unwrap() && !lock.is_locked().unwrap());
    }

    fn many_read_or_one_writes_a_lock(engine) {
        let made = engine.home().create(&Make::RwLock).unwrap();
        many_read_or_one_writes(Backed::<RawRwLock, dyn RwLock>::open(made, Kind::RwLock).unwrap().any());
    }

    fn units_come_back(engine) {
        units_are_taken_and_given_back(semaphore(&engine.home(), 2, Some(2), None).any());
        let too_many = engine.home().create(&Make::Semaphore { units: 3, bound: Some(2), owned: None });
        assert_eq!(too_many.err(), Some(Error::TooManyUnits { limit: 2 }));
    }

    fn a_release_without_an_acquisition_makes_a_signal_unless_it_was_settled(engine) {
        for (owned, before, after) in [(None, Some(0), None), (Some(true), Some(0), Some(0)), (Some(false), None, None)] {
            let backed = semaphore(&engine.home(), 0, None, owned);
            let semaphore = backed.any();
            assert_eq!((semaphore.held().unwrap(), semaphore.bound().unwrap()), (before, None));
            semaphore.release(2).unwrap();
            assert_eq!((semaphore.held().unwrap(), semaphore.available().unwrap()), (after, 2));
            assert!(semaphore.try_acquire().unwrap());
            assert_eq!(semaphore.held().unwrap(), after.map(|_| 1));
        }
    }
}
