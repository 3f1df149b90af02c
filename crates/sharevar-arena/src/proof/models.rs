//! Models for loom: every interleaving of a few threads, under the memory model.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p sharevar-arena --lib --release`
//!
//! The futex is modelled without its timeout, so a lost wake-up is a deadlock, which
//! loom reports. A death is a thread that stops, after which a flag says so: that flag is
//! the kernel's proof, and orders what the dead one stored (hazard 23).

#![allow(unsafe_code)]

use crate::locks::short_lock::{self, LookAfter, Wake};
use crate::process::identity::{Claim, Identity, State};
use crate::proof::crash::{compare_exchange, put};
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};
use crate::transactions::journal::Journal;
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use std::io::Write;

fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = runs.clone();
    builder.check(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    let _ = writeln!(std::io::stderr(), "{} interleavings", runs.load(std::sync::atomic::Ordering::Relaxed));
}

fn participant(number: u32) -> Identity {
    Identity::new(number, u64::from(number) + 1)
}

/// The kernel's side of a futex: the word is compared and the thread queued in one step.
struct Futex {
    queue: Mutex<()>,
    sleepers: Condvar,
}

impl Futex {
    fn new() -> Self {
        Self { queue: Mutex::new(()), sleepers: Condvar::new() }
    }

    fn sleep(&self, word: &AtomicU32, value: u32) {
        let queue = self.queue.lock().unwrap();
        if word.load(Ordering::SeqCst) == value {
            drop(self.sleepers.wait(queue).unwrap());
        }
    }

    fn wake(&self) {
        let _queue = self.queue.lock().unwrap();
        self.sleepers.notify_one();
    }
}

struct Plain {
    word: AtomicU32,
    futex: Futex,
    data: UnsafeCell<u32>,
}

impl LookAfter for Plain {
    type Error = ();

    fn sleep(&self, word: &AtomicU32, value: u32, _round: u32) {
        self.futex.sleep(word, value);
    }

    fn look_after(&self, _owner: u32) -> Result<(), ()> {
        Ok(())
    }
}

impl Wake for Plain {
    fn wake(&self, _word: &AtomicU32) {
        self.futex.wake();
    }
}

impl Plain {
    fn new() -> Self {
        Self { word: AtomicU32::new(0), futex: Futex::new(), data: UnsafeCell::new(0) }
    }

    fn count_up(&self, me: u32) {
        if short_lock::try_take(&self.word, me).is_err() {
            short_lock::take_contended(&self.word, me, self).unwrap();
        }
        self.data.with_mut(|data| {
            // SAFETY: the lock is held; loom reports it if another thread is in here too.
            unsafe { *data += 1 }
        });
        short_lock::release(&self.word, self);
    }
}

fn count_up_with(threads: u32) {
    let lock = Arc::new(Plain::new());
    let others: Vec<_> = (2..=threads)
        .map(|me| {
            let lock = lock.clone();
            thread::spawn(move || lock.count_up(me))
        })
        .collect();
    lock.count_up(1);
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(short_lock::owner(&lock.word), 0);
    lock.data.with(|data| {
        // SAFETY: all other threads have ended.
        assert_eq!(unsafe { *data }, threads);
    });
}

#[test]
fn two_threads_exclude_each_other_and_lose_no_wake_up() {
    explore(6, || count_up_with(2));
}

#[test]
fn three_threads_exclude_each_other_and_lose_no_wake_up() {
    explore(3, || count_up_with(3));
}

#[test]
fn a_lock_that_is_seen_taken_is_noted() {
    explore(4, || {
        let lane = Arc::new((AtomicU32::new(0), AtomicU64::new(0)));
        let taker = {
            let lane = lane.clone();
            thread::spawn(move || {
                put(&lane.1, 7);
                short_lock::try_take(&lane.0, 1).unwrap();
            })
        };
        if short_lock::owner(&lane.0) == 1 {
            assert_eq!(lane.1.load(Ordering::Relaxed), 7);
        }
        taker.join().unwrap();
    });
}

