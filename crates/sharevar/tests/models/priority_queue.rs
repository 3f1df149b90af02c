//! The memory of priority queues.

use crate::modeled::{self, assert_empty, int};
use sharevar::shm::{QueueKind, RawPriorityQueue};
use sharevar_value::Value;

#[test]
fn memory_of_what_was_got_comes_back() {
    const ITEMS: i64 = 40_000;
    let participant = modeled::arena();
    let queue = RawPriorityQueue::create(&participant, 0).unwrap();
    for number in 0..ITEMS {
        queue.try_put(&int(number * 7919 % ITEMS), false).unwrap();
    }
    for number in 0..ITEMS {
        let found = queue.try_get(false).unwrap().unwrap();
        assert_eq!(modeled::value_of(&found), Value::Int(number));
    }
    let blocks = participant.check().blocks;
    assert!(blocks < 20, "{blocks} blocks are left");
    drop(queue);
    assert_empty(&participant);
}
