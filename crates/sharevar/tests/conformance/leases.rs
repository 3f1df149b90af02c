//! The end of a client's lease: what it held is others', and it learns of it.

use crate::clients::conform_with_leases;
use crate::waiting::runs_out;
use sharevar::engine::wait::{deadline, run};
use sharevar::engine::{Arrived, Backed, Barrier, Condition, Exclusive, Failure, Home, Outcome, Units};
use sharevar::shm::{RawBarrier, RawCondition, RawLock, RawSemaphore};
use sharevar::{Dict, Error, Handle, Kind, Lock, Manager, Shared};
use sharevar_redis::testing::await_that;
use std::mem::forget;
use std::time::Duration;

/// Long enough for an engine that looks for the dead now and then.
const LONG: Duration = Duration::from_secs(30);

fn named_lock(manager: &Manager) -> Lock {
    manager.named("lock").lock().unwrap()
}

fn variables(manager: &Manager) -> u64 {
    match manager.home() {
        Home::Other(engine) => engine.count().unwrap(),
        Home::Shm(_) => unreachable!("its clients have no leases"),
    }
}

/// The same variables, without their types.
fn condition(handle: Handle) -> Backed<RawCondition, dyn Condition> {
    Backed::<RawCondition, dyn Condition>::open(handle, Kind::Condition).unwrap()
}

fn exclusive(lock: &Lock) -> Backed<RawLock, dyn Exclusive> {
    Backed::<RawLock, dyn Exclusive>::open(lock.handle(), Kind::Lock).unwrap()
}

fn barrier(manager: &Manager) -> Backed<RawBarrier, dyn Barrier> {
    let made = manager.named("barrier").barrier(2).unwrap();
    Backed::<RawBarrier, dyn Barrier>::open(made.handle(), Kind::Barrier).unwrap()
}

fn semaphore(manager: &Manager) -> Backed<RawSemaphore, dyn Units> {
    let made = manager.named("units").bounded_semaphore(3).unwrap();
    Backed::<RawSemaphore, dyn Units>::open(made.handle(), Kind::Semaphore).unwrap()
}

