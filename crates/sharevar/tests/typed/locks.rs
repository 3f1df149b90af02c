//! Typed locks: who holds them, and what becomes of them when he goes.

use sharevar::{Error, Lock, Manager, RLock, Result, Shared, Taken};
use std::time::Duration;

fn manager() -> Manager {
    Manager::builder().capacity(4 << 20).build().unwrap()
}

/// Another participant, and the same variable as he sees it.
fn seen_by_another<S: Shared>(manager: &Manager, variable: &S) -> (Manager, S) {
    let other = Manager::attach(manager.descriptor().unwrap()).unwrap();
    let handle = other.home().open(variable.handle().id()).unwrap();
    (other, S::from_handle(handle).unwrap())
}

/// Whether another thread gets it at once.
fn is_free_for_others(lock: &RLock) -> bool {
    std::thread::scope(|scope| scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap())
}

#[test]
fn a_recursive_lock_is_free_when_all_guards_are_gone_in_any_order() -> Result<()> {
    let manager = manager();
    let lock = manager.rlock()?;
    let mut guards: Vec<_> = (0..5).map(|_| lock.lock().unwrap().guard()).collect();
    for place in [0, 3, 1, 1, 0] {
        assert!(lock.is_mine() && lock.is_locked() && !is_free_for_others(&lock));
        drop(guards.remove(place));
    }
    assert!(!lock.is_mine() && !lock.is_locked() && is_free_for_others(&lock));
    lock.lock()?.guard().unlock()?;
    assert!(is_free_for_others(&lock));
    Ok(())
}

#[test]
fn a_recursive_lock_makes_other_threads_wait() -> Result<()> {
    let manager = manager();
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
    Ok(())
}

/// `end` ends the other participant, who holds the lock `depth` times.
fn taken_over(end: fn(Manager), depth: u32) -> Result<()> {
    let manager = manager();
    let lock = manager.rlock()?;
    let (other, theirs) = seen_by_another(&manager, &lock);
    for _ in 0..depth {
        std::mem::forget(theirs.lock()?);
    }
    assert!(lock.try_lock()?.is_none(), "another participant holds it");
    drop(theirs);
    end(other);
    let Some(Taken::OwnerDied(guard)) = lock.try_lock()? else { panic!("it was not told") };
    assert!(guard.owner_died());
    let inner = lock.lock()?;
    assert!(matches!(inner, Taken::Free(_)));
    inner.guard().mark_consistent();
    assert!(!guard.owner_died());
    drop(guard);
    assert!(is_free_for_others(&lock));
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // As `ends`.
fn dies(other: Manager) {
    other.participant().unwrap().abandon();
}

fn ends(other: Manager) {
    drop(other);
}

#[test]
fn a_recursive_lock_is_taken_over_from_who_ends_anyhow_at_any_depth() -> Result<()> {
    for depth in 1..4 {
        taken_over(dies, depth)?;
        taken_over(ends, depth)?;
    }
    Ok(())
}

fn lock(manager: &Manager, owned: Option<bool>) -> Result<Lock> {
    owned.map_or_else(|| manager.lock(), |owned| manager.settled_lock(owned))
}

/// A lock that another has taken before he ended by `end`.
fn left(owned: Option<bool>, end: fn(Manager)) -> Result<(Manager, Lock)> {
    let manager = manager();
    let lock = lock(&manager, owned)?;
    let (other, theirs) = seen_by_another(&manager, &lock);
    std::mem::forget(theirs.lock()?);
    // What was taken through a handle that is gone is still held.
    drop(theirs);
    end(other);
    Ok((manager, lock))
}

fn is_told(lock: &Lock) -> Result<bool> {
    Ok(matches!(lock.try_lock()?, Some(Taken::OwnerDied(_))))
}

#[test]
fn how_a_holder_ends_decides_unless_it_was_settled() -> Result<()> {
    for (owned, end, told) in [
        (None, dies as fn(Manager), true),
        (None, ends, false),
        (Some(true), dies, true),
        (Some(true), ends, true),
        (Some(false), dies, false),
        (Some(false), ends, false),
    ] {
        let (_manager, lock) = left(owned, end)?;
        assert_eq!(is_told(&lock)?, told, "{owned:?}");
        if !told {
            assert!(lock.is_locked() && lock.try_lock()?.is_none(), "{owned:?}: it stays taken");
            lock.release()?;
            assert!(!lock.try_lock()?.unwrap().owner_died());
        }
        assert_eq!(lock.release(), Err(Error::NotLocked));
    }
    Ok(())
}

#[test]
fn a_signal_stays_one() -> Result<()> {
    let (manager, lock) = left(None, ends)?;
    lock.release()?;
    let (other, theirs) = seen_by_another(&manager, &lock);
    std::mem::forget(theirs.lock()?);
    drop(theirs);
    dies(other);
    assert!(lock.is_locked() && lock.try_lock()?.is_none());
    Ok(())
}

#[test]
fn a_release_by_another_makes_a_signal_unless_it_was_settled() -> Result<()> {
    for (owned, told) in [(None, false), (Some(true), true)] {
        let manager = manager();
        let lock = lock(&manager, owned)?;
        let (other, theirs) = seen_by_another(&manager, &lock);
        std::mem::forget(lock.lock()?);
        theirs.release()?;
        std::mem::forget(theirs.lock()?);
        drop(theirs);
        dies(other);
        assert_eq!(is_told(&lock)?, told, "{owned:?}");
    }
    Ok(())
}
