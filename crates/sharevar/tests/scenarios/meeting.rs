//! The operations of conditions and barriers, each with what it must have done.

use super::operations::{blocks, blocks_0, operations};
use super::{Facts, Hands, Operation, World, block};
use sharevar::engine::Outcome;
use sharevar::engine::wait::Wait;
use sharevar::shm::{Arrival, Entry, Handle, RawBarrier, RawCondition};
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash};

const TICKET: usize = 2;
const NOTIFIED: usize = 3;
const STATE: usize = 2;
/// Entries of a chunk.
const PLACES: u64 = 31;
const BROKEN: u64 = 1;
const RUNNING: u64 = 2;
/// A waiter is still to be woken; no part of the state that others see of a barrier.
const OWED: u64 = 4;
const GENERATION: u32 = 28;

thread_local! {
    /// The entries with which the mortal waits.
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The state of them as a reader sees it. The waiters there are dead, and no other has looked yet.
pub(super) fn see(hands: &Hands, hash: &mut DefaultHasher) {
    let word = |handle: &Handle, index| hands.participant.peek_body(handle.variable(), index);
    let condition = &hands.condition;
    (5_u8, condition.counts().unwrap()).hash(hash);
    [TICKET, NOTIFIED].map(|index| word(condition.handle(), index)).hash(hash);
    // Read as words: the public questions would find that all waiters are dead.
    for barrier in [&hands.barrier, &hands.acting] {
        (barrier.count().unwrap(), word(barrier.handle(), STATE) & !OWED).hash(hash);
    }
}

/// Whole operations on them.
pub(super) fn clash(hands: &Hands) {
    let condition = &hands.condition;
    let entry = condition.join().unwrap();
    // The dead are passed over and taken away, and no other lives.
    condition.notify(1).unwrap();
    assert!(condition.leave(entry).unwrap(), "the living one was not notified");
    for barrier in [&hands.barrier, &hands.acting] {
        // Those that arrived before are dead, so none is released.
        match barrier.try_arrive().unwrap() {
            Some(Arrival::Wait(entry)) => barrier.leave(&entry).unwrap(),
            Some(Arrival::Done(Outcome::Broken)) => {}
            other => panic!("{other:?} at a barrier where only the dead have arrived"),
        }
        assert_eq!(barrier.waiting().unwrap(), 0, "the dead are counted");
        barrier.reset().unwrap();
        let Some(Arrival::Wait(entry)) = barrier.try_arrive().unwrap() else {
            panic!("a fresh barrier lets no thread wait")
        };
        assert!(barrier.attempt(&entry, false).unwrap().is_none());
        barrier.leave(&entry).unwrap();
    }
}

fn keep(entry: Entry) {
    ENTRIES.with_borrow_mut(|entries| entries.push(entry));
}

fn entry(number: usize) -> Entry {
    ENTRIES.with_borrow(|entries| entries[number])
}

fn fresh() {
    ENTRIES.with_borrow_mut(Vec::clear);
}

fn join(world: &World, count: u64) {
    for _ in 0..count {
        keep(world.mortal.condition.join().unwrap());
    }
}

fn notify(world: &World, most: u64) {
    world.mortal.condition.notify(most).unwrap();
}

fn leave(world: &World, number: usize, notified: bool) {
    assert_eq!(world.mortal.condition.leave(entry(number)).unwrap(), notified);
}

/// Another participant, dead once `act` has ended.
fn dead(world: &World, act: impl FnOnce(&Hands)) {
    let other = world.mortal.participant.join_again().unwrap();
    act(&Hands::open(&other, &world.names));
    other.abandon();
}

fn arrive(world: &World, count: u64) {
    for _ in 0..count {
        match world.mortal.barrier.try_arrive().unwrap() {
            Some(Arrival::Wait(entry)) => keep(entry),
            Some(Arrival::Done(Outcome::Released(2))) => {}
            other => panic!("{other:?} at a barrier of three"),
        }
    }
}

fn arrive_to_act(world: &World, count: u64) {
    for _ in 0..count {
        match world.mortal.acting.try_arrive().unwrap() {
            Some(Arrival::Wait(entry) | Arrival::Run(entry)) => keep(entry),
            other => panic!("{other:?} at a barrier of three with an action"),
        }
    }
}

fn finds_it_broken(barrier: &RawBarrier) {
    assert!(matches!(barrier.try_arrive().unwrap(), Some(Arrival::Done(Outcome::Broken))));
}

fn outcome(world: &World, number: usize, outcome: Outcome) {
    assert_eq!(world.mortal.barrier.attempt(&entry(number), false).unwrap(), Some(outcome));
}

fn drain(world: &World) {
    world.own.borrow_mut().clear();
    world.mortal.participant.flush_releases().unwrap();
}

fn tickets(by: u64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| after.condition[TICKET] == before.condition[TICKET] + by
}

fn notified(by: u64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| after.condition[NOTIFIED] == before.condition[NOTIFIED] + by
}

fn same_condition(before: &Facts, after: &Facts) -> bool {
    before.condition == after.condition
}

fn next_generation(before: &Facts, after: &Facts) -> bool {
    after.barrier[STATE] == ((before.barrier[STATE] >> GENERATION) + 1) << GENERATION
}

fn arrived(by: u64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| after.barrier[STATE] == before.barrier[STATE] + (by << 4)
}

fn broken(before: &Facts, after: &Facts) -> bool {
    before.barrier[STATE] & BROKEN == 0 && after.barrier[STATE] & 7 == BROKEN
}

operations! {
    CONDITION:
    "condition: the first waits": |_| fresh(), |w| join(w, 1), |b, a| blocks(1)(b, a) && tickets(1)(b, a);
    "condition: another waits": |w| { fresh(); join(w, 3); }, |w| join(w, 1), |b, a| blocks_0(b, a) && tickets(1)(b, a);
    "condition: all places are taken": |w| { fresh(); join(w, PLACES); }, |w| join(w, 1), |b, a| blocks(1)(b, a) && tickets(1)(b, a);
    "condition: one leaves": |w| { fresh(); join(w, 3); }, |w| leave(w, 1, false), same_condition;
    "condition: one is notified": |w| { fresh(); join(w, 3); }, |w| notify(w, 1), |b, a| notified(1)(b, a);
    "condition: all are notified": |w| { fresh(); join(w, 40); }, |w| notify(w, u64::MAX), |b, a| notified(40)(b, a);
    "condition: no waiter is there any more": |w| { fresh(); join(w, 1); leave(w, 0, false); }, |w| notify(w, 5), |b, a| notified(1)(b, a);
    "condition: the dead are passed over": |w| {
            fresh();
            dead(w, |hands| (0..3).for_each(|_| { hands.condition.join().unwrap(); }));
            join(w, 2);
        }, |w| notify(w, 1), |b, a| notified(4)(b, a);
    "condition: one uses its notification up": |w| { fresh(); join(w, 3); notify(w, 2); }, |w| leave(w, 1, true), same_condition;
    "condition: one passes its notification on": |w| { fresh(); join(w, 3); notify(w, 1); },
        |w| w.mortal.condition.give_up(entry(0)).unwrap(), |b, a| notified(1)(b, a);
    "condition: a dead one's notification is passed on": |w| {
            fresh();
            dead(w, |hands| {
                hands.condition.join().unwrap();
                join(w, 2);
                hands.condition.notify(1).unwrap();
            });
            assert!(!w.mortal.condition.is_notified(&entry(0)));
        }, |w| assert!(w.mortal.condition.attempt(&entry(0), true).unwrap().is_some()), |b, a| notified(1)(b, a);
    "condition: all are notified, a dead one among them": |w| {
            fresh();
            dead(w, |hands| { hands.condition.join().unwrap(); });
            join(w, 2);
        }, |w| notify(w, u64::MAX), |b, a| notified(3)(b, a);
    "condition: the living are counted": |w| {
            fresh();
            dead(w, |hands| { hands.condition.join().unwrap(); hands.condition.join().unwrap(); });
            join(w, 1);
        }, |w| assert_eq!(w.mortal.condition.living().unwrap(), (1, 0)), same_condition;
    "condition: the living are counted, and a dead one was notified": |w| {
            fresh();
            dead(w, |hands| {
                hands.condition.join().unwrap();
                join(w, 2);
                hands.condition.notify(1).unwrap();
            });
        }, |w| assert_eq!(w.mortal.condition.living().unwrap(), (1, 1)), |b, a| notified(1)(b, a);
    "condition: one that dies is taken away" (same): |w| {
            let lock = Handle::create(&w.mortal.participant, sharevar::Kind::Lock).unwrap();
            let condition = RawCondition::create(&w.mortal.participant, &lock).unwrap();
            (0..70).for_each(|_| { condition.join().unwrap(); });
            w.own.borrow_mut().push(condition.handle().clone());
            drop((condition, lock));
            w.mortal.participant.flush_releases().unwrap();
        }, drain, |b, a| a.variables + 2 == b.variables && blocks(-3)(b, a);

    BARRIER:
    "barrier: the first arrives": |_| fresh(), |w| arrive(w, 1), |b, a| blocks(1)(b, a) && arrived(1)(b, a);
    "barrier: the second arrives": |w| { fresh(); arrive(w, 1); }, |w| arrive(w, 1), |b, a| arrived(1)(b, a);
    "barrier: the last arrives": |w| { fresh(); arrive(w, 2); }, |w| arrive(w, 1), next_generation;
    "barrier: one is released": |w| { fresh(); arrive(w, 3); }, |w| outcome(w, 0, Outcome::Released(0)), |b, a| b.barrier == a.barrier;
    "barrier: one leaves early": |w| { fresh(); arrive(w, 2); }, |w| w.mortal.barrier.leave(&entry(0)).unwrap(),
        |b, a| arrived(1)(a, b);
    "barrier: its time is up": |w| { fresh(); arrive(w, 2); },
        |w| assert_eq!(w.mortal.barrier.time_out(&entry(0)).unwrap(), Some(Outcome::Broken)), broken;
    "barrier: abort": |w| { fresh(); arrive(w, 2); }, |w| w.mortal.barrier.abort().unwrap(), broken;
    "barrier: reset": |w| { fresh(); arrive(w, 2); }, |w| w.mortal.barrier.reset().unwrap(), next_generation;
    "barrier: reset of a broken one": |w| { fresh(); arrive(w, 2); w.mortal.barrier.abort().unwrap(); },
        |w| w.mortal.barrier.reset().unwrap(), next_generation;
    "barrier: one that was reset leaves": |w| { fresh(); arrive(w, 2); w.mortal.barrier.reset().unwrap(); arrive(w, 3); },
        |w| outcome(w, 0, Outcome::Broken), |b, a| b.barrier == a.barrier;
    "barrier: a dead one breaks it": |w| {
            fresh();
            dead(w, |hands| { hands.barrier.try_arrive().unwrap(); });
            arrive(w, 1);
        }, |w| assert!(w.mortal.barrier.is_broken().unwrap()), broken;
    "barrier: the last finds a dead one": |w| {
            fresh();
            dead(w, |hands| { hands.barrier.try_arrive().unwrap(); });
            arrive(w, 1);
        }, |w| finds_it_broken(&w.mortal.barrier), broken;
    "barrier: the last finds only dead ones": |w| dead(w, |hands| (0..2).for_each(|_| { hands.barrier.try_arrive().unwrap(); })),
        |w| finds_it_broken(&w.mortal.barrier), broken;
    "barrier: a dead one is counted": |w| {
            fresh();
            arrive(w, 1);
            dead(w, |hands| { hands.barrier.try_arrive().unwrap(); });
        }, |w| assert_eq!(w.mortal.barrier.waiting().unwrap(), 0), broken;
    "barrier: reset with a dead one": |w| {
            fresh();
            arrive(w, 1);
            dead(w, |hands| { hands.barrier.try_arrive().unwrap(); });
        }, |w| w.mortal.barrier.reset().unwrap(), next_generation;
    "barrier: time is up with a dead one": |w| {
            fresh();
            arrive(w, 1);
            dead(w, |hands| { hands.barrier.try_arrive().unwrap(); });
        }, |w| assert_eq!(w.mortal.barrier.time_out(&entry(0)).unwrap(), Some(Outcome::Broken)), broken;
    "barrier: the last, which would run the action, finds a dead one": |w| {
            w.mortal.acting.try_arrive().unwrap();
            dead(w, |hands| { hands.acting.try_arrive().unwrap(); });
        }, |w| finds_it_broken(&w.mortal.acting), |_, a| a.acting[STATE] & 7 == BROKEN;
    "barrier: one has died when the action is over": |w| {
            fresh();
            dead(w, |hands| {
                hands.acting.try_arrive().unwrap();
                w.mortal.acting.try_arrive().unwrap();
                let Some(Arrival::Run(entry)) = w.mortal.acting.try_arrive().unwrap() else { panic!("not the last") };
                keep(entry);
            });
        }, |w| assert_eq!(w.mortal.acting.finish(&entry(0), true).unwrap(), Outcome::Broken),
        |b, a| b.acting[STATE] & RUNNING == RUNNING && a.acting[STATE] & 7 == BROKEN;
    "barrier: one comes when the runner is dead": |w| {
            w.mortal.acting.try_arrive().unwrap();
            w.mortal.acting.try_arrive().unwrap();
            dead(w, |hands| assert!(matches!(hands.acting.try_arrive().unwrap(), Some(Arrival::Run(_)))));
        }, |w| finds_it_broken(&w.mortal.acting), |_, a| a.acting[STATE] & 7 == BROKEN;
    "barrier: the last arrives, which runs the action": |w| { fresh(); w.mortal.acting.try_arrive().unwrap(); w.mortal.acting.try_arrive().unwrap(); },
        |w| assert!(matches!(w.mortal.acting.try_arrive().unwrap(), Some(Arrival::Run(_)))),
        |b, a| b.acting[STATE] & RUNNING == 0 && a.acting[STATE] & RUNNING == RUNNING;
    "barrier: the action went well": |w| { fresh(); arrive_to_act(w, 3); },
        |w| assert_eq!(w.mortal.acting.finish(&entry(2), true).unwrap(), Outcome::Released(2)),
        |b, a| a.acting[STATE] == ((b.acting[STATE] >> GENERATION) + 1) << GENERATION;
    "barrier: the action failed": |w| { fresh(); arrive_to_act(w, 3); },
        |w| assert_eq!(w.mortal.acting.finish(&entry(2), false).unwrap(), Outcome::Broken), |_, a| a.acting[STATE] & 7 == BROKEN;
    "barrier: one dies in the action": |w| {
            fresh();
            arrive_to_act(w, 2);
            dead(w, |hands| assert!(matches!(hands.acting.try_arrive().unwrap(), Some(Arrival::Run(_)))));
        }, |w| assert!(w.mortal.acting.is_broken().unwrap()), |_, a| a.acting[STATE] & 7 == BROKEN;
    "barrier: one that dies is taken away" (same): |w| {
            let barrier = RawBarrier::create(&w.mortal.participant, 100, Some(&block(1)), None).unwrap();
            (0..70).for_each(|_| { barrier.try_arrive().unwrap(); });
            w.own.borrow_mut().push(barrier.handle().clone());
            drop(barrier);
            w.mortal.participant.flush_releases().unwrap();
        }, drain, |b, a| a.variables + 1 == b.variables && blocks(-4)(b, a);
}

/// Returns what `wait` waits for: announced, and asleep in between.
fn sleep_until<T>(mut wait: impl Wait<T>) -> T {
    loop {
        if let Some(done) = wait.attempt(true).unwrap() {
            return done;
        }
        wait.sleep(std::time::Duration::MAX);
    }
}

/// One lets all waiters go by `act`, and dies before it wakes them: all of them go on.
fn who_lets_go_dies_before_it_wakes(act: fn(&Hands), wait: fn(&Hands, &dyn Fn()), count: usize) {
    let world = World::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiters: Vec<_> = (0..count)
        .map(|_| {
            let (participant, names) = (world.survivor.join_again().unwrap(), world.names);
            let sender = sender.clone();
            std::thread::spawn(move || {
                wait(&Hands::open(&participant, &names), &|| sender.send(()).unwrap());
            })
        })
        .collect();
    (0..count).for_each(|_| receiver.recv().unwrap());
    let (dying, names) = (world.mortal.participant.clone(), world.names);
    let (dead, is_dead) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let hands = Hands::open(&dying, &names);
        let (decided, before) = (hands.condition.handle().clone(), hands.condition.counts().unwrap().1);
        let (barrier, participant) = (hands.barrier.handle().clone(), dying.clone());
        let hook = move |_| {
            let peek = |handle: &Handle, index| participant.peek_body(handle.variable(), index);
            let free = [&decided, &barrier].map(|handle| !participant.is_short_locked(handle.variable()));
            let is_notified = peek(&decided, NOTIFIED) > before;
            if free == [true; 2] && (is_notified || peek(&barrier, STATE) & OWED != 0) {
                // All is stored and the lock is released: the next thing is to wake.
                participant.abandon();
                dead.send(()).unwrap();
                loop {
                    std::thread::park();
                }
            }
        };
        sharevar_arena::crash::observe(hook, || act(&hands));
    });
    is_dead.recv().expect("it has not died");
    for waiter in waiters {
        waiter.join().unwrap();
    }
}

pub(crate) fn a_notifier_dies_before_it_wakes() {
    who_lets_go_dies_before_it_wakes(
        |hands| {
            hands.condition.notify(u64::MAX).unwrap();
        },
        |hands, begun| {
            let entry = hands.condition.join().unwrap();
            begun();
            sleep_until(hands.condition.notified_wait(&entry));
            assert!(hands.condition.leave(entry).unwrap());
        },
        6,
    );
}

pub(crate) fn the_last_to_arrive_dies_before_it_wakes() {
    who_lets_go_dies_before_it_wakes(
        |hands| {
            hands.barrier.try_arrive().unwrap();
        },
        |hands, begun| {
            let Some(Arrival::Wait(entry)) = hands.barrier.try_arrive().unwrap() else {
                panic!("not the third")
            };
            begun();
            let outcome = sleep_until(hands.barrier.outcome_wait(entry));
            assert!(matches!(outcome, Outcome::Released(_)));
        },
        2,
    );
}
