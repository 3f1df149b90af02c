//! The queue against `VecDeque`; and its waiters, each a participant of its own.

use crate::modeled::{
    Expected, Made, World, assert_clean, assert_empty, assert_holds, int, made, open, value_of,
};
use proptest::prelude::*;
use sharevar::shm::{Content, Form, RawQueue};
use sharevar::{Error, Manager};
use sharevar_value::Value;
use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

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
    queue: RawQueue,
    model: VecDeque<Expected>,
    limit: usize,
    put: usize,
    done: usize,
}

impl Pair<'_> {
    fn put(&mut self, made: &Made) {
        let (encoded, expected, held) = self.world.make(made);
        let has_room = self.limit == 0 || self.model.len() < self.limit;
        assert_eq!(self.queue.try_put(&encoded, false).unwrap(), has_room);
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
            match (self.queue.try_get(false).unwrap(), self.model.pop_front()) {
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
                let Some(one) = self.queue.try_get(false).unwrap() else { break };
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
        assert_eq!(self.queue.is_empty().unwrap(), length == 0);
        assert_eq!(self.queue.is_full().unwrap(), self.limit != 0 && length >= self.limit);
        assert_eq!(self.queue.unfinished().unwrap() as usize, self.put - self.done);
        assert_eq!(self.queue.try_join(false).unwrap(), self.put == self.done);
        assert_clean(self.world.participant(), "after a step");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_gives_what_was_put_in_order(
        limit in prop_oneof![Just(0_usize), 1_usize..10, 500_usize..2000],
        steps in prop::collection::vec(step(), 1..25),
        end in 0_u8..3,
    ) {
        let world = World::new();
        let queue = RawQueue::create(world.participant(), limit as u64, Form::Queue).unwrap();
        let mut pair = Pair { world: &world, queue, model: VecDeque::new(), limit, put: 0, done: 0 };
        for step in &steps {
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
            pair.queue.shut_down(immediate).unwrap();
            assert_eq!(pair.queue.try_put(&int(1), true), Err(Error::QueueShutDown));
            assert_eq!(pair.queue.try_put_many(&[int(1)]), Err(Error::QueueShutDown));
            if immediate {
                pair.done = pair.put.min(pair.done + pair.model.len());
                pair.model.clear();
            }
            pair.check();
            pair.get(pair.model.len());
            assert!(matches!(pair.queue.try_get(true), Err(Error::QueueShutDown)));
        }
        drop(pair);
        world.end();
    }
}

/// A long backlog comes and goes: memory follows it, and nothing is copied.
#[test]
fn memory_of_what_was_got_comes_back() {
    const ITEMS: i64 = 300_000;
    let participant = crate::modeled::arena();
    let queue = RawQueue::create(&participant, 0, Form::Queue).unwrap();
    for number in 0..ITEMS {
        assert!(queue.try_put(&int(number), false).unwrap());
    }
    let full = participant.check().blocks;
    assert!(full >= ITEMS as u64 / 511);
    for number in 0..ITEMS {
        let found = queue.try_get(false).unwrap().unwrap();
        assert_eq!(value_of(&found), Value::Int(number));
    }
    assert!(participant.check().blocks + ITEMS as u64 / 511 <= full, "segments are left");
    // One that is never long takes one segment for ever.
    let blocks = participant.check().blocks;
    for number in 0..10_000 {
        queue.try_put(&int(number), false).unwrap();
        queue.try_get(false).unwrap().unwrap();
    }
    assert_eq!(participant.check().blocks, blocks);
    drop(queue);
    assert_empty(&participant);
}

#[test]
fn many_producers_and_consumers_lose_nothing_and_keep_each_ones_order() {
    const EACH: i64 = 20_000;
    const PRODUCERS: i64 = 3;
    let participant = crate::modeled::arena();
    let queue = RawQueue::create(&participant, 1000, Form::Queue).unwrap();
    let typed = |participant: &std::sync::Arc<sharevar::Participant>| {
        let handle = open(participant, queue.handle().variable());
        <sharevar::Queue<i64> as sharevar::Shared>::from_handle(handle.into()).unwrap()
    };
    let all = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let queue = typed(&participant.join_again().unwrap());
                scope.spawn(move || (0..EACH).for_each(|n| queue.put(&(producer * EACH + n)).unwrap()))
            })
            .collect();
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = typed(&participant.join_again().unwrap());
                scope.spawn(move || queue.iter().collect::<Result<Vec<_>, _>>().unwrap())
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        queue.shut_down(false).unwrap();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect::<Vec<_>>()
    });
    for got in &all {
        for producer in 0..PRODUCERS {
            let its: Vec<_> = got.iter().filter(|item| **item / EACH == producer).collect();
            assert!(its.is_sorted(), "items of one producer overtook each other");
        }
    }
    let mut all: Vec<_> = all.into_iter().flatten().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..PRODUCERS * EACH), "an item is lost or came twice");
    drop(queue);
    assert_empty(&participant);
}