/// A variable of two words, as transactions change it and readers without the lock read it.
#[test]
fn a_reader_without_the_lock_sees_both_words_of_one_change() {
    explore(4, || {
        let variable = Arc::new([0, 1, 1].map(AtomicU64::new));
        let changer = {
            let variable = variable.clone();
            thread::spawn(move || {
                for value in [2, 3] {
                    let [version, first, second] = &*variable;
                    put(version, version.load(Ordering::Relaxed) | 1);
                    put(first, value);
                    put(second, value);
                    put(version, version.load(Ordering::Relaxed) + 1);
                }
            })
        };
        let [version, first, second] = &*variable;
        let before = version.load(Ordering::Acquire);
        // The weaker of the loads, as of bytes.
        let read = [first, second].map(|word| word.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        if before & 1 == 0 && version.load(Ordering::Relaxed) == before {
            assert_eq!(read[0], read[1]);
        }
        changer.join().unwrap();
    });
}

/// A lane whose owner dies with the lock held and one note in the journal.
struct World {
    lock: AtomicU32,
    futex: Futex,
    state: AtomicU64,
    journal: AtomicU64,
    noted: AtomicU64,
    data: AtomicU64,
    /// By participant: what the kernel knows of its death.
    dead: [AtomicU32; 4],
    /// Touched by the participant that has the claim. Loom reports two at once, or one that has not
    /// seen the other's death.
    inside: UnsafeCell<u32>,
    finished: AtomicU32,
}

const LANE: u32 = 1;
const OLD: u64 = 10;

impl World {
    fn new() -> Self {
        Self {
            lock: AtomicU32::new(0),
            futex: Futex::new(),
            state: AtomicU64::new(Claim::new(State::Running, participant(0)).0),
            journal: AtomicU64::new(Journal::EMPTY.0),
            noted: AtomicU64::new(0),
            data: AtomicU64::new(OLD),
            dead: std::array::from_fn(|_| AtomicU32::new(0)),
            inside: UnsafeCell::new(0),
            finished: AtomicU32::new(0),
        }
    }

    fn die(&self, slot: u32) {
        self.dead[slot as usize].store(1, Ordering::Release);
    }

    fn is_dead(&self, identity: Identity) -> bool {
        self.dead[identity.slot() as usize].load(Ordering::Acquire) == 1
    }

    /// The owner: takes the lock, notes, stores, and is killed after `steps` of it.
    fn live_for(&self, steps: u32) {
        let all: [&dyn Fn(); 5] = [
            &|| assert!(short_lock::try_take(&self.lock, LANE).is_ok()),
            &|| put(&self.noted, OLD),
            &|| put(&self.journal, Journal::EMPTY.with_note().0),
            &|| put(&self.data, 99),
            &|| put(&self.data, 98),
        ];
        for step in all.iter().take(steps as usize) {
            step();
        }
        self.die(0);
    }

    /// A waiter's recovery of a lane: phase 1, if its owner or recoverer is dead.
    /// The waiter is killed after the claim if `dies`.
    fn look_after_lane(&self, me: u32, dies: bool) {
        let seen = Claim(self.state.load(Ordering::Acquire));
        if !matches!(seen.state(), Some(State::Running | State::Recovering)) || !self.is_dead(seen.by()) {
            return;
        }
        if compare_exchange(&self.state, seen.0, Claim::new(State::Recovering, participant(me)).0).is_err() {
            return;
        }
        self.inside.with_mut(|inside| {
            // SAFETY: the claim is exclusive; loom reports it if it is not.
            unsafe { *inside += 1 }
        });
        let journal = Journal(self.journal.load(Ordering::Acquire));
        if journal.notes() > 0 {
            put(&self.data, self.noted.load(Ordering::Acquire));
            if dies {
                self.die(me);
                return;
            }
            put(&self.journal, journal.undone().0);
        } else if dies {
            self.die(me);
            return;
        }
        if short_lock::owner(&self.lock) == LANE {
            short_lock::release(&self.lock, &As { world: self, me });
        }
        self.finished.fetch_add(1, Ordering::AcqRel);
        put(&self.state, Claim::FREE.0);
    }
}

/// A waiter that looks after the dead. Its sleep is bounded, as in life: it only yields.
struct As<'a> {
    world: &'a World,
    me: u32,
}

impl LookAfter for As<'_> {
    type Error = ();

    fn sleep(&self, _word: &AtomicU32, _value: u32, _round: u32) {
        thread::yield_now();
    }

    fn look_after(&self, owner: u32) -> Result<(), ()> {
        assert!(owner == LANE || owner > 1);
        if owner == LANE {
            self.world.look_after_lane(self.me, false);
        }
        Ok(())
    }
}

