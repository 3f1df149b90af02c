//! The memory of queues, and their users, each a participant of its own.

use crate::modeled::{assert_empty, int, open, value_of};
use sharevar::shm::{Form, RawQueue};
use sharevar_value::Value;

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