conform_with_leases! {
    fn a_lock_goes_to_the_next_one_and_is_not_taken_away_from_it(server) {
        let (one, other) = (server.doomed(), server.client());
        let (lock, same) = (named_lock(one.manager()), named_lock(&other));
        forget(lock.lock().unwrap().guard());
        assert!(same.try_lock().unwrap().is_none());
        one.expire();
        assert!(!same.is_locked().unwrap());
        let taken = same.lock_timeout(LONG).unwrap().expect("the lease has ended");
        assert!(taken.owner_died());
        assert!(lock.is_lost().unwrap());
        for _ in 0..2 {
            assert_eq!(lock.release(), Err(Error::Engine(Failure::LeaseLost)), "however often it tries");
        }
        assert!(same.is_locked().unwrap());
        drop(taken);
        // From now on the lock may be another one's to release, as any lock.
        forget(lock.lock().unwrap().guard());
        assert!(!lock.is_lost().unwrap());
        same.release().unwrap();
        assert!(!lock.is_locked().unwrap());
    }

    fn a_lock_that_no_other_has_taken_meanwhile_is_given_back(server) {
        let (one, other) = (server.doomed(), server.client());
        let (lock, same) = (named_lock(one.manager()), named_lock(&other));
        let guard = lock.lock().unwrap().guard();
        one.expire();
        assert!(!lock.is_lost().unwrap());
        guard.unlock().unwrap();
        assert!(!same.try_lock().unwrap().expect("it is free").owner_died());
    }

    fn a_recursive_lock_goes_to_the_next_one(server) {
        let (one, other) = (server.doomed(), server.client());
        let lock = one.manager().named("rlock").rlock().unwrap();
        let same = other.named("rlock").rlock().unwrap();
        (0..2).for_each(|_| forget(lock.lock().unwrap().guard()));
        assert!(same.try_lock().unwrap().is_none());
        one.expire();
        assert!(!lock.is_mine().unwrap() && !lock.is_locked().unwrap());
        let taken = same.try_lock().unwrap().expect("the lease has ended");
        assert!(taken.owner_died() && lock.try_lock().unwrap().is_none());
        let guard = taken.guard();
        guard.mark_consistent().unwrap();
        drop(guard);
        assert!(!lock.lock().unwrap().owner_died());
    }

    fn a_fenced_write_of_an_earlier_holder_is_refused(server) {
        let (one, other) = (server.doomed(), server.client());
        let (lock, same) = (named_lock(one.manager()), named_lock(&other));
        let dict: Dict<u8, u8> = one.manager().named("dict").dict().unwrap();
        assert_eq!(dict.fenced(&lock).err(), Some(Error::NotOwner));
        assert_eq!((lock.token().unwrap(), lock.is_lost().unwrap()), (None, false));
        forget(lock.lock().unwrap().guard());
        let token = lock.token().unwrap().unwrap();
        let fenced = dict.fenced(&lock).unwrap();
        fenced.insert(&1, &1).unwrap();
        // Asked for again, it is not refused.
        one.lose_next_reply();
        fenced.insert(&1, &2).unwrap();
        assert_eq!((fenced.get(&1).unwrap(), fenced == dict), (Some(2), true));
        one.expire();
        let taken = same.lock_timeout(LONG).unwrap().expect("the lease has ended");
        assert!(same.token().unwrap() > Some(token), "tokens rise");
        assert_eq!(fenced.insert(&1, &3), Err(Error::Engine(Failure::Fenced)));
        assert_eq!(fenced.get(&1), Err(Error::Engine(Failure::Fenced)));
        assert_eq!(dict.get(&1).unwrap(), Some(2));
        // Without the fence it overtakes the holder.
        dict.insert(&1, &4).unwrap();
        drop(taken);
        assert_eq!(fenced.insert(&1, &5), Err(Error::Engine(Failure::Fenced)), "it is free, and was another's");
    }

    fn a_variable_goes_that_nobody_else_has(server) {
        let (one, other) = (server.doomed(), server.client());
        let list = one.manager().list::<Dict<u8, u8>>().unwrap();
        list.push(&one.manager().dict().unwrap()).unwrap();
        let kept: Dict<u8, u8> = one.manager().named("kept").dict().unwrap();
        // That of the dict is given up some time.
        await_that("three", || variables(&other) == 3);
        one.expire();
        await_that("the end of two", || variables(&other) == 1);
        assert_eq!(list.len(), Err(Error::HandleExpired));
        drop(list);
        kept.insert(&1, &1).unwrap();
        assert_eq!((kept.len().unwrap(), variables(&other)), (1, 1));
    }

    fn a_writer_that_died_is_told_of_and_a_reader_is_not(server) {
        let (one, other) = (server.doomed(), server.client());
        let lock = one.manager().named("rwlock").rwlock().unwrap();
        let same = other.named("rwlock").rwlock().unwrap();
        forget(lock.read().unwrap().guard());
        assert!(same.try_write().unwrap().is_none());
        one.expire();
        assert!(!same.try_write().unwrap().expect("no reader is left").owner_died());
        forget(lock.write().unwrap().guard());
        assert!(same.try_read().unwrap().is_none());
        one.kill();
        let read = same.try_read().unwrap().expect("the writer is gone");
        assert!(read.owner_died());
        drop(read);
        let guard = same.try_write().unwrap().expect("it is free").guard();
        assert!(guard.owner_died().unwrap(), "until a writer has given it back");
        drop(guard);
        assert!(!same.try_write().unwrap().expect("it is free").owner_died());
    }

    fn units_come_back(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (semaphore(one.manager()), semaphore(&other));
        assert!(same.any().try_acquire().unwrap());
        (0..2).for_each(|_| assert!(mine.any().try_acquire().unwrap()));
        assert_eq!((mine.any().held().unwrap(), same.any().held().unwrap()), (Some(2), Some(1)));
        let mut wait = same.any().acquire_wait();
        assert!(runs_out(&mut *wait));
        one.kill();
        assert_eq!(run(&mut *wait, deadline(LONG)).unwrap(), Some(()));
        drop(wait);
        assert_eq!((same.any().held().unwrap(), same.any().available().unwrap()), (Some(2), 1));
    }

    fn a_barrier_breaks_at_which_one_has_died(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (barrier(one.manager()), barrier(&other));
        let Some(Arrived::Wait(first)) = same.any().try_arrive().unwrap() else { panic!("not the first") };
        drop(first);
        let Some(Arrived::Wait(dead)) = mine.any().try_arrive().unwrap() else { panic!("not the first") };
        one.kill();
        // It arrives too late for the one that is gone, or finds the barrier broken already.
        match same.any().try_arrive().unwrap() {
            Some(Arrived::Over(outcome)) => assert_eq!(outcome, Outcome::Broken),
            other => panic!("{other:?}"),
        }
        drop(dead);
    }

    fn a_notification_is_for_one_that_lives(server) {
        let (one, other) = (server.doomed(), server.client());
        let made = other.named("condition").condition().unwrap();
        let same = one.manager().named("condition").condition().unwrap();
        let (mine, dead) = (condition(made.handle()), condition(same.handle()));
        let lock = exclusive(&made.lock().unwrap());
        let dying = exclusive(&same.lock().unwrap());
        assert!(dying.any().try_acquire().unwrap().is_some());
        let first = dead.any().begin_wait().unwrap();
        assert!(lock.any().try_acquire().unwrap().is_some());
        let mut second = mine.any().begin_wait().unwrap();
        one.kill();
        assert_eq!(mine.any().notify(1).unwrap(), 1);
        assert_eq!(run(&mut *second, deadline(LONG)).unwrap(), Some(()));
        assert!(lock.any().try_acquire().unwrap().is_some());
        assert!(second.end().unwrap(), "it was notified");
        drop(first);
    }

    fn a_waiter_whose_lease_has_ended_does_not_wait_for_ever(server) {
        let (one, other) = (server.doomed(), server.client());
        let made = one.manager().named("condition").condition().unwrap();
        let paused = condition(made.handle());
        let lock = exclusive(&made.lock().unwrap());
        assert!(lock.any().try_acquire().unwrap().is_some());
        let mut wait = paused.any().begin_wait().unwrap();
        one.expire();
        other.named("condition").condition().unwrap().notify_all().unwrap();
        assert_eq!(run(&mut *wait, deadline(LONG)).unwrap(), Some(()), "at least it is woken");
        assert!(lock.any().try_acquire().unwrap().is_some());
        wait.end().unwrap();
    }

    fn items_stay_that_a_dead_one_has_put(server) {
        let (one, other) = (server.doomed(), server.client());
        let queue = one.manager().named("queue").queue::<u8>().unwrap();
        let same = other.named("queue").queue::<u8>().unwrap();
        (0..3).for_each(|number| queue.put(&number).unwrap());
        assert_eq!(queue.get().unwrap(), 0, "it is gone with the one that took it");
        one.kill();
        assert_eq!((same.get().unwrap(), same.try_get().unwrap(), same.try_get().unwrap()), (1, Some(2), None));
    }
}
