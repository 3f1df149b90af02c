//! The typed locks, semaphores and events, used by several threads.

use crate::engines::managers;
use sharevar::{RLock, Result};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_lock_is_held_by_one_and_given_back() -> Result<()> {
    for manager in managers() {
        let (lock, count) = (manager.lock()?, manager.value(0_i64)?);
        let taken = lock.lock()?;
        assert!(!taken.owner_died());
        let guard = taken.guard();
        assert!(lock.is_locked()? && !guard.owner_died()? && lock.try_lock()?.is_none());
        let begin = Instant::now();
        assert!(lock.lock_timeout(Duration::from_millis(30))?.is_none());
        assert!(begin.elapsed() >= Duration::from_millis(30));
        guard.unlock()?;
        assert!(!lock.is_locked()? && lock.try_lock()?.is_some());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let _guard = lock.lock().unwrap().guard();
                        // Two operations, so that only the lock makes the sum right.
                        count.set(&(count.get().unwrap() + 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(count.get()?, 8000);
    }
    Ok(())
}

/// Whether another thread gets it at once.
fn is_free_for_others(lock: &RLock) -> bool {
    std::thread::scope(|scope| scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap())
}

#[test]
fn a_recursive_lock_is_free_when_all_guards_are_gone_in_any_order() -> Result<()> {
    for manager in managers() {
        let lock = manager.rlock()?;
        let mut guards: Vec<_> = (0..5).map(|_| lock.lock().unwrap().guard()).collect();
        for place in [0, 3, 1, 1, 0] {
            assert!(lock.is_mine()? && lock.is_locked()? && !is_free_for_others(&lock));
            drop(guards.remove(place));
        }
        assert!(!lock.is_mine()? && !lock.is_locked()? && is_free_for_others(&lock));
        lock.lock()?.guard().unlock()?;
        assert!(is_free_for_others(&lock));
    }
    Ok(())
}

#[test]
fn a_recursive_lock_makes_other_threads_wait() -> Result<()> {
    for manager in managers() {
        let (lock, count) = (manager.named("lock").rlock()?, manager.value(0_i64)?);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..3000 {
                        let _outer = lock.lock().unwrap();
                        let seen = count.get().unwrap();
                        let _inner = lock.lock().unwrap();
                        count.set(&(seen + 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(count.get()?, 9000);
        let _guard = lock.lock()?;
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| lock.lock_timeout(Duration::from_millis(10)).unwrap().is_some());
            assert!(!waits.join().unwrap());
        });
    }
    Ok(())
}

#[test]
fn no_more_threads_are_inside_than_there_are_units() {
    for manager in managers() {
        let semaphore = manager.bounded_semaphore(3).unwrap();
        let (inside, most) = (AtomicI64::new(0), AtomicI64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let permit = semaphore.acquire().unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(semaphore.available_permits().unwrap(), 3);
    }
}

#[test]
fn every_unit_of_a_signal_wakes_a_waiter() {
    for manager in managers() {
        let (filled, taken) = (manager.semaphore(0).unwrap(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        filled.acquire().unwrap().forget();
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            let mut released = 0;
            while released < 2000 {
                let units = (1 + released % 7).min(2000 - released);
                filled.release(units).unwrap();
                released += units;
                std::thread::yield_now();
            }
        });
        assert_eq!(taken.into_inner(), 2000);
    }
}

#[test]
fn writers_are_alone_and_readers_never_see_half() {
    for manager in managers() {
        let lock = manager.rwlock().unwrap();
        let pair = [AtomicU64::new(0), AtomicU64::new(0)];
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let guard = lock.read().unwrap().guard();
                        let first = pair[0].load(Ordering::Relaxed);
                        std::thread::yield_now();
                        assert_eq!(first, pair[1].load(Ordering::Relaxed));
                        drop(guard);
                    }
                });
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let _guard = lock.write().unwrap().guard();
                        let next = pair[0].load(Ordering::Relaxed) + 1;
                        pair[0].store(next, Ordering::Relaxed);
                        std::thread::yield_now();
                        pair[1].store(next, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(pair[1].load(Ordering::Relaxed), 3000);
    }
}

#[test]
fn a_writer_that_waits_stops_new_readers_until_he_gives_up() {
    for manager in managers() {
        let lock = manager.rwlock().unwrap();
        let reader = lock.read().unwrap().guard();
        let lock = &lock;
        std::thread::scope(|scope| {
            let begin = |limit| scope.spawn(move || lock.write_timeout(limit).unwrap().is_none());
            let mut limit = Duration::from_millis(100);
            let mut writer = begin(limit);
            while lock.try_read().unwrap().is_some() {
                if writer.is_finished() {
                    // On a busy machine its time was over before it was seen to wait.
                    limit *= 2;
                    writer = begin(limit);
                }
                std::thread::yield_now();
            }
            // The new reader waits for the writer, and that for the old one.
            assert!(lock.read_timeout(Duration::from_mins(1)).unwrap().is_some());
            assert!(writer.join().unwrap(), "the writer got in beside a reader");
        });
        drop(reader);
        assert!(lock.try_write().unwrap().is_some());
    }
}

#[test]
fn no_waiter_sleeps_through_an_event_that_is_cleared_at_once() {
    for manager in managers() {
        let (event, back) = (manager.event().unwrap(), manager.semaphore(0).unwrap());
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..200 {
                            // A waiter announces itself first, and may be late.
                            back.release(1).unwrap();
                            if !event.wait_timeout(Duration::from_mins(1)).unwrap() {
                                return false;
                            }
                        }
                        true
                    })
                })
                .collect();
            while !waiters.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                event.set().unwrap();
                event.clear().unwrap();
                std::thread::yield_now();
            }
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
        });
        assert_eq!(back.available_permits().unwrap(), 600);
    }
}
