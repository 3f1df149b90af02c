//! The operations of the priority queue, each with what it must have done.

use super::operations::{blocks, blocks_0, fresh_kept, operations};
use super::{Facts, Hands, Operation, World, block};
use crate::modeled::int;
use sharevar::Error;
use sharevar::shm::{Content, QueueKind, RawPriorityQueue};
use sharevar_value::{Encoded, Value};
use std::hash::{DefaultHasher, Hash};

const HEAD: usize = 0;
const TAIL: usize = 1;
const ROOT: usize = 2;
const PLACES: usize = 3;
const STATE: usize = 4;
const DONE: usize = 5;

/// The content of the queue, as a reader sees it by taking it.
pub(super) fn see(hands: &Hands, hash: &mut DefaultHasher) {
    let queue = &hands.priority_queue;
    (5_u8, queue.len().unwrap(), queue.unfinished().unwrap(), queue.limit().unwrap()).hash(hash);
    if let Some(first) = queue.peek().unwrap() {
        super::see(&hands.participant, &first, hash);
    }
    loop {
        match queue.try_get(false) {
            Ok(Some(content)) => super::see(&hands.participant, &content, hash),
            Ok(None) => break,
            Err(Error::QueueShutDown) => return 6_u8.hash(hash),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whole operations on the queue that the mortal changes.
pub(super) fn clash(hands: &Hands) {
    let queue = &hands.priority_queue;
    for value in [block(4711), int(-4711)] {
        match queue.try_put(&value, false) {
            Ok(_) | Err(Error::QueueShutDown) => {}
            Err(error) => panic!("{error}"),
        }
    }
    match queue.try_get(false) {
        Ok(Some(_)) => queue.task_done().unwrap(),
        Ok(None) | Err(Error::QueueShutDown) => {}
        Err(error) => panic!("{error}"),
    }
}

fn put(world: &World, value: &Encoded) {
    assert!(world.mortal.priority_queue.try_put(value, false).unwrap());
}

/// A tuple of a priority and what has no order, so that it refers to variables or not.
fn item(priority: i64, payload: Value) -> Encoded {
    Value::Tuple(vec![priority.into(), payload]).to_encoded().unwrap()
}

fn nested(world: &World, priority: i64) -> Encoded {
    item(priority, Value::Handle(world.mortal.target.handle().variable().header()))
}

/// Items in no order, of which some are equal.
fn items(world: &World, count: i64) {
    (0..count).for_each(|number| put(world, &item(number * 7 % 11, number.into())));
}

/// Items in the opposite of the order, each of which rises to the top.
fn falling(count: i64) -> Vec<Encoded> {
    (0..count).map(|number| int(-number)).collect()
}

fn put_many(world: &World, values: &[Encoded]) {
    let mut begun = 0;
    while begun < values.len() {
        begun += world.mortal.priority_queue.try_put_many(&values[begun..]).unwrap();
    }
}

fn get(world: &World) -> Content {
    world.mortal.priority_queue.try_get(false).unwrap().unwrap()
}

fn take(world: &World, count: i64) {
    (0..count).for_each(|_| drop(get(world)));
}

fn drain(world: &World) {
    world.own.borrow_mut().clear();
    world.mortal.participant.flush_releases().unwrap();
}

fn longer(before: &Facts, after: &Facts) -> bool {
    after.priority_queue[TAIL] == before.priority_queue[TAIL] + 1
        && after.priority_queue[HEAD] == before.priority_queue[HEAD]
}

fn shorter(before: &Facts, after: &Facts) -> bool {
    after.priority_queue[HEAD] == before.priority_queue[HEAD] + 1
        && after.priority_queue[TAIL] == before.priority_queue[TAIL]
}

operations! {
    PRIORITY_QUEUE:
    "priority queue: first item": |_| {}, |w| put(w, &int(1)),
        |b, a| b.priority_queue[ROOT] == 0 && longer(b, a) && blocks(2)(b, a);
    "priority queue: put the lowest item, which rises to the top": |w| items(w, 30), |w| put(w, &int(-1)),
        |b, a| longer(b, a) && blocks(1)(b, a);
    "priority queue: put an item that stays at the end": |w| items(w, 30), |w| put(w, &item(50, Value::None)),
        |b, a| longer(b, a) && blocks(2)(b, a);
    "priority queue: put, the heap grows": |w| items(w, 16), |w| put(w, &int(-1)),
        |b, a| longer(b, a) && b.priority_queue[ROOT] != a.priority_queue[ROOT] && a.priority_queue[PLACES] == 17;
    "priority queue: put a nested handle": |w| items(w, 9), |w| put(w, &nested(w, 3)), |b, a| longer(b, a) && blocks(2)(b, a);
    "priority queue: put, a waiter that is gone": |w| assert!(w.mortal.priority_queue.try_get(true).unwrap().is_none()),
        |w| put(w, &int(1)), |b, a| longer(b, a) && b.priority_queue[STATE] != 0 && a.priority_queue[STATE] == 0;
    "priority queue: put many": |w| items(w, 5),
        |w| assert_eq!(w.mortal.priority_queue.try_put_many(&falling(30)).unwrap(), 30),
        |b, a| a.priority_queue[TAIL] == b.priority_queue[TAIL] + 30 && blocks(30)(b, a);
    "priority queue: put, a directory is made": |w| put_many(w, &falling(4096)), |w| put(w, &int(-5000)),
        |b, a| longer(b, a) && a.priority_queue[ROOT] & 1 == 1 && b.priority_queue[ROOT] & 1 == 0 && blocks(3)(b, a);
    "priority queue: get": |w| items(w, 30), |w| take(w, 1), |b, a| shorter(b, a) && blocks(-2)(b, a);
    "priority queue: get the last item": |w| items(w, 1), |w| take(w, 1),
        |b, a| shorter(b, a) && b.priority_queue[ROOT] == a.priority_queue[ROOT];
    "priority queue: get an item with a handle": |w| { items(w, 9); put(w, &nested(w, -1)); }, |w| { take(w, 1); drain(w); },
        |b, a| shorter(b, a) && blocks(-2)(b, a);
    "priority queue: get the last reference to a variable": |w| {
            let fresh = fresh_kept(w);
            let Encoded::Word(word) = fresh else { unreachable!() };
            put(w, &item(1, Value::Handle(word.handle_offset().unwrap())));
            drain(w);
        }, |w| { take(w, 1); drain(w); }, |b, a| shorter(b, a) && a.variables + 1 == b.variables;
    "priority queue: get, a segment is given up": |w| {
            put_many(w, &falling(3 * 4096 + 10));
            let mut taken = Vec::new();
            while w.mortal.priority_queue.len().unwrap() > 4096 + 11 {
                let left = w.mortal.priority_queue.len().unwrap() - 4096 - 11;
                w.mortal.priority_queue.try_get_many(left as usize, &mut taken).unwrap();
            }
        }, |w| take(w, 1), |b, a| shorter(b, a) && a.priority_queue[PLACES] < b.priority_queue[PLACES] && blocks(-2)(b, a);
    "priority queue: get many": |w| items(w, 40),
        |w| assert_eq!(w.mortal.priority_queue.try_get_many(20, &mut Vec::new()).unwrap(), 20),
        |b, a| a.priority_queue[HEAD] == b.priority_queue[HEAD] + 20 && blocks(-40)(b, a);
    "priority queue: a task is done": |w| { items(w, 3); take(w, 2); }, |w| w.mortal.priority_queue.task_done().unwrap(),
        |b, a| a.priority_queue[DONE] == b.priority_queue[DONE] + 1;
    "priority queue: there is no room (rolls back)" (same): |w| { w.mortal.priority_queue.set_limit(5).unwrap(); items(w, 5); },
        |w| assert!(!w.mortal.priority_queue.try_put(&block(1), false).unwrap()),
        |b, a| b.priority_queue == a.priority_queue && blocks_0(b, a);
    "priority queue: shut down at once": |w| { items(w, 40); put(w, &nested(w, 5)); take(w, 3); },
        |w| { w.mortal.priority_queue.shut_down(true).unwrap(); drain(w); },
        |b, a| a.priority_queue[HEAD] == b.priority_queue[TAIL] && a.priority_queue[ROOT] == 0 && b.variables == a.variables && blocks(-77)(b, a);
    "priority queue: one that dies is taken away" (same): |w| {
            let queue = RawPriorityQueue::create(&w.mortal.participant, 0).unwrap();
            while queue.len().unwrap() < 100 {
                queue.try_put_many(&falling(20)).unwrap();
            }
            queue.try_put(&nested(w, 3), false).unwrap();
            w.own.borrow_mut().push(queue.handle().clone());
            drop(queue);
            w.mortal.participant.flush_releases().unwrap();
        }, drain, |b, a| a.variables + 1 == b.variables && blocks(-103)(b, a);
}
