//! Conditions and barriers against plain lists, with participants that die.

mod modeled;

use modeled::{assert_clean, assert_empty};
use sharevar::shm::{Arrival, Entry, Outcome, RawBarrier, RawCondition};
use sharevar::{Handle, Kind, Participant, Variable};
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

/// One who waits, in the order of arrival.
#[derive(Clone, Copy)]
struct Waiter {
    entry: Entry,
    by: usize,
    notified: bool,
    /// Whether it waited when somebody last notified.
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

    /// Those who are dead are taken away, and what they were notified of passes on.
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
    let participant = modeled::arena();
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
    assert!(modeled.hands.len() > 4, "nobody died");
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
    let participant = modeled::arena();
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

/// A round of a barrier: who has arrived, and what became of it.
#[derive(Default)]
struct Round {
    waiting: Vec<Entry>,
    over: Option<bool>,
    indices: Vec<u64>,
}

const PARTIES: u64 = 5;

fn play_barrier(seed: u64) {
    let participant = modeled::arena();
    let barrier = RawBarrier::create(&participant, PARTIES, None, None).unwrap();
    let mut rounds = vec![Round::default()];
    let mut state = seed;
    let (mut released, mut broken) = (0, 0);
    for _ in 0..4000 {
        let draw = next(&mut state) as usize;
        let current = rounds.len() - 1;
        let is_broken = rounds[current].over == Some(false);
        let mut begin = |rounds: &mut Vec<Round>, well: bool| {
            rounds[current].over = Some(well);
            *(if well { &mut released } else { &mut broken }) += 1;
            rounds.push(Round::default());
        };
        match draw % 32 {
            0..=13 => match barrier.arrive().unwrap() {
                Arrival::Done(Outcome::Broken) => assert!(is_broken),
                Arrival::Done(Outcome::Released(index)) => {
                    assert_eq!(rounds[current].waiting.len() as u64, PARTIES - 1);
                    rounds[current].indices.push(index);
                    begin(&mut rounds, true);
                }
                Arrival::Wait(entry) => rounds[current].waiting.push(entry),
                other => panic!("{other:?} without an action"),
            },
            14 => {
                barrier.abort().unwrap();
                rounds[current].over = Some(false);
            }
            15 | 16 => {
                barrier.reset().unwrap();
                if is_broken || !rounds[current].waiting.is_empty() {
                    begin(&mut rounds, false);
                }
            }
            17 | 18 if !rounds[current].waiting.is_empty() => {
                let place = (draw >> 5) % rounds[current].waiting.len();
                let entry = rounds[current].waiting.remove(place);
                if draw.is_multiple_of(3) {
                    assert_eq!(barrier.time_out(&entry).unwrap(), Some(Outcome::Broken));
                    rounds[current].over = Some(false);
                } else {
                    barrier.leave(&entry).unwrap();
                }
            }
            _ => {
                let number = (draw >> 5) % rounds.len();
                let round = &mut rounds[number];
                if let Some(entry) = round.waiting.first().copied() {
                    let outcome = barrier.attempt(&entry, false).unwrap();
                    match (outcome, round.over) {
                        (None, None) => continue,
                        (Some(Outcome::Broken), Some(false)) => {}
                        (Some(Outcome::Released(index)), Some(true)) => round.indices.push(index),
                        (outcome, over) => panic!("{outcome:?} and not {over:?}"),
                    }
                    round.waiting.remove(0);
                }
            }
        }
        let last = rounds.last().unwrap();
        let is_broken = last.over == Some(false);
        assert_eq!(barrier.is_broken().unwrap(), is_broken);
        let waiting = if is_broken { 0 } else { last.waiting.len() as u64 };
        assert_eq!(barrier.waiting().unwrap(), waiting);
    }
    for round in rounds.iter_mut().filter(|round| round.over == Some(true)) {
        for entry in std::mem::take(&mut round.waiting) {
            match barrier.attempt(&entry, false).unwrap() {
                Some(Outcome::Released(index)) => round.indices.push(index),
                other => panic!("{other:?} of one who was released"),
            }
        }
        round.indices.sort_unstable();
        assert_eq!(round.indices, (0..PARTIES).collect::<Vec<_>>());
    }
    assert!(released > 20 && broken > 20, "{released} released, {broken} broken");
    assert_clean(&participant, "after the play");
    drop(barrier);
    assert_empty(&participant);
}

#[test]
fn a_barrier_is_as_its_model() {
    (1..5).for_each(play_barrier);
}
