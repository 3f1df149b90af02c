//! The operations of semaphores, readers-writer locks and events, each with what it must have done.

use super::operations::operations;
use super::{Facts, Hands, Operation, World};
use sharevar::shm::{Handle, RawRwLock, RawSemaphore};
use sharevar::{Participant, TryLock, Variable};
use std::hash::{DefaultHasher, Hash};
use std::sync::Arc;

/// The units of the semaphore at first.
pub(crate) const UNITS: u32 = 7;

const STATE: usize = 1;
const BLOCK: usize = 2;
const PLACES: usize = 3;
const FIRST: usize = 4;

/// Hashes what is free and what is held; by whom may differ from copy to copy.
pub(crate) fn see(hands: &Hands, hash: &mut DefaultHasher) {
    let participant = &hands.participant;
    for variable in [hands.semaphore.handle().variable(), hands.rwlock.handle().variable()] {
        let mut held = further(participant, variable);
        held.push(participant.body(variable, 0) >> 32);
        held.retain(|units| *units > 0);
        held.sort_unstable();
        held.hash(hash);
        (participant.body(variable, 0) as u32).hash(hash);
    }
    // The announcement of a waiter is taken back in a step of its own.
    let body = |handle: &Handle, index| participant.body(handle.variable(), index);
    (body(hands.semaphore.handle(), STATE) & !2).hash(hash);
    let lock = body(hands.rwlock.handle(), STATE);
    (lock >> 61 & 1, lock << 3 != 0).hash(hash);
    (body(hands.event.handle(), 0) & !2).hash(hash);
}

/// The units of each further holder.
fn further(participant: &Participant, variable: Variable) -> Vec<u64> {
    let units = participant.change(variable, |change| {
        let (block, places) = (change.body(BLOCK), change.body(PLACES));
        (0..places).map(|place| change.load(block + place * 16 + 8)).collect()
    });
    units.unwrap()
}

/// Whole operations on the variables that the mortal changes.
pub(crate) fn clash(hands: &Hands) {
    if hands.semaphore.try_acquire_or_announce().unwrap() {
        hands.semaphore.release().unwrap();
    }
    hands.semaphore.release_many(2).unwrap();
    if hands.rwlock.try_write_or_announce().unwrap() == TryLock::Busy {
        assert_ne!(hands.rwlock.try_read().unwrap(), TryLock::Acquired);
    }
    hands.event.set().unwrap();
    hands.event.clear().unwrap();
}

/// Others that hold units of the semaphore, one each.
fn others(world: &World, count: u32) {
    for _ in 0..count {
        let (participant, semaphore) = another(world);
        assert!(semaphore.try_acquire().unwrap());
        std::mem::forget((participant, semaphore));
    }
}

/// Others that hold some each, and die.
fn dead(world: &World, count: u32, units: u32) {
    for _ in 0..count {
        let (participant, semaphore) = another(world);
        assert!((0..units).all(|_| semaphore.try_acquire().unwrap()));
        participant.abandon();
        std::mem::forget((participant, semaphore));
    }
}

fn another(world: &World) -> (Arc<Participant>, RawSemaphore) {
    let participant = world.survivor.join_again().unwrap();
    let semaphore = world.mortal.semaphore.handle().variable();
    let semaphore = RawSemaphore::from_handle(Handle::open(&participant, semaphore).unwrap()).unwrap();
    (participant, semaphore)
}

/// The lock in the hands of another participant, which may die.
fn another_at_the_lock(world: &World) -> (Arc<Participant>, RawRwLock) {
    let participant = world.survivor.join_again().unwrap();
    let lock = world.mortal.rwlock.handle().variable();
    let lock = RawRwLock::from_handle(Handle::open(&participant, lock).unwrap()).unwrap();
    (participant, lock)
}

fn acquire(world: &World) {
    assert!(world.mortal.semaphore.try_acquire_or_announce().unwrap());
}

fn read(world: &World) -> TryLock {
    world.mortal.rwlock.try_read_or_announce().unwrap()
}

fn write(world: &World) -> TryLock {
    world.mortal.rwlock.try_write_or_announce().unwrap()
}

fn free(facts: &Facts) -> i64 {
    i64::from(facts.semaphore[0] as u32)
}

fn taken(units: i64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| free(before) - free(after) == units
}

fn is_signal(facts: &Facts) -> bool {
    facts.semaphore[STATE] & 1 != 0
}

fn is_next(facts: &Facts) -> bool {
    facts.rwlock[STATE] << 3 != 0
}

