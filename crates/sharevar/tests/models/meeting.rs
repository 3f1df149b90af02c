//! Conditions and barriers against plain lists, with participants that die.

use crate::modeled::{assert_clean, assert_empty};
use sharevar::engine::Outcome;
use sharevar::shm::{Arrival, Entry, Handle, RawBarrier, RawCondition};
use sharevar::{Kind, Participant, Variable};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn condition_of(participant: &Arc<Participant>, variable: Variable) -> RawCondition {
    RawCondition::from_handle(Handle::open(participant, variable).unwrap()).unwrap()
}

/// Places of a chunk of the list.
const PLACES: usize = 31;

/// A waiter, in the order of arrival.
#[derive(Clone, Copy)]
struct Waiter {
    entry: Entry,
    by: usize,
    notified: bool,
    /// Whether it waited at the last notification.
    was_there: bool,
}

/// A condition and what it should be.
struct Modeled {
    hands: Vec<(Arc<Participant>, RawCondition, bool)>,
    waiters: Vec<Waiter>,
    /// How many places the list has.
    places: usize,
}

impl Modeled {
    fn condition(&self) -> &RawCondition {
        &self.hands[0].1
    }

    fn is_alive(&self, by: usize) -> bool {
        self.hands[by].2
    }

    fn mark(&mut self, most: usize, old_only: bool) -> usize {
        let chosen = |waiter: &Waiter| !waiter.notified && (waiter.was_there || !old_only);
        let asks = most < self.waiters.iter().filter(|waiter| chosen(waiter)).count();
        let alive: Vec<bool> = self.hands.iter().map(|(_, _, alive)| *alive).collect();
        let mut count = 0;
        self.waiters.retain_mut(|waiter| {
            if count == most || !chosen(waiter) {
                return true;
            }
            let marked = !asks || alive[waiter.by];
            waiter.notified |= marked;
            count += usize::from(marked);
            marked
        });
        count
    }

    /// Those that are dead are taken away, and what they were notified of passes on.
    fn bury(&mut self, dead: &[usize]) {
        let count = self.waiters.len();
        let lost = self.waiters.iter().filter(|waiter| dead.contains(&waiter.by) && waiter.notified).count();
        self.waiters.retain(|waiter| !dead.contains(&waiter.by));
        if count == self.places && self.waiters.len() == count {
            self.places += PLACES;
        }
        self.mark(lost, true);
    }

    fn join(&mut self, by: usize) {
        if self.waiters.len() == self.places {
            let dead = |by: &usize| !self.is_alive(*by);
            self.bury(&(0..self.hands.len()).filter(dead).collect::<Vec<_>>());
        }
        let entry = self.hands[by].1.join().unwrap();
        self.waiters.push(Waiter { entry, by, notified: false, was_there: false });
    }

    fn notify(&mut self, most: usize) {
        self.condition().notify(most as u64).unwrap();
        if self.mark(most, false) > 0 {
            self.waiters.iter_mut().for_each(|waiter| waiter.was_there = true);
        }
    }

    fn end(&mut self, place: usize, fails: bool) {
        let waiter = self.waiters[place];
        let condition = &self.hands[waiter.by].1;
        if fails {
            condition.give_up(waiter.entry).unwrap();
        } else {
            assert_eq!(condition.leave(waiter.entry).unwrap(), waiter.notified);
        }
        self.waiters.remove(place);
        if fails && waiter.notified {
            self.mark(1, true);
        }
    }

    /// One dies, and the others find out.
    fn kill(&mut self, by: usize) {
        self.hands[by].0.abandon();
        self.hands[by].2 = false;
        let Some(living) = self.waiters.iter().find(|waiter| waiter.by == 0).copied() else { return };
        let lost = |waiter: &&Waiter| waiter.notified && !self.is_alive(waiter.by);
        let dead: Vec<usize> = self.waiters.iter().filter(lost).map(|waiter| waiter.by).collect();
        if !dead.is_empty() {
            self.bury(&dead);
        }
        let until = Instant::now() + Duration::from_secs(30);
        while self.found() != self.expected() {
            assert!(Instant::now() < until, "{:?} and not {:?}", self.found(), self.expected());
            self.condition().attempt(&living.entry, true).unwrap();
        }
    }

    fn found(&self) -> (u64, u64) {
        self.condition().counts().unwrap()
    }

    fn expected(&self) -> (u64, u64) {
        let notified = self.waiters.iter().filter(|waiter| waiter.notified).count() as u64;
        (self.waiters.len() as u64 - notified, notified)
    }
}

