//! Typed locks: who holds them, and what becomes of them when he goes.

use sharevar::{Error, Manager, RLock, Result, Taken};
use std::time::Duration;

fn manager() -> Manager {
    Manager::builder().capacity(4 << 20).build().unwrap()
}

/// Whether another thread gets it at once.
fn is_free_for_others(lock: &RLock) -> bool {
    std::thread::scope(|scope| scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap())
}

#[test]
fn a_recursive_lock_is_free_when_all_guards_are_gone_in_any_order() -> Result<()> {
    let manager = manager();
    let lock = manager.rlock()?;
    let same = manager.named("lock").rlock()?;
    assert_ne!(lock, same);
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
    let (lock, count) = (manager.rlock()?, manager.value(0_i64)?);
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

#[test]
fn a_recursive_lock_of_one_who_died_is_taken_over_whatever_its_depth() -> Result<()> {
    let manager = manager();
    for depth in 1..4 {
        let lock = manager.rlock()?;
        let mortal = Manager::attach(manager.descriptor()?)?;
        let id = sharevar::Shared::id(&lock);
        // The handle of the mortal, since an id leads to the first attachment.
        let variable = mortal.participant().variable(lock_offset(&lock), lock_generation(&lock)).unwrap();
        let theirs = sharevar::Handle::open(mortal.participant(), variable)?;
        let theirs = <RLock as sharevar::Shared>::from_handle(theirs)?;
        assert_eq!(sharevar::Shared::id(&theirs), id);
        for _ in 0..depth {
            std::mem::forget(theirs.lock()?);
        }
        assert!(lock.try_lock()?.is_none(), "another participant holds it");
        mortal.participant().abandon();
        let Some(Taken::OwnerDied(guard)) = lock.try_lock()? else { panic!("the death was not told") };
        assert!(guard.owner_died());
        let inner = lock.lock()?;
        assert!(matches!(inner, Taken::Free(_)));
        inner.guard().mark_consistent();
        assert!(!guard.owner_died());
        drop(guard);
        assert!(is_free_for_others(&lock));
    }
    Ok(())
}

fn lock_offset(lock: &RLock) -> u64 {
    sharevar::Shared::handle(lock).variable().header()
}

fn lock_generation(lock: &RLock) -> u64 {
    sharevar::Shared::handle(lock).variable().generation()
}

#[test]
fn what_is_not_held_cannot_be_given_back() {
    let manager = manager();
    let lock = manager.lock().unwrap();
    let guard = lock.lock().unwrap().guard();
    // Somebody else gives it back.
    let other = Manager::attach(manager.descriptor().unwrap()).unwrap();
    let same =
        sharevar::Handle::open(other.participant(), sharevar::Shared::handle(&lock).variable()).unwrap();
    let same = <sharevar::Lock as sharevar::Shared>::from_handle(same).unwrap();
    assert!(same.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    assert!(same.try_lock().unwrap().is_some());
    assert_eq!(Error::NotOwner.to_string(), "attempt to release recursive lock not owned by thread");
}
