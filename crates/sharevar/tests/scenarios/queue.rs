//! The operations of the queue, each with what it must have done.

use super::operations::{blocks, blocks_0, fresh_kept, mixed, nested, operations};
use super::{Facts, Hands, Operation, World, block, handle_to};
use crate::modeled::int;
use sharevar::Error;
use sharevar::shm::{Content, Form, RawQueue};
use sharevar_value::Encoded;
use std::hash::{DefaultHasher, Hash};

const HEAD: usize = 0;
const TAIL: usize = 1;
const FIRST: usize = 2;
const LAST: usize = 3;
const STATE: usize = 4;
const DONE: usize = 5;
/// Items in a segment.
const PLACES: i64 = 511;

/// The content of the queue, as a reader sees it by taking it.
pub(super) fn see(hands: &Hands, hash: &mut DefaultHasher) {
    let queue = &hands.queue;
    (3_u8, queue.len().unwrap(), queue.unfinished().unwrap(), queue.limit().unwrap()).hash(hash);
    loop {
        match queue.try_get(false) {
            Ok(Some(content)) => super::see(&hands.participant, &content, hash),
            Ok(None) => break,
            Err(Error::QueueShutDown) => return 4_u8.hash(hash),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whole operations on the queue that the mortal changes.
pub(super) fn clash(hands: &Hands) {
    let queue = &hands.queue;
    for value in [block(4711), int(4711)] {
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
    assert!(world.mortal.queue.try_put(value, false).unwrap());
}

fn items(world: &World, count: i64) {
    (0..count).for_each(|number| put(world, &int(number)));
}

fn get(world: &World) -> Content {
    world.mortal.queue.try_get(false).unwrap().unwrap()
}

fn take(world: &World, count: i64) {
    (0..count).for_each(|_| drop(get(world)));
}

fn drain(world: &World) {
    world.own.borrow_mut().clear();
    world.mortal.participant.flush_releases().unwrap();
}

fn longer(before: &Facts, after: &Facts) -> bool {
    after.queue[TAIL] == before.queue[TAIL] + 1 && after.queue[HEAD] == before.queue[HEAD]
}

fn shorter(before: &Facts, after: &Facts) -> bool {
    after.queue[HEAD] == before.queue[HEAD] + 1 && after.queue[TAIL] == before.queue[TAIL]
}

fn same_segments(before: &Facts, after: &Facts) -> bool {
    before.queue[FIRST] == after.queue[FIRST] && before.queue[LAST] == after.queue[LAST]
}

operations! {
    QUEUE:
    "queue: first item": |_| {}, |w| put(w, &int(1)), |b, a| b.queue[FIRST] == 0 && longer(b, a) && blocks(1)(b, a);
    "queue: put an integer": |w| items(w, 5), |w| put(w, &int(1)), |b, a| longer(b, a) && same_segments(b, a) && blocks_0(b, a);
    "queue: put a block": |w| items(w, 5), |w| put(w, &block(1)), |b, a| longer(b, a) && blocks(1)(b, a);
    "queue: put nested handles": |w| items(w, 5), |w| put(w, &nested(w)), |b, a| longer(b, a) && blocks(1)(b, a);
    "queue: a handle that no other holds goes in": |w| items(w, 5), |w| { put(w, &fresh_kept(w)); drain(w); },
        |b, a| longer(b, a) && a.variables == b.variables + 1;
    "queue: put, a segment follows": |w| items(w, PLACES), |w| put(w, &int(1)),
        |b, a| longer(b, a) && blocks(1)(b, a) && a.queue[FIRST] == b.queue[FIRST] && a.queue[LAST] != b.queue[LAST];
    "queue: put a block, a segment follows": |w| items(w, PLACES), |w| put(w, &block(1)), |b, a| longer(b, a) && blocks(2)(b, a);
    "queue: put into the emptied segment": |w| { items(w, PLACES); take(w, PLACES); }, |w| put(w, &int(1)),
        |b, a| longer(b, a) && same_segments(b, a) && a.queue[TAIL] as i64 == PLACES + 1;
    "queue: put, a waiter that is gone": |w| { items(w, 1); take(w, 1); assert!(w.mortal.queue.try_get(true).unwrap().is_none()); },
        |w| put(w, &int(1)), |b, a| longer(b, a) && b.queue[STATE] != 0 && a.queue[STATE] == 0;
    "queue: put many": |w| items(w, 5), |w| assert_eq!(w.mortal.queue.try_put_many(&mixed(30)).unwrap(), 30),
        |b, a| a.queue[TAIL] == b.queue[TAIL] + 30 && blocks(15)(b, a);
    "queue: put many over two segments": |w| items(w, 500), |w| assert_eq!(w.mortal.queue.try_put_many(&vec![int(5); 600]).unwrap(), 600),
        |b, a| a.queue[TAIL] == b.queue[TAIL] + 600 && blocks(2)(b, a);
    "queue: get an integer": |w| items(w, 5), |w| take(w, 1), |b, a| shorter(b, a) && same_segments(b, a);
    "queue: get a block": |w| { put(w, &block(1)); items(w, 2); }, |w| take(w, 1), |b, a| shorter(b, a) && blocks(-1)(b, a);
    "queue: get nested handles": |w| { put(w, &nested(w)); items(w, 2); }, |w| { take(w, 1); drain(w); }, |b, a| shorter(b, a) && blocks(-1)(b, a);
    "queue: get a handle": |w| { put(w, &handle_to(w.mortal.target.handle())); items(w, 2); }, |w| { take(w, 1); drain(w); }, shorter;
    "queue: get the last reference to a variable": |w| { put(w, &fresh_kept(w)); drain(w); }, |w| { take(w, 1); drain(w); },
        |b, a| shorter(b, a) && a.variables + 1 == b.variables;
    "queue: get, a segment is left behind": |w| { items(w, 600); take(w, PLACES - 1); }, |w| take(w, 1),
        |b, a| shorter(b, a) && blocks(-1)(b, a) && b.queue[FIRST] != a.queue[FIRST] && a.queue[FIRST] == a.queue[LAST];
    "queue: get the last item of the only segment": |w| { items(w, PLACES); take(w, PLACES - 1); }, |w| take(w, 1),
        |b, a| shorter(b, a) && same_segments(b, a) && blocks_0(b, a);
    "queue: get, a waiter for room that is gone": |w| {
            w.mortal.queue.set_limit(2).unwrap();
            items(w, 2);
            assert!(!w.mortal.queue.try_put(&block(1), true).unwrap());
        }, |w| take(w, 1), |b, a| shorter(b, a) && b.queue[STATE] != 2 && a.queue[STATE] == 2;
    "queue: get many over two segments": |w| {
            w.mortal.queue.try_put_many(&mixed(40)).unwrap();
            w.mortal.queue.try_put_many(&vec![int(5); 1100]).unwrap();
        }, |w| assert_eq!(w.mortal.queue.try_get_many(1060, &mut Vec::new()).unwrap(), 1060),
        |b, a| a.queue[HEAD] == b.queue[HEAD] + 1060 && blocks(-22)(b, a);
    "queue: a task is done": |w| { items(w, 3); take(w, 2); }, |w| w.mortal.queue.task_done().unwrap(), |b, a| a.queue[DONE] == b.queue[DONE] + 1;
    "queue: the last task is done": |w| { items(w, 1); take(w, 1); assert!(!w.mortal.queue.try_join(true).unwrap()); },
        |w| w.mortal.queue.task_done().unwrap(), |b, a| a.queue[DONE] == 1 && b.queue[STATE] != 0 && a.queue[STATE] == 0;
    "queue: waiting is announced" (same): |_| {}, |w| assert!(w.mortal.queue.try_get(true).unwrap().is_none()), |b, a| b.queue[STATE] != a.queue[STATE];
    "queue: there is no room (rolls back)" (same): |w| { w.mortal.queue.set_limit(5).unwrap(); items(w, 5); },
        |w| assert!(!w.mortal.queue.try_put(&block(1), false).unwrap()), |b, a| b.queue == a.queue && blocks_0(b, a);
    "queue: shut down": |w| items(w, 5), |w| w.mortal.queue.shut_down(false).unwrap(), |b, a| b.queue[STATE] == 0 && a.queue[STATE] == 1 << 63;
    "queue: shut down at once": |w| { w.mortal.queue.try_put_many(&mixed(40)).unwrap(); items(w, 600); put(w, &nested(w)); take(w, 3); w.mortal.queue.task_done().unwrap(); },
        |w| { w.mortal.queue.shut_down(true).unwrap(); drain(w); },
        |b, a| a.queue[HEAD] == b.queue[TAIL] && a.queue[FIRST] == 0 && a.queue[DONE] == b.queue[TAIL] - 2 && b.variables == a.variables && blocks(-21)(b, a);
    "queue: one that dies is taken away" (same): |w| {
            let queue = RawQueue::create(&w.mortal.participant, 0, Form::Queue).unwrap();
            queue.try_put_many(&mixed(150)).unwrap();
            queue.try_put_many(&vec![int(1); 1100]).unwrap();
            queue.try_put(&nested(w), false).unwrap();
            w.own.borrow_mut().push(queue.handle().clone());
            drop(queue);
            w.mortal.participant.flush_releases().unwrap();
        }, drain, |b, a| a.variables + 1 == b.variables && blocks(-79)(b, a);
}