fn play_condition(seed: u64) {
    let participant = crate::modeled::arena();
    let lock = Handle::create(&participant, Kind::Lock).unwrap();
    let condition = RawCondition::create(&participant, &lock).unwrap();
    drop(lock);
    let variable = condition.handle().variable();
    let mut modeled =
        Modeled { hands: vec![(participant.clone(), condition, true)], waiters: Vec::new(), places: 0 };
    let mut state = seed;
    for step in 0..1500 {
        let draw = next(&mut state) as usize;
        match draw % 16 {
            0..=6 if modeled.waiters.len() < 70 => {
                if modeled.hands.iter().filter(|(_, _, alive)| *alive).count() < 4 {
                    let other = participant.join_again().unwrap();
                    let condition = condition_of(&other, variable);
                    modeled.hands.push((other, condition, true));
                }
                let living = |by: &usize| modeled.is_alive(*by);
                let living: Vec<_> = (0..modeled.hands.len()).filter(living).collect();
                modeled.join(living[(draw >> 4) % living.len()]);
            }
            7 | 8 => modeled.notify((draw >> 4) % 4),
            9 if draw.is_multiple_of(5) => modeled.notify(usize::MAX),
            10 if draw.is_multiple_of(3) => {
                let by = (draw >> 4) % modeled.hands.len();
                if by > 0 && modeled.is_alive(by) {
                    modeled.kill(by);
                }
            }
            11.. if !modeled.waiters.is_empty() => {
                let place = (draw >> 4) % modeled.waiters.len();
                if modeled.is_alive(modeled.waiters[place].by) {
                    modeled.end(place, draw.is_multiple_of(3));
                }
            }
            _ => {}
        }
        assert_eq!(modeled.found(), modeled.expected(), "seed {seed}, step {step}");
        for waiter in modeled.waiters.iter().filter(|waiter| modeled.is_alive(waiter.by)) {
            assert_eq!(modeled.hands[waiter.by].1.is_notified(&waiter.entry), waiter.notified);
        }
    }
    assert!(modeled.hands.len() > 4, "no participant died");
    participant.sweep().unwrap();
    assert_clean(&participant, "after the play");
    drop(modeled);
    assert_empty(&participant);
}

#[test]
fn a_condition_is_as_its_model() {
    (1..5).for_each(play_condition);
}

#[test]
fn the_places_of_the_dead_are_taken_before_the_list_grows() {
    let participant = crate::modeled::arena();
    let lock = Handle::create(&participant, Kind::Lock).unwrap();
    let condition = RawCondition::create(&participant, &lock).unwrap();
    let blocks = |participant: &Participant| participant.check().blocks;
    condition.join().unwrap();
    let one = blocks(&participant);
    for _ in 0..5 {
        let other = participant.join_again().unwrap();
        let same = condition_of(&other, condition.handle().variable());
        for _ in 0..20 {
            same.join().unwrap();
        }
        other.abandon();
        participant.sweep().unwrap();
    }
    assert_eq!(blocks(&participant), one);
    for _ in 0..62 {
        condition.join().unwrap();
    }
    assert!(blocks(&participant) > one);
}

/// A round of a barrier: its arrivals, by hand, and its outcome.
#[derive(Default)]
struct Round {
    waiting: Vec<(Entry, usize)>,
    over: Option<bool>,
    indices: Vec<u64>,
    /// How many were released and have died before they knew.
    lost: u64,
}

const PARTIES: u64 = 5;

/// A barrier and what it should be. The last round is the present one.
struct Meeting {
    participant: Arc<Participant>,
    /// Participants that arrive; each that dies is replaced.
    hands: Vec<(Arc<Participant>, RawBarrier)>,
    rounds: Vec<Round>,
    released: u32,
    broken: u32,
    found_dead: u32,
}

impl Meeting {
    fn current(&mut self) -> &mut Round {
        self.rounds.last_mut().unwrap()
    }

    fn begin(&mut self, well: bool) {
        self.current().over = Some(well);
        *(if well { &mut self.released } else { &mut self.broken }) += 1;
        self.rounds.push(Round::default());
    }

    fn arrive(&mut self, by: usize) {
        let arrived = self.hands[by].1.try_arrive().unwrap();
        let current = self.current();
        let is_broken = current.over == Some(false);
        match arrived {
            Some(Arrival::Done(Outcome::Broken)) => assert!(is_broken),
            Some(Arrival::Done(Outcome::Released(index))) => {
                assert!(!is_broken, "released as if the dead were there");
                assert_eq!(current.waiting.len() as u64, PARTIES - 1);
                current.indices.push(index);
                self.begin(true);
            }
            Some(Arrival::Wait(entry)) => current.waiting.push((entry, by)),
            other => panic!("{other:?} without an action"),
        }
    }

