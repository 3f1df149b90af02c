//! The queue against a `VecDeque`.

use crate::engines::{Engine, conform};
use crate::modeled::{Expected, Made, World, assert_holds, int, made};
use proptest::prelude::*;
use sharevar::engine::{Backed, Make, Queue};
use sharevar::shm::{Form, RawQueue};
use sharevar::{Error, Kind};
use std::collections::VecDeque;

#[derive(Debug, Clone)]
enum Step {
    Put(Made),
    /// So many integers, one by one.
    PutInts(usize),
    PutMany(Vec<Made>),
    PutManyInts(usize),
    Get(usize),
    GetMany(usize),
    TaskDone(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => made().prop_map(Step::Put),
        2 => (1_usize..700).prop_map(Step::PutInts),
        1 => prop::collection::vec(made(), 0..20).prop_map(Step::PutMany),
        1 => (0_usize..6000).prop_map(Step::PutManyInts),
        4 => (1_usize..900).prop_map(Step::Get),
        2 => (0_usize..5000).prop_map(Step::GetMany),
        1 => (0_usize..900).prop_map(Step::TaskDone),
    ]
}

/// A queue beside what it must hold.
struct Pair<'a> {
    world: &'a World,
    queue: &'a dyn Queue,
    model: VecDeque<Expected>,
    limit: usize,
    put: usize,
    done: usize,
}

impl Pair<'_> {
    fn put(&mut self, made: &Made) {
        let (encoded, expected, held) = self.world.make(made);
        let has_room = self.limit == 0 || self.model.len() < self.limit;
        assert_eq!(self.queue.try_put(&encoded).unwrap(), has_room);
        drop(held);
        if has_room {
            self.model.push_back(expected);
            self.put += 1;
        }
    }

    fn put_many(&mut self, all: &[Made]) {
        let (mut encoded, mut expected, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for made in all {
            let (one, other, kept) = self.world.make(made);
            encoded.push(one);
            expected.push(other);
            held.push(kept);
        }
        let mut begun = 0;
        loop {
            let count = self.queue.try_put_many(&encoded[begun..]).unwrap();
            begun += count;
            if count == 0 {
                break;
            }
        }
        let room = if self.limit == 0 { all.len() } else { self.limit.saturating_sub(self.model.len()) };
        assert_eq!(begun, room.min(all.len()));
        self.model.extend(expected.into_iter().take(begun));
        self.put += begun;
    }

    fn get(&mut self, count: usize) {
        for _ in 0..count {
            match (self.queue.try_get().unwrap(), self.model.pop_front()) {
                (Some(found), Some(expected)) => assert_holds(&found, &expected),
                (None, None) => break,
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }

    fn get_many(&mut self, most: usize) {
        let mut found = Vec::new();
        while found.len() < most {
            let left = most - found.len();
            if self.queue.try_get_many(left, &mut found).unwrap() == 0 {
                let Some(one) = self.queue.try_get().unwrap() else { break };
                found.push(one);
            }
        }
        assert_eq!(found.len(), most.min(self.model.len()));
        for (found, expected) in found.iter().zip(self.model.drain(..found.len())) {
            assert_holds(found, &expected);
        }
    }

    fn task_done(&mut self, count: usize) {
        for _ in 0..count {
            if self.done == self.put {
                assert_eq!(self.queue.task_done(), Err(Error::NoTaskLeft));
                break;
            }
            self.queue.task_done().unwrap();
            self.done += 1;
        }
    }

    fn check(&self) {
        let length = self.model.len();
        assert_eq!(self.queue.len().unwrap() as usize, length);
        assert_eq!(self.queue.limit().unwrap() as usize, self.limit);
        let first = self.queue.first().unwrap();
        assert_eq!(first.is_some(), length > 0);
        if let Some((found, expected)) = first.iter().zip(self.model.front()).next() {
            assert_holds(found, expected);
        }
        assert_eq!(self.queue.unfinished().unwrap() as usize, self.put - self.done);
        let all_done = self.queue.join_wait().attempt(false).unwrap();
        assert_eq!(all_done.is_some(), self.put == self.done);
        self.world.assert_clean("after a step");
    }
}

fn run(engine: Engine, limit: usize, steps: &[Step], end: u8) {
    let world = World::of(engine.home());
    let made = world.home.create(&Make::Queue { limit: limit as u64, form: Form::SimpleQueue }).unwrap();
    let backed = Backed::<RawQueue, dyn Queue>::open(made, Kind::Queue).unwrap();
    let queue = backed.any();
    assert_eq!(queue.form().unwrap(), Form::SimpleQueue);
    let mut pair = Pair { world: &world, queue, model: VecDeque::new(), limit, put: 0, done: 0 };
    for step in steps {
        match step {
            Step::Put(made) => pair.put(made),
            Step::PutInts(count) => (0..*count).for_each(|number| pair.put(&Made::Int(number as i64))),
            Step::PutMany(all) => pair.put_many(all),
            Step::PutManyInts(count) => {
                pair.put_many(&(0..*count).map(|number| Made::Int(number as i64)).collect::<Vec<_>>());
            }
            Step::Get(count) => pair.get(*count),
            Step::GetMany(most) => pair.get_many(*most),
            Step::TaskDone(count) => pair.task_done(*count),
        }
        pair.check();
    }
    if end > 0 {
        let immediate = end == 2;
        queue.shut_down(immediate).unwrap();
        assert_eq!(queue.try_put(&int(1)), Err(Error::QueueShutDown));
        assert_eq!(queue.try_put_many(&[int(1)]), Err(Error::QueueShutDown));
        if immediate {
            pair.done = pair.put.min(pair.done + pair.model.len());
            pair.model.clear();
        }
        pair.check();
        pair.get(pair.model.len());
        assert!(matches!(queue.try_get(), Err(Error::QueueShutDown)));
    }
    drop(pair);
    drop(backed);
    world.end();
}

conform! {
    fn a_queue_gives_what_was_put_in_order(engine) {
        let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
        let limits = prop_oneof![Just(0_usize), 1_usize..10, 500_usize..2000];
        proptest!(config, |(limit in limits, steps in prop::collection::vec(step(), 1..25), end in 0_u8..3)| {
            run(engine, limit, &steps, end);
        });
    }
}