#[test]
fn who_waits_is_woken_by_what_it_waits_for() {
    let manager = Manager::new().unwrap();
    let queue = manager.bounded_queue::<String>(1).unwrap();
    let (sender, receiver) = mpsc::channel();
    let begin = |work: fn(&sharevar::Queue<String>) -> Result<bool, Error>| {
        let (queue, sender) = (queue.clone(), sender.clone());
        std::thread::spawn(move || sender.send(work(&queue)).unwrap());
        // Not woken by what is not meant.
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
    };
    begin(|queue| Ok(queue.get()? == "item"));
    queue.put("item").unwrap();
    assert_eq!(receiver.recv().unwrap(), Ok(true));
    begin(|queue| queue.join().map(|()| true));
    queue.task_done().unwrap();
    assert_eq!(receiver.recv().unwrap(), Ok(true));
    queue.put("first").unwrap();
    begin(|queue| queue.put("second").map(|()| true));
    assert_eq!(queue.get().unwrap(), "first");
    assert_eq!(receiver.recv().unwrap(), Ok(true));
    begin(|queue| queue.put("third").map(|()| true));
    queue.shutdown(false).unwrap();
    assert_eq!(receiver.recv().unwrap(), Err(Error::QueueShutDown));
    assert_eq!(queue.try_get().unwrap().as_deref(), Some("second"));
    assert_eq!(queue.get(), Err(Error::QueueShutDown));
}

#[test]
fn time_runs_out() {
    let manager = Manager::new().unwrap();
    let queue = manager.bounded_queue::<i64>(1).unwrap();
    let limit = Duration::from_millis(30);
    let since = Instant::now();
    assert_eq!(queue.get_timeout(limit).unwrap(), None);
    queue.put(&1).unwrap();
    assert!(!queue.put_timeout(&2, limit).unwrap());
    assert!(!queue.join_timeout(limit).unwrap());
    assert!(since.elapsed() >= limit * 3);
    assert!(!queue.try_put(&2).unwrap());
    assert_eq!(queue.try_get().unwrap(), Some(1));
    assert_eq!(queue.try_get().unwrap(), None);
}

#[test]
fn a_shut_down_queue_that_is_emptied_lets_joiners_go() {
    let manager = Manager::new().unwrap();
    let queue = manager.queue::<Vec<u64>>().unwrap();
    for number in 0..2000 {
        queue.put(&vec![number; 20]).unwrap();
    }
    queue.get().unwrap();
    queue.shutdown(true).unwrap();
    assert!(queue.is_empty().unwrap());
    assert!(!queue.join_timeout(Duration::ZERO).unwrap());
    queue.task_done().unwrap();
    queue.join().unwrap();
    assert_eq!(queue.task_done(), Err(Error::NoTaskLeft));
    manager.participant().unwrap().flush_releases().unwrap();
    let report = manager.check().unwrap();
    assert!(report.is_clean() && report.blocks < 100, "{report:#?}");
}

#[test]
fn a_variable_in_a_queue_is_handed_over() {
    let manager = Manager::new().unwrap();
    let queue = manager.queue::<sharevar::List<i64>>().unwrap();
    let list = manager.list::<i64>().unwrap();
    list.push(&7).unwrap();
    queue.put(&list).unwrap();
    drop(list);
    let list = queue.get().unwrap();
    assert_eq!(list.to_vec().unwrap(), [7]);
    let content = queue.raw().try_get(false).unwrap();
    assert!(!matches!(content, Some(Content::Handle(_))));
}