operations! {
    COUNTING:
    "semaphore: acquire by the first holder": |w| { acquire(w); w.mortal.semaphore.release().unwrap(); },
        |w| assert!(w.mortal.semaphore.try_acquire().unwrap()), |b, a| taken(1)(b, a) && b.semaphore[FIRST] == a.semaphore[FIRST];
    "semaphore: acquire, another first holder": |w| { let (p, s) = another(w); assert!(s.try_acquire().unwrap()); s.release().unwrap(); std::mem::forget((p, s)); },
        |w| assert!(w.mortal.semaphore.try_acquire().unwrap()), |b, a| taken(1)(b, a) && b.semaphore[FIRST] != a.semaphore[FIRST];
    "semaphore: acquire, the second holder": |w| others(w, 1), acquire,
        |b, a| taken(1)(b, a) && b.semaphore[PLACES] == 0 && a.semaphore[PLACES] == 4 && a.blocks == b.blocks + 1;
    "semaphore: acquire, the sixth holder": |w| others(w, 5), acquire,
        |b, a| taken(1)(b, a) && a.semaphore[PLACES] == 8 && a.semaphore[BLOCK] != b.semaphore[BLOCK] && a.blocks == b.blocks;
    "semaphore: acquire into a place that is there": |w| others(w, 3), acquire,
        |b, a| taken(1)(b, a) && a.semaphore[BLOCK] == b.semaphore[BLOCK];
    "semaphore: acquire once more, far back": |w| { others(w, 3); acquire(w); }, acquire, |b, a| taken(1)(b, a);
    "semaphore: acquire what dead ones hold": |w| { others(w, 1); dead(w, UNITS - 2, 1); acquire(w); }, acquire,
        |b, a| free(b) == 0 && free(a) == i64::from(UNITS - 3);
    "semaphore: acquire what the dead first holder holds": |w| { dead(w, 1, 2); others(w, UNITS - 2); }, acquire,
        |b, a| free(b) == 0 && free(a) == 1 && b.semaphore[FIRST] != a.semaphore[FIRST];
    "semaphore: what dead ones hold is looked at": |w| { dead(w, 3, 1); },
        |w| assert_eq!(w.mortal.semaphore.available().unwrap(), UNITS), |b, a| taken(-3)(b, a);
    "semaphore: announced, all being taken" (same): |w| others(w, UNITS),
        |w| assert!(!w.mortal.semaphore.try_acquire_or_announce().unwrap()), |b, a| b.semaphore[STATE] != a.semaphore[STATE];
    "semaphore: release by the first holder": acquire, |w| w.mortal.semaphore.release().unwrap(), |b, a| taken(-1)(b, a);
    "semaphore: release by a further holder": |w| { others(w, 2); acquire(w); }, |w| w.mortal.semaphore.release().unwrap(), |b, a| taken(-1)(b, a);
    "semaphore: release of several": |w| { others(w, 2); acquire(w); acquire(w); }, |w| w.mortal.semaphore.release_many(2).unwrap(),
        |b, a| taken(-2)(b, a) && !is_signal(a);
    "semaphore: acquire, tried only, what a dead one holds" (same): |w| { others(w, UNITS - 1); dead(w, 1, 1); },
        |w| assert!(w.mortal.semaphore.try_acquire().unwrap()), |b, a| taken(0)(b, a) && !is_signal(a);
    "semaphore: release, by another, of what a dead one holds": |w| { others(w, 1); dead(w, 1, 1); },
        |w| w.mortal.semaphore.release().unwrap(), |b, a| taken(-1)(b, a) && is_signal(a);
    "semaphore: release of what was not acquired": |w| others(w, 2), |w| w.mortal.semaphore.release_many(3).unwrap(),
        |b, a| taken(-3)(b, a) && !is_signal(b) && is_signal(a);
    "semaphore: release wakes no waiter any more": |w| { others(w, UNITS - 1); acquire(w); assert!(!w.mortal.semaphore.try_acquire_or_announce().unwrap()); },
        |w| w.mortal.semaphore.release().unwrap(), |b, a| taken(-1)(b, a) && b.semaphore[STATE] != a.semaphore[STATE];
    "semaphore: acquire of a signal": |w| w.mortal.semaphore.release().unwrap(),
        |w| assert!(w.mortal.semaphore.try_acquire().unwrap()), |b, a| is_signal(b) && taken(1)(b, a);
    "semaphore: release of a signal": |w| w.mortal.semaphore.release().unwrap(),
        |w| w.mortal.semaphore.release().unwrap(), |b, a| is_signal(b) && taken(-1)(b, a);
    "semaphore: one that holds leaves": |w| { others(w, 2); acquire(w); },
        |w| RawSemaphore::settle_at_exit(&w.mortal.participant, w.mortal.semaphore.handle().variable()).unwrap(), |b, a| !is_signal(b) && is_signal(a);
    "semaphore: one is made and dropped" (same): |_| {},
        |w| {
            drop(RawSemaphore::create(&w.mortal.participant, 1, Some(2), Some(true)).unwrap());
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.variables == a.variables && b.blocks == a.blocks;

    "rwlock: read": |_| {}, |w| assert_eq!(read(w), TryLock::Acquired), |b, a| b.rwlock[0] != a.rwlock[0];
    "rwlock: read by another": |w| { let (p, l) = another_at_the_lock(w); l.try_read().unwrap(); std::mem::forget((p, l)); },
        |w| assert_eq!(read(w), TryLock::Acquired), |b, a| a.rwlock[PLACES] == 4 && a.blocks == b.blocks + 1;
    "rwlock: write": |_| {}, |w| assert_eq!(write(w), TryLock::Acquired), |_, a| a.rwlock[0] as u32 == 0;
    "rwlock: write what a dead writer holds": |w| { let (p, l) = another_at_the_lock(w); l.try_write().unwrap(); p.abandon(); std::mem::forget((p, l)); },
        |w| assert_eq!(write(w), TryLock::OwnerDied), |b, a| b.rwlock[STATE] != a.rwlock[STATE] && b.rwlock[FIRST] != a.rwlock[FIRST];
    "rwlock: write past dead readers": |w| {
            for _ in 0..3 {
                let (p, l) = another_at_the_lock(w);
                l.try_read().unwrap();
                p.abandon();
                std::mem::forget((p, l));
            }
        }, |w| assert_eq!(w.mortal.rwlock.try_write().unwrap(), TryLock::Acquired), |b, a| b.rwlock[0] as u32 > 0 && a.rwlock[0] as u32 == 0;
    "rwlock: read what a dead writer holds": |w| { let (p, l) = another_at_the_lock(w); l.try_write().unwrap(); p.abandon(); std::mem::forget((p, l)); },
        |w| assert_eq!(w.mortal.rwlock.try_read().unwrap(), TryLock::OwnerDied), |b, a| b.rwlock[0] as u32 == 0 && a.rwlock[0] as u32 > 0;
    "rwlock: a reader goes that is a further holder": |w| { let (p, l) = another_at_the_lock(w); l.try_read().unwrap(); std::mem::forget((p, l)); read(w); },
        |w| assert!(w.mortal.rwlock.release_read().unwrap()), |b, a| a.rwlock[0] as u32 == b.rwlock[0] as u32 + 1;
    "rwlock: read past a dead next writer": |w| {
            let (p, l) = another_at_the_lock(w);
            assert_eq!(read(w), TryLock::Acquired);
            assert_eq!(l.try_write_or_announce().unwrap(), TryLock::Busy);
            p.abandon();
            std::mem::forget((p, l));
        }, |w| assert_eq!(read(w), TryLock::Acquired), |b, a| is_next(b) && !is_next(a);
    "rwlock: a writer is next": |w| { let (p, l) = another_at_the_lock(w); l.try_read().unwrap(); std::mem::forget((p, l)); },
        |w| assert_eq!(write(w), TryLock::Busy), |b, a| !is_next(b) && is_next(a);
    "rwlock: the next writer gives up": |w| {
            let (p, l) = another_at_the_lock(w);
            l.try_read().unwrap();
            std::mem::forget((p, l));
            assert_eq!(write(w), TryLock::Busy);
        }, |w| w.mortal.rwlock.give_up_writing().unwrap(), |b, a| is_next(b) && !is_next(a);
    "rwlock: a reader goes": |w| assert_eq!(read(w), TryLock::Acquired), |w| assert!(w.mortal.rwlock.release_read().unwrap()), |b, a| b.rwlock[0] != a.rwlock[0];
    "rwlock: a writer goes who got it from a dead one": |w| {
            let (p, l) = another_at_the_lock(w);
            l.try_write().unwrap();
            p.abandon();
            std::mem::forget((p, l));
            assert_eq!(write(w), TryLock::OwnerDied);
        }, |w| assert!(w.mortal.rwlock.release_write().unwrap()), |b, a| b.rwlock[STATE] != 0 && a.rwlock[STATE] == 0 && a.rwlock[0] as u32 > 0;

    "event: set": |_| {}, |w| w.mortal.event.set().unwrap(), |b, a| b.event != a.event;
    "event: set, a waiter having announced itself": |w| { let seen = w.mortal.event.begin_wait().unwrap(); assert!(!w.mortal.event.was_set_or_announce(seen).unwrap()); },
        |w| w.mortal.event.set().unwrap(), |b, a| b.event & 3 == 2 && a.event & 3 == 1;
    "event: clear": |w| w.mortal.event.set().unwrap(), |w| w.mortal.event.clear().unwrap(), |b, a| b.event & 1 == 1 && a.event & 1 == 0;
    "event: announced" (same): |_| {}, |w| { let seen = w.mortal.event.begin_wait().unwrap(); assert!(!w.mortal.event.was_set_or_announce(seen).unwrap()); },
        |b, a| b.event & 2 == 0 && a.event & 2 == 2;
}