impl Wake for As<'_> {
    fn wake(&self, _word: &AtomicU32) {
        self.world.futex.wake();
    }
}

fn change_after_recovery(world: &World, me: u32) {
    short_lock::take_contended(&world.lock, me + 1, &As { world, me }).unwrap();
    // Under the lock: undone or never changed, and then this one's or another survivor's.
    let seen = world.data.load(Ordering::Acquire);
    assert!((OLD..OLD + 3).contains(&seen), "a half operation is visible: {seen}");
    put(&world.data, seen + 1);
    short_lock::release(&world.lock, &As { world, me });
}

#[test]
fn two_waiters_and_a_dead_owner() {
    for steps in 1..=5 {
        explore(4, move || {
            let world = Arc::new(World::new());
            world.live_for(steps);
            let other = {
                let world = world.clone();
                thread::spawn(move || change_after_recovery(&world, 1))
            };
            change_after_recovery(&world, 2);
            other.join().unwrap();
            assert_eq!(world.data.load(Ordering::Acquire), OLD + 2, "a committed change is gone");
            assert_eq!(world.finished.load(Ordering::Acquire), 1, "recovered twice");
            assert_eq!(world.state.load(Ordering::Acquire), Claim::FREE.0);
        });
    }
}

#[test]
fn a_waiter_while_the_owner_dies() {
    explore(5, || {
        let world = Arc::new(World::new());
        assert!(short_lock::try_take(&world.lock, LANE).is_ok());
        let owner = {
            let world = world.clone();
            thread::spawn(move || {
                put(&world.noted, OLD);
                put(&world.journal, Journal::EMPTY.with_note().0);
                put(&world.data, 99);
                world.die(0);
            })
        };
        change_after_recovery(&world, 1);
        owner.join().unwrap();
        assert_eq!(world.data.load(Ordering::Acquire), OLD + 1);
        assert_eq!(world.finished.load(Ordering::Acquire), 1);
    });
}

#[test]
fn a_recoverer_dies_and_one_of_two_takes_over() {
    explore(5, || {
        let world = Arc::new(World::new());
        world.live_for(4);
        let threads = [(1, true), (2, false)].map(|(me, dies)| {
            let world = world.clone();
            thread::spawn(move || world.look_after_lane(me, dies))
        });
        world.look_after_lane(3, false);
        for thread in threads {
            thread.join().unwrap();
        }
        // A waiter that came too early for the second death leaves it to the next one.
        world.look_after_lane(3, false);
        assert_eq!(world.finished.load(Ordering::Acquire), 1, "recovered twice, or never");
        assert_eq!(world.data.load(Ordering::Acquire), OLD);
        assert_eq!(short_lock::owner(&world.lock), 0);
        assert_eq!(world.state.load(Ordering::Acquire), Claim::FREE.0);
    });
}

/// A count of items under a short lock, with the wait point's protocol: a waiter takes an item or
/// announces itself in one critical section, and the announcement stays until a wake-up finds no
/// sleeper. The thread that then takes it away wakes once more, since a waiter that announced itself
/// before may have fallen asleep meanwhile.
struct Items {
    lock: Plain,
    state: AtomicU64,
    wakes: AtomicU32,
    asleep: Mutex<u32>,
    sleepers: Condvar,
}

const ANNOUNCED: u64 = 1;
const ITEM: u64 = 2;

impl Items {
    fn with_lock<R>(&self, me: u32, body: impl FnOnce() -> R) -> R {
        if short_lock::try_take(&self.lock.word, me).is_err() {
            short_lock::take_contended(&self.lock.word, me, &self.lock).unwrap();
        }
        let result = body();
        short_lock::release(&self.lock.word, &self.lock);
        result
    }

    fn take(&self, me: u32) {
        loop {
            let count = self.wakes.load(Ordering::Acquire);
            let taken = self.with_lock(me, || {
                let state = self.state.load(Ordering::Acquire);
                let next = if state >= ITEM { state - ITEM } else { state | ANNOUNCED };
                put(&self.state, next);
                state >= ITEM
            });
            if taken {
                return;
            }
            let mut asleep = self.asleep.lock().unwrap();
            if self.wakes.load(Ordering::SeqCst) == count {
                *asleep += 1;
                drop(self.sleepers.wait(asleep).unwrap());
            }
        }
    }

