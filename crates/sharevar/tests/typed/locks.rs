//! Typed locks: their holders, and their state when a holder goes.

use sharevar::{Error, Lock, Manager, Result, Shared, Taken};

fn manager() -> Manager {
    Manager::builder().capacity(4 << 20).build().unwrap()
}

/// Another participant, and the same variable as it sees it.
fn seen_by_another<S: Shared>(manager: &Manager, variable: &S) -> (Manager, S) {
    let other = Manager::attach(manager.descriptor().unwrap()).unwrap();
    let handle = other.home().open(variable.handle().id()).unwrap();
    (other, S::from_handle(handle).unwrap())
}

/// `end` ends the other participant, which holds the lock `depth` times.
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
    assert!(guard.owner_died()?);
    let inner = lock.lock()?;
    assert!(matches!(inner, Taken::Free(_)));
    inner.guard().mark_consistent()?;
    assert!(!guard.owner_died()?);
    drop(guard);
    let is_free =
        std::thread::scope(|scope| scope.spawn(|| lock.try_lock().map(|it| it.is_some())).join().unwrap());
    assert_eq!(is_free, Ok(true));
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

/// A lock that another participant has taken before it ended by `end`.
fn left(owned: Option<bool>, end: fn(Manager)) -> Result<(Manager, Lock)> {
    let manager = manager();
    let lock = lock(&manager, owned)?;
    let (other, theirs) = seen_by_another(&manager, &lock);
    std::mem::forget(theirs.lock()?);
    // A lock that was taken through a handle that is gone is still held.
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
            assert!(lock.is_locked()? && lock.try_lock()?.is_none(), "{owned:?}: it stays taken");
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
    assert!(lock.is_locked()? && lock.try_lock()?.is_none());
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