    /// One dies. The round that it has not lived to see released is broken, for the next that asks.
    fn kill(&mut self, by: usize, variable: Variable) {
        let other = self.participant.join_again().unwrap();
        let barrier = RawBarrier::from_handle(Handle::open(&other, variable).unwrap()).unwrap();
        let dead = std::mem::replace(&mut self.hands[by], (other, barrier));
        dead.0.abandon();
        std::mem::forget(dead);
        for round in &mut self.rounds {
            let count = round.waiting.len();
            round.waiting.retain(|(_, waiter)| *waiter != by);
            let lost = (count - round.waiting.len()) as u64;
            match round.over {
                Some(true) => round.lost += lost,
                Some(false) => {}
                None if lost == 0 => {}
                None => {
                    round.over = Some(false);
                    self.found_dead += 1;
                }
            }
        }
    }

    /// The first waiter of a round asks for its outcome.
    fn ask(&mut self, number: usize) {
        let round = &mut self.rounds[number];
        let Some((entry, by)) = round.waiting.first().copied() else { return };
        match (self.hands[by].1.attempt(&entry, false).unwrap(), round.over) {
            (None, None) => return,
            (Some(Outcome::Broken), Some(false)) => {}
            (Some(Outcome::Released(index)), Some(true)) => round.indices.push(index),
            (outcome, over) => panic!("{outcome:?} and not {over:?}"),
        }
        round.waiting.remove(0);
    }
}

fn play_barrier(seed: u64) {
    let participant = crate::modeled::arena();
    let barrier = RawBarrier::create(&participant, PARTIES, None, None).unwrap();
    let variable = barrier.handle().variable();
    let join = || {
        let other = participant.join_again().unwrap();
        let barrier = RawBarrier::from_handle(Handle::open(&other, variable).unwrap()).unwrap();
        (other, barrier)
    };
    let mut meeting = Meeting {
        participant: participant.clone(),
        hands: (0..4).map(|_| join()).collect(),
        rounds: vec![Round::default()],
        released: 0,
        broken: 0,
        found_dead: 0,
    };
    let mut state = seed;
    for _ in 0..4000 {
        let draw = next(&mut state) as usize;
        let by = (draw >> 5) % meeting.hands.len();
        let is_broken = meeting.current().over == Some(false);
        match draw % 32 {
            0..=13 => meeting.arrive(by),
            14 => {
                barrier.abort().unwrap();
                meeting.current().over = Some(false);
            }
            15 | 16 => {
                barrier.reset().unwrap();
                if is_broken || !meeting.current().waiting.is_empty() {
                    meeting.begin(false);
                }
            }
            17 | 18 if !meeting.current().waiting.is_empty() => {
                let place = (draw >> 5) % meeting.current().waiting.len();
                let (entry, by) = meeting.current().waiting.remove(place);
                let barrier = &meeting.hands[by].1;
                if draw.is_multiple_of(3) {
                    assert_eq!(barrier.time_out(&entry).unwrap(), Some(Outcome::Broken));
                    meeting.current().over = Some(false);
                } else {
                    barrier.leave(&entry).unwrap();
                }
            }
            19 => {
                meeting.kill(by, variable);
                // Without a look in between, the one that completes the round must find out.
                if draw.is_multiple_of(2) {
                    (0..PARTIES).for_each(|_| meeting.arrive((by + 1) % 4));
                }
            }
            _ => meeting.ask((draw >> 5) % meeting.rounds.len()),
        }
        let last = meeting.current();
        let is_broken = last.over == Some(false);
        let waiting = if is_broken { 0 } else { last.waiting.len() as u64 };
        assert_eq!(barrier.waiting().unwrap(), waiting);
        assert_eq!(barrier.is_broken().unwrap(), is_broken);
    }
    for round in meeting.rounds.iter_mut().filter(|round| round.over == Some(true)) {
        for (entry, by) in std::mem::take(&mut round.waiting) {
            match meeting.hands[by].1.attempt(&entry, false).unwrap() {
                Some(Outcome::Released(index)) => round.indices.push(index),
                other => panic!("{other:?} of one that was released"),
            }
        }
        round.indices.sort_unstable();
        round.indices.dedup();
        assert!(round.indices.iter().all(|index| *index < PARTIES));
        assert_eq!(round.indices.len() as u64 + round.lost, PARTIES);
    }
    let Meeting { released, broken, found_dead, hands, .. } = meeting;
    assert!(
        released > 20 && broken > 20 && found_dead > 5,
        "{released} released, {broken} broken, {found_dead} by a death"
    );
    assert_clean(&participant, "after the play");
    drop((hands, barrier));
    participant.sweep().unwrap();
    assert_empty(&participant);
}

#[test]
fn a_barrier_is_as_its_model() {
    (1..5).for_each(play_barrier);
}
