//! Semaphores, readers-writer locks and events against plain models, with participants that die.

use crate::modeled::{arena, assert_empty};
use proptest::prelude::*;
use sharevar::shm::{Handle, RawEvent, RawRwLock, RawSemaphore};
use sharevar::{Error, Participant, TryLock, Variable};
use std::collections::BTreeMap;
use std::sync::Arc;

const PARTICIPANTS: usize = 7;

/// Participants with handles on one variable, some of whom die.
struct Crowd<Raw> {
    living: Vec<(u64, Arc<Participant>, Raw)>,
    born: u64,
    variable: Variable,
    open: fn(Handle) -> sharevar::Result<Raw>,
}

impl<Raw> Crowd<Raw> {
    fn new(first: &Arc<Participant>, handle: &Handle, open: fn(Handle) -> sharevar::Result<Raw>) -> Self {
        let mut crowd = Self { living: Vec::new(), born: 0, variable: handle.variable(), open };
        for _ in 0..PARTICIPANTS {
            let born = crowd.bear(first);
            crowd.living.push(born);
        }
        crowd
    }

    fn bear(&mut self, of: &Arc<Participant>) -> (u64, Arc<Participant>, Raw) {
        self.born += 1;
        let participant = of.join_again().unwrap();
        let raw = (self.open)(Handle::open(&participant, self.variable).unwrap()).unwrap();
        (self.born, participant, raw)
    }

    fn one(&self, place: usize) -> (u64, &Raw) {
        let (who, _, raw) = &self.living[place % PARTICIPANTS];
        (*who, raw)
    }

    fn is_alive(&self, who: u64) -> bool {
        self.living.iter().any(|(living, ..)| *living == who)
    }

    /// One dies, and another comes.
    fn die(&mut self, place: usize) {
        let of = self.living[(place + 1) % PARTICIPANTS].1.clone();
        let born = self.bear(&of);
        let dead = std::mem::replace(&mut self.living[place % PARTICIPANTS], born);
        dead.1.abandon();
        // A dead participant lets nothing go.
        std::mem::forget(dead);
    }

    fn end(self, of: &Arc<Participant>) {
        drop(self.living);
        of.sweep().unwrap();
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    Try,
    Release(u32),
    Look,
    Leave,
    Die,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Acquire),
        3 => Just(Act::Try),
        5 => (1_u32..4).prop_map(Act::Release),
        2 => Just(Act::Look),
        1 => Just(Act::Leave),
        2 => Just(Act::Die),
    ]
}

#[derive(Debug)]
struct SemaphoreModel {
    free: u32,
    bound: u32,
    signal: bool,
    settled: bool,
    held: BTreeMap<u64, u32>,
}

impl SemaphoreModel {
    fn look_for_dead(&mut self, is_alive: impl Fn(u64) -> bool) {
        let dead: u32 = self.held.iter().filter(|(who, _)| !is_alive(**who)).map(|(_, units)| units).sum();
        self.held.retain(|who, _| is_alive(*who));
        self.free = (self.free + dead).min(self.bound);
    }

    fn take(&mut self, who: u64) {
        self.free -= 1;
        if !self.signal {
            *self.held.entry(who).or_default() += 1;
        }
    }

    fn release(&mut self, who: u64, units: u32) -> bool {
        if u64::from(self.free) + u64::from(units) > u64::from(self.bound) {
            return false;
        }
        self.free += units;
        let held = self.held.entry(who).or_default();
        if *held < units && !self.settled {
            self.signal = true;
        }
        *held = held.saturating_sub(units);
        if self.signal {
            self.held.clear();
        }
        true
    }
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    Read,
    Write,
    Try(bool),
    Release,
    GiveUp,
    Consistent,
    Die,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => Just(Turn::Read),
        4 => Just(Turn::Write),
        3 => any::<bool>().prop_map(Turn::Try),
        6 => Just(Turn::Release),
        1 => Just(Turn::GiveUp),
        1 => Just(Turn::Consistent),
        2 => Just(Turn::Die),
    ]
}

