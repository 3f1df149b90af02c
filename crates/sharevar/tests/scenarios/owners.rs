//! The operations of locks that have an owner, and of sets, each with what it must have done.

use super::operations::{blocks_0, operations};
use super::{Facts, Hands, Operation, World, block};
use sharevar::shm::RawDict;
use sharevar::{Kind, OwnerDeath, RecursiveLock, RobustLock, TryLock};
use sharevar_value::{Encoded, Key, Word};
use std::hash::{DefaultHasher, Hash};

const PRESENT: Encoded = Encoded::Word(Word::NONE);
const LENGTH: usize = 3;

fn lock(hands: &Hands) -> RobustLock<'_> {
    RobustLock::of(&hands.participant, hands.lock.variable())
}

fn rlock(hands: &Hands) -> RecursiveLock<'_> {
    RecursiveLock::of(&hands.participant, hands.rlock.variable())
}

/// The state of the locks, as a reader sees it by taking them, and of the set.
pub(super) fn see(hands: &Hands, hash: &mut DefaultHasher) {
    let (lock, rlock) = (lock(hands), rlock(hands));
    let (acquired, again) = (lock.try_acquire().unwrap(), rlock.try_acquire().unwrap());
    (5_u8, acquired as u8, lock.owner_died(), again as u8, rlock.owner_died(), rlock.count()).hash(hash);
    if acquired != TryLock::Busy {
        assert!(lock.release().unwrap());
    }
    // No living participant holds it, so it was taken, once.
    assert!(rlock.release().unwrap() && !rlock.is_mine());
    for item in hands.set.items(false).unwrap() {
        item.key.hash(hash);
    }
}

/// Whole operations on what the mortal changes.
pub(super) fn clash(hands: &Hands) {
    let (lock, rlock) = (lock(hands), rlock(hands));
    assert_ne!(rlock.try_acquire().unwrap(), TryLock::Busy);
    assert_eq!(rlock.try_acquire().unwrap(), TryLock::Acquired);
    assert_eq!(rlock.release_all().unwrap(), Some(2));
    if lock.try_acquire().unwrap() != TryLock::Busy {
        lock.release().unwrap();
    }
    hands.set.insert(&hands.key(4711), &PRESENT).unwrap();
}

fn take(world: &World, times: u64) {
    for _ in 0..times {
        assert_eq!(rlock(&world.mortal).try_acquire().unwrap(), TryLock::Acquired);
    }
}

/// Has another participant take both locks, and die.
fn left_by_another(world: &World) {
    let participant = world.survivor.join_again().unwrap();
    for times in 0..3 {
        let lock = RecursiveLock::of(&participant, world.names[super::RLOCK]);
        assert_eq!(lock.try_acquire().unwrap(), TryLock::Acquired);
        assert_eq!(lock.count(), times + 1);
    }
    let lock = RobustLock::of(&participant, world.names[super::LOCK]);
    assert_eq!(lock.try_acquire().unwrap(), TryLock::Acquired);
    participant.abandon();
}

fn keys(world: &World, numbers: std::ops::Range<u64>) -> Vec<Key> {
    let key = |number: u64| {
        if number.is_multiple_of(3) { world.mortal.long_key(number) } else { world.mortal.key(number) }
    };
    numbers.map(key).collect()
}

fn items(world: &World, numbers: std::ops::Range<u64>) -> Vec<(Key, Encoded)> {
    keys(world, numbers).into_iter().map(|key| (key, PRESENT)).collect()
}

fn shape(before: &Facts, after: &Facts, tokens: [bool; 2], count: u64) -> bool {
    [before.rlock[1] != 0, after.rlock[1] != 0] == tokens && (!tokens[1] || after.rlock[2] == count)
}

operations! {
    OWNERS:
    "rlock: acquire": |_| {}, |w| take(w, 1), |b, a| shape(b, a, [false, true], 1);
    "rlock: acquire again" (same): |w| take(w, 1), |w| take(w, 1), |b, a| shape(b, a, [true, true], 2);
    "rlock: acquire what the dead left" (same): left_by_another,
        |w| assert_eq!(rlock(&w.mortal).try_acquire().unwrap(), TryLock::OwnerDied),
        |b, a| b.rlock[0] != a.rlock[0] && shape(b, a, [true, true], 1);
    "rlock: release": |w| take(w, 1), |w| assert!(rlock(&w.mortal).release().unwrap()),
        |b, a| shape(b, a, [true, false], 0) && a.rlock[0] == 0;
    "rlock: release one of three" (same): |w| take(w, 3), |w| assert!(rlock(&w.mortal).release().unwrap()),
        |b, a| shape(b, a, [true, true], 2);
    "rlock: release all": |w| take(w, 3),
        |w| assert_eq!(rlock(&w.mortal).release_all().unwrap(), Some(3)), |b, a| shape(b, a, [true, false], 0);
    "rlock: the dead one's is put right": left_by_another,
        |w| {
            let lock = rlock(&w.mortal);
            assert_eq!(lock.try_acquire().unwrap(), TryLock::OwnerDied);
            lock.mark_consistent();
            assert!(lock.release().unwrap());
        }, |_, a| a.rlock[0] == 0;
    "lock: its holder departs": |w| assert_eq!(lock(&w.mortal).try_acquire().unwrap(), TryLock::Acquired),
        |w| w.mortal.participant.settle_at_exit().unwrap(), |b, a| a.lock != b.lock && a.lock != 0;
    "rlock: its holder departs" (same): |w| {
            take(w, 2);
            lock(&w.mortal).set_owner_death(OwnerDeath::Release);
            assert_eq!(lock(&w.mortal).try_acquire().unwrap(), TryLock::Acquired);
            // There is something for it to do.
            w.mortal.semaphore.release().unwrap();
        }, |w| w.mortal.participant.settle_at_exit().unwrap(), |b, a| a.lock == b.lock && a.rlock == b.rlock;

    "set: change of many": |w| w.mortal.set.update(&items(w, 0..20)).unwrap(),
        |w| assert!(w.mortal.set.change_if_unchanged(&keys(w, 5..15), &items(w, 15..30), w.mortal.set.stamp()).unwrap()),
        |b, a| b.set[LENGTH] == 20 && a.set[LENGTH] == 20;
    "set: replaced as a whole": |w| w.mortal.set.update(&items(w, 0..20)).unwrap(),
        |w| {
            assert!(w.mortal.set.replace_if_unchanged(&items(w, 10..40), w.mortal.set.stamp()).unwrap());
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.set[LENGTH] == 20 && a.set[LENGTH] == 30 && b.variables == a.variables;
    "set: one is made and dropped" (same): |_| {},
        |w| {
            let set = RawDict::create_as(&w.mortal.participant, Kind::Set).unwrap();
            set.update(&items(w, 0..10)).unwrap();
            drop(set);
            let namespace = RawDict::create_as(&w.mortal.participant, Kind::Namespace).unwrap();
            namespace.insert(&w.mortal.long_key(1), &block(1)).unwrap();
            drop(namespace);
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.variables == a.variables && blocks_0(b, a);
}
