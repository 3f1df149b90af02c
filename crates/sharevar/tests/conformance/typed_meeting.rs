//! The typed conditions and barriers, used by several threads.

use crate::engines::managers;
use sharevar::{Error, Manager, Taken};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Has four threads take 100 turns each at a number that a condition's lock protects.
macro_rules! take_turns {
    ($manager:expr, $condition:expr, $lock:expr) => {
        let (manager, condition, lock): (&Manager, _, _) = ($manager, $condition, $lock);
        let next = manager.value(0_u64).unwrap();
        std::thread::scope(|scope| {
            for me in 0..4 {
                let (condition, lock, next) = (&condition, &lock, &next);
                scope.spawn(move || {
                    for turn in 0..100 {
                        let guard = lock.lock().unwrap().guard();
                        let is_others = || Ok(next.get()? != turn * 4 + me);
                        let taken = condition.wait_while(guard, is_others).unwrap();
                        assert!(matches!(taken, Taken::Free(_)));
                        next.set(&(turn * 4 + me + 1)).unwrap();
                        condition.notify_all().unwrap();
                    }
                });
            }
        });
        assert_eq!(next.get().unwrap(), 400);
    };
}

#[test]
fn threads_take_turns_by_a_condition_of_either_lock() {
    for manager in managers() {
        let condition = manager.condition().unwrap();
        let lock = condition.lock().unwrap();
        take_turns!(&manager, condition, lock);
        let rlock = manager.rlock().unwrap();
        let condition = manager.condition_of(&rlock).unwrap();
        assert_eq!(condition.rlock().unwrap(), rlock);
        take_turns!(&manager, condition, rlock);
    }
}

#[test]
fn a_wait_gives_a_recursive_lock_back_entirely_and_takes_it_again_as_often() {
    for manager in managers() {
        let lock = manager.rlock().unwrap();
        let condition = manager.condition_of(&lock).unwrap();
        let (outer, inner) = (lock.lock().unwrap().guard(), lock.lock().unwrap().guard());
        let (taken, notified) = std::thread::scope(|scope| {
            scope.spawn(|| {
                // It gets the lock while the other one waits.
                let _guard = lock.lock().unwrap();
                condition.notify_one().unwrap();
            });
            condition.wait_timeout(inner, Duration::from_secs(30)).unwrap()
        });
        assert!(notified);
        drop(taken);
        assert!(lock.is_mine().unwrap(), "it was held twice");
        drop(outer);
        assert!(!lock.is_locked().unwrap());
        let (guard, notified) = condition.wait_timeout(lock.lock().unwrap().guard(), Duration::ZERO).unwrap();
        assert!(!notified && lock.is_mine().unwrap());
        drop(guard);
        let other = manager.lock().unwrap();
        assert_eq!(condition.wait(other.lock().unwrap().guard()).err(), Some(Error::WrongLock));
        assert!(!other.is_locked().unwrap(), "the guard is gone");
    }
}

#[test]
fn all_meet_at_a_barrier_round_after_round() {
    for manager in managers() {
        let barrier = manager.barrier(3).unwrap();
        let (arrived, leaders) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 1..=50 {
                        arrived.fetch_add(1, Ordering::SeqCst);
                        leaders.fetch_add(u64::from(barrier.wait().unwrap().is_leader()), Ordering::SeqCst);
                        assert!(arrived.load(Ordering::SeqCst) >= 3 * round);
                    }
                });
            }
        });
        assert_eq!(leaders.into_inner(), 50);
        assert_eq!((barrier.waiting(), barrier.is_broken(), barrier.parties()), (Ok(0), Ok(false), Ok(3)));
    }
}

#[test]
fn a_barrier_breaks_when_time_runs_out_and_can_be_reset() {
    for manager in managers() {
        let barrier = manager.named("meeting").barrier(2).unwrap();
        assert_eq!(barrier.wait_timeout(Duration::from_millis(5)), Err(Error::BrokenBarrier));
        assert_eq!((barrier.is_broken(), barrier.wait()), (Ok(true), Err(Error::BrokenBarrier)));
        barrier.reset().unwrap();
        assert_eq!((barrier.is_broken(), barrier.waiting()), (Ok(false), Ok(0)));
        barrier.abort().unwrap();
        assert_eq!(barrier.wait(), Err(Error::BrokenBarrier));
        let refused = manager.named("meeting").barrier(3);
        assert_eq!(refused.unwrap_err(), Error::WrongLength { found: 2, asked: 3 });
    }
}