    fn give(&self, me: u32) {
        let announced = self.with_lock(me, || {
            let state = self.state.load(Ordering::Acquire);
            put(&self.state, state + ITEM);
            state & ANNOUNCED != 0
        });
        if announced && self.wake(1) == 0 {
            self.with_lock(me, || put(&self.state, self.state.load(Ordering::Acquire) & !ANNOUNCED));
            self.wake(u32::MAX);
        }
    }

    fn wake(&self, most: u32) -> u32 {
        crate::proof::crash::add(&self.wakes, 1);
        let mut asleep = self.asleep.lock().unwrap();
        let woken = most.min(*asleep);
        *asleep -= woken;
        for _ in 0..woken {
            self.sleepers.notify_one();
        }
        woken
    }
}

#[test]
fn who_waits_for_an_item_is_woken_by_it() {
    explore(3, || {
        let items = Arc::new(Items {
            lock: Plain::new(),
            state: AtomicU64::new(0),
            wakes: AtomicU32::new(0),
            asleep: Mutex::new(0),
            sleepers: Condvar::new(),
        });
        let takers: Vec<_> = [2, 3]
            .map(|me| {
                let items = items.clone();
                thread::spawn(move || items.take(me))
            })
            .into();
        items.give(1);
        items.give(1);
        for taker in takers {
            taker.join().unwrap();
        }
        assert!(items.state.load(Ordering::Acquire) < ITEM);
    });
}

/// A variable with a long lock: what its holder reads without the short lock, no other changes.
struct Long {
    short: Plain,
    long: AtomicU64,
    /// The futex on the low half of `long`.
    asleep: Mutex<()>,
    sleepers: Condvar,
}

const LONG_WAITERS: u64 = 1 << 63;

impl Long {
    fn with_short_lock(&self, me: u64, body: impl FnOnce() -> bool) -> bool {
        if short_lock::try_take(&self.short.word, me as u32).is_err() {
            short_lock::take_contended(&self.short.word, me as u32, &self.short).unwrap();
        }
        let long = self.long.load(Ordering::Acquire) & !LONG_WAITERS;
        let may = (long == 0 || long == me) && body();
        short_lock::release(&self.short.word, &self.short);
        may
    }

    /// A change, as `Transaction::lock` and `long_lock::wait` order it.
    fn change(&self, me: u64, mut body: impl FnMut()) {
        while !self.with_short_lock(me, || {
            body();
            true
        }) {
            let seen = self.long.load(Ordering::Acquire);
            if seen == 0
                || (seen & LONG_WAITERS == 0
                    && compare_exchange(&self.long, seen, seen | LONG_WAITERS).is_err())
            {
                continue;
            }
            let asleep = self.asleep.lock().unwrap();
            if self.long.load(Ordering::SeqCst) as u32 == seen as u32 {
                drop(self.sleepers.wait(asleep).unwrap());
            }
        }
    }

    fn hold(&self, me: u64, body: impl FnOnce()) {
        self.change(me, || assert!(compare_exchange(&self.long, 0, me).is_ok()));
        body();
        loop {
            let seen = self.long.load(Ordering::Acquire);
            if compare_exchange(&self.long, seen, 0).is_ok() {
                if seen & LONG_WAITERS != 0 {
                    let _asleep = self.asleep.lock().unwrap();
                    self.sleepers.notify_all();
                }
                return;
            }
        }
    }

    fn count_up(&self) {
        self.short.data.with_mut(|data| {
            // SAFETY: the short lock is held, and no other's long lock; loom reports it if another
            // thread is in here too, or reads.
            unsafe { *data += 1 }
        });
    }
}

#[test]
fn no_change_while_the_holder_of_the_long_lock_reads() {
    explore(2, || {
        let variable = Arc::new(Long {
            short: Plain::new(),
            long: AtomicU64::new(0),
            asleep: Mutex::new(()),
            sleepers: Condvar::new(),
        });
        let others = [2, 3].map(|me| {
            let variable = variable.clone();
            thread::spawn(move || {
                if me == 2 {
                    variable.change(me, || variable.count_up());
                } else {
                    variable.hold(me, || variable.change(me, || variable.count_up()));
                }
            })
        });
        variable.hold(1, || {
            let read = || {
                variable.short.data.with(|data| {
                    // SAFETY: all changes wait for this holder.
                    unsafe { *data }
                })
            };
            assert_eq!(read(), read());
        });
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(variable.long.load(Ordering::Acquire), 0);
    });
}
