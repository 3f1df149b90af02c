//! Queues of both kinds: what threads of one process can tell of them.

use crate::engines::conform;
use crate::waiting::{runs_out, while_waiting};
use sharevar::engine::{Backed, Make, Queue};
use sharevar::shm::{Form, RawPriorityQueue, RawQueue};
use sharevar::{Error, Kind};
use sharevar_value::{Encoded, Word};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).unwrap())
}

fn taken(queue: &dyn Queue) -> Option<i64> {
    queue.try_get().unwrap().as_ref().map(number)
}

fn number(content: &sharevar::Content) -> i64 {
    match content {
        sharevar::Content::Word(word) => word.as_int().unwrap(),
        other => panic!("{other:?} is no number"),
    }
}

/// Of no limit; `sorted` if the lowest comes first.
fn a_queue_gives_each_item_once(queue: &dyn Queue, sorted: bool) {
    assert_eq!((queue.len().unwrap(), queue.limit().unwrap()), (0, 0));
    assert!(runs_out(&mut *queue.get_wait()));
    let given = while_waiting(&mut *queue.get_wait(), || queue.try_put(&int(7)).map(|_| ()));
    assert!(matches!(given, sharevar::Content::Word(word) if word == Word::from_int(7).unwrap()));
    assert_eq!(queue.unfinished().unwrap(), 1);
    queue.task_done().unwrap();
    assert_eq!(queue.task_done(), Err(Error::NoTaskLeft));
    assert_eq!(queue.try_put_many(&[int(3), int(1), int(2)]).unwrap(), 3);
    queue.set_limit(3).unwrap();
    assert!(!queue.try_put(&int(0)).unwrap() && runs_out(&mut *queue.put_wait(&int(0))));
    let order = if sorted { [1, 2, 3] } else { [3, 1, 2] };
    let last = int(9);
    let mut put = queue.put_wait(&last);
    while_waiting(&mut *put, || {
        assert_eq!(taken(queue), Some(order[0]));
        Ok(())
    });
    drop(put);
    let mut items = Vec::new();
    assert_eq!(queue.try_get_many(2, &mut items).unwrap(), 2);
    (0..3).for_each(|_| queue.task_done().unwrap());
    while_waiting(&mut *queue.join_wait(), || queue.task_done());
    queue.shut_down(false).unwrap();
    assert!(queue.is_shut_down().unwrap());
    assert_eq!(queue.try_put(&int(4)), Err(Error::QueueShutDown));
    assert_eq!(taken(queue), Some(9));
    assert_eq!(queue.try_get().err(), Some(Error::QueueShutDown));
    assert_eq!(queue.get_wait().attempt(true).err(), Some(Error::QueueShutDown));
}

conform! {
    fn the_first_to_come_is_the_first_to_go(engine) {
        let made = engine.home().create(&Make::Queue { limit: 0, form: Form::Queue }).unwrap();
        let queue = Backed::<RawQueue, dyn Queue>::open(made, Kind::Queue).unwrap();
        a_queue_gives_each_item_once(queue.any(), false);
    }

    fn the_lowest_is_the_first_to_go(engine) {
        let made = engine.home().create(&Make::PriorityQueue { limit: 0 }).unwrap();
        let queue = Backed::<RawPriorityQueue, dyn Queue>::open(made, Kind::PriorityQueue).unwrap();
        a_queue_gives_each_item_once(queue.any(), true);
    }

    fn waits_that_are_given_up_take_nothing(engine) {
        let made = engine.home().create(&Make::Queue { limit: 0, form: Form::Queue }).unwrap();
        let queue = Backed::<RawQueue, dyn Queue>::open(made, Kind::Queue).unwrap();
        let (queue, given_up) = (queue.any(), AtomicUsize::new(0));
        let consume = |mut state: u32| {
            let mut taken = Vec::new();
            while given_up.load(Ordering::Relaxed) < engine.times() {
                // Each ends somewhere else.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let mut wait = queue.get_wait();
                let item = (0..=state % 3).find_map(|look| {
                    let item = wait.attempt(state >> (8 + look) & 1 == 1).unwrap();
                    if item.is_none() {
                        wait.sleep(Duration::from_micros(u64::from(state >> 16 & 0xff)));
                    }
                    item
                });
                match item {
                    Some(content) => taken.push(number(&content)),
                    None => _ = given_up.fetch_add(1, Ordering::Relaxed),
                }
            }
            taken
        };
        std::thread::scope(|scope| {
            let consumers = [1, 2].map(|seed| {
                let consume = &consume;
                scope.spawn(move || consume(seed))
            });
            let mut put = 0;
            while !consumers.iter().all(ScopedJoinHandle::is_finished) {
                // For some there is an item in time.
                if given_up.load(Ordering::Relaxed) >= 3 * put {
                    assert!(queue.try_put(&int(put as i64)).unwrap());
                    put += 1;
                } else {
                    std::thread::yield_now();
                }
            }
            let mut all: Vec<_> = consumers.into_iter().flat_map(|consumer| consumer.join().unwrap()).collect();
            all.extend(std::iter::from_fn(|| taken(queue)));
            all.sort_unstable();
            assert!(all.into_iter().eq(0..put as i64), "an item was lost, or came twice");
        });
    }

    fn what_an_item_refers_to_lives_as_long_as_it(engine) {
        let home = engine.home();
        let made = home.create(&Make::Queue { limit: 0, form: Form::Queue }).unwrap();
        let backed = Backed::<RawQueue, dyn Queue>::open(made, Kind::Queue).unwrap();
        let queue = backed.any();
        for immediate in [false, true] {
            let inner = home.create(&Make::List).unwrap();
            let id = inner.id();
            queue.try_put(&Encoded::Word(Word::handle(id.number))).unwrap();
            drop(inner);
            assert!(home.open(id).is_ok(), "it went with its handle");
            if immediate {
                queue.shut_down(true).unwrap();
                assert_eq!(queue.unfinished().unwrap(), 1, "the one that was taken");
                // Another engine may take its time to free it.
                continue;
            }
            let taken = queue.try_get().unwrap().unwrap();
            assert!(matches!(&taken, sharevar::Content::Handle(handle) if handle.id() == id));
            drop(taken);
            assert!(home.open(id).is_err(), "it stayed when its item was gone");
        }
    }
}