#[derive(Debug, Default)]
struct RwLockModel {
    readers: BTreeMap<u64, u32>,
    writer: Option<u64>,
    next: Option<u64>,
    owner_died: bool,
}

impl RwLockModel {
    fn may(&self, write: bool) -> bool {
        self.writer.is_none() && if write { self.readers.is_empty() } else { self.next.is_none() }
    }

    fn acquire(&mut self, who: u64, write: bool, announce: bool, is_alive: impl Fn(u64) -> bool) -> TryLock {
        if !self.may(write) {
            self.readers.retain(|reader, _| is_alive(*reader));
            self.owner_died |= self.writer.is_some_and(|writer| !is_alive(writer));
            self.writer = self.writer.filter(|writer| is_alive(*writer));
            self.next = self.next.filter(|next| is_alive(*next));
        }
        if !self.may(write) {
            if write && announce {
                self.next = self.next.or(Some(who));
            }
            return TryLock::Busy;
        }
        if write {
            self.writer = Some(who);
            self.next = self.next.filter(|next| *next != who);
        } else {
            *self.readers.entry(who).or_default() += 1;
        }
        if self.owner_died { TryLock::OwnerDied } else { TryLock::Acquired }
    }

    fn participants(&self) -> impl Iterator<Item = u64> {
        self.readers.keys().copied().chain(self.writer).chain(self.next)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_semaphore_counts_right(
        units in 0_u32..6,
        bounded in any::<bool>(),
        owned in prop_oneof![4 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))],
        acts in prop::collection::vec((any::<usize>(), act()), 1..80),
    ) {
        let participant = arena();
        let bound = bounded.then_some(units + 2);
        let made = RawSemaphore::create(&participant, units, bound, owned).unwrap();
        let mut crowd = Crowd::new(&participant, made.handle(), RawSemaphore::from_handle);
        let mut model = SemaphoreModel {
            free: units,
            bound: bound.unwrap_or(RawSemaphore::MAX_UNITS),
            signal: owned == Some(false),
            settled: owned.is_some(),
            held: BTreeMap::new(),
        };
        for (place, act) in acts {
            let (who, semaphore) = crowd.one(place);
            let is_alive = |who| crowd.is_alive(who);
            // Where there are many places, one that only tries need not have looked this time.
            let act = match act {
                Act::Try if model.held.keys().any(|who| !is_alive(*who)) => Act::Acquire,
                act => act,
            };
            match act {
                Act::Acquire | Act::Try => {
                    if model.free == 0 {
                        model.look_for_dead(is_alive);
                    }
                    let expected = model.free > 0;
                    let found = match act {
                        Act::Try => semaphore.try_acquire(),
                        _ => semaphore.try_acquire_or_announce(),
                    };
                    prop_assert_eq!(found.unwrap(), expected, "{:?}", &model);
                    if expected {
                        model.take(who);
                    }
                }
                Act::Release(units) => {
                    let released = if units == 1 { semaphore.release() } else { semaphore.release_many(units) };
                    if model.release(who, units) {
                        prop_assert_eq!(released, Ok(()));
                    } else {
                        prop_assert_eq!(released, Err(Error::TooManyUnits { limit: model.bound }));
                    }
                }
                Act::Look => {
                    model.look_for_dead(is_alive);
                    prop_assert_eq!(semaphore.available().unwrap(), model.free);
                }
                Act::Leave => {
                    RawSemaphore::settle_at_exit(semaphore.handle().participant(), crowd.variable).unwrap();
                    if model.held.get(&who).is_some_and(|held| *held > 0) && !model.settled {
                        model.signal = true;
                        model.held.clear();
                    }
                }
                Act::Die => crowd.die(place),
            }
            let (who, semaphore) = crowd.one(place);
            let held = u64::from(model.held.get(&who).copied().unwrap_or(0));
            prop_assert_eq!(semaphore.held().unwrap(), (!model.signal).then_some(held));
        }
        model.look_for_dead(|who| crowd.is_alive(who));
        prop_assert_eq!(made.available().unwrap(), model.free);
        crowd.end(&participant);
        drop(made);
        assert_empty(&participant);
    }

    #[test]
    fn a_readers_writer_lock_lets_in_whom_it_should(
        turns in prop::collection::vec((any::<usize>(), turn()), 1..80),
    ) {
        let participant = arena();
        let made = RawRwLock::create(&participant).unwrap();
        let mut crowd = Crowd::new(&participant, made.handle(), RawRwLock::from_handle);
        let mut model = RwLockModel::default();
        for (place, turn) in turns {
            let (who, lock) = crowd.one(place);
            let is_alive = |who| crowd.is_alive(who);
            let turn = match turn {
                Turn::Try(write) if model.participants().any(|who| !is_alive(who)) => {
                    if write { Turn::Write } else { Turn::Read }
                }
                turn => turn,
            };
            match turn {
                Turn::Read | Turn::Write => {
                    let write = matches!(turn, Turn::Write);
                    let expected = model.acquire(who, write, true, is_alive);
                    let found = if write { lock.try_write_or_announce() } else { lock.try_read_or_announce() };
                    prop_assert_eq!(found.unwrap(), expected);
                }
                Turn::Try(write) => {
                    let expected = model.acquire(who, write, false, is_alive);
                    let found = if write { lock.try_write() } else { lock.try_read() };
                    prop_assert_eq!(found.unwrap(), expected);
                }
                Turn::Release if model.writer == Some(who) => {
                    prop_assert!(lock.release_write().unwrap());
                    model.writer = None;
                    model.owner_died = false;
                }
                Turn::Release => {
                    let holds = model.readers.contains_key(&who);
                    prop_assert_eq!(lock.release_read().unwrap(), holds);
                    prop_assert!(!lock.release_write().unwrap());
                    if let Some(held) = model.readers.get_mut(&who) {
                        *held -= 1;
                    }
                    model.readers.retain(|_, held| *held > 0);
                }
                Turn::GiveUp => {
                    lock.give_up_writing().unwrap();
                    model.next = model.next.filter(|next| *next != who);
                }
                Turn::Consistent => {
                    lock.mark_consistent().unwrap();
                    model.owner_died = false;
                }
                Turn::Die => crowd.die(place),
            }
            prop_assert_eq!(made.owner_died(), model.owner_died);
        }
        crowd.end(&participant);
        drop(made);
        assert_empty(&participant);
    }

    #[test]
    fn an_event_is_what_was_done_last(sets in prop::collection::vec((any::<bool>(), any::<bool>()), 1..40)) {
        let participant = arena();
        let event = RawEvent::create(&participant).unwrap();
        let mut is_set = false;
        for (set, announce) in sets {
            let seen = event.begin_wait().unwrap();
            if announce {
                prop_assert_eq!(event.was_set_or_announce(seen).unwrap(), is_set);
            }
            let was_set = is_set;
            if set { event.set() } else { event.clear() }.unwrap();
            is_set = set;
            prop_assert_eq!(event.is_set().unwrap(), is_set);
            // A waiter that began before it was set sees it, also once it is cleared.
            event.clear().unwrap();
            prop_assert_eq!(event.was_set(seen).unwrap(), set && !was_set);
            if set {
                event.set().unwrap();
            }
        }
        drop(event);
        assert_empty(&participant);
    }
}

#[test]
fn more_dead_holders_than_one_change_looks_after() {
    const HOLDERS: u32 = 600;
    let participant = arena();
    let semaphore = RawSemaphore::create(&participant, HOLDERS, None, None).unwrap();
    let lock = RawRwLock::create(&participant).unwrap();
    for _ in 0..HOLDERS {
        let other = participant.join_again().unwrap();
        let open = |handle: &Handle| Handle::open(&other, handle.variable()).unwrap();
        assert!(RawSemaphore::from_handle(open(semaphore.handle())).unwrap().try_acquire().unwrap());
        let theirs = RawRwLock::from_handle(open(lock.handle())).unwrap();
        assert_eq!(theirs.try_read().unwrap(), TryLock::Acquired);
        other.abandon();
        std::mem::forget(other);
    }
    assert_eq!(semaphore.available().unwrap(), HOLDERS);
    assert_eq!(lock.try_write().unwrap(), TryLock::Acquired);
}
