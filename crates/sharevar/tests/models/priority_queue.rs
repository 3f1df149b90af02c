//! The priority queue against a sorted model; and what is its own among the typed queues.

use crate::modeled::{self, World, assert_clean, assert_empty, assert_holds, int, made};
use proptest::prelude::*;
use sharevar::shm::{QueueKind, RawPriorityQueue};
use sharevar::{Error, Manager};
use sharevar_value::{EncodeError, Encoded, Value, Word, priority};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

#[derive(Debug, Clone)]
enum Step {
    Put(i64),
    /// So many, whose priorities are drawn from few.
    PutMany(usize, i64),
    Get(usize),
    GetMany(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (-5_i64..5).prop_map(Step::Put),
        2 => (0_usize..3000, 1_i64..200).prop_map(|(count, of)| Step::PutMany(count, of)),
        3 => (1_usize..60).prop_map(Step::Get),
        2 => (0_usize..5000).prop_map(Step::GetMany),
    ]
}

fn item(priority: i64, payload: Value) -> Encoded {
    Value::Tuple(vec![priority.into(), payload]).to_encoded().unwrap()
}

fn number_of(content: &sharevar::shm::Content) -> (i64, i64) {
    match modeled::value_of(content) {
        Value::Tuple(parts) => match parts[..] {
            [Value::Int(priority), Value::Int(number)] => (priority, number),
            _ => panic!("{parts:?}"),
        },
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lowest_comes_first_and_equal_ones_in_order_of_arrival(
        limit in prop_oneof![Just(0_usize), 1_usize..10, 500_usize..2000],
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let world = World::new();
        let queue = RawPriorityQueue::create(world.participant(), limit as u64).unwrap();
        let mut model: BinaryHeap<Reverse<(i64, i64)>> = BinaryHeap::new();
        let mut arrived = 0;
        for step in &steps {
            match step {
                Step::Put(priority) => {
                    let has_room = limit == 0 || model.len() < limit;
                    prop_assert_eq!(queue.try_put(&item(*priority, arrived.into()), false).unwrap(), has_room);
                    if has_room {
                        model.push(Reverse((*priority, arrived)));
                        arrived += 1;
                    }
                }
                Step::PutMany(count, of) => {
                    let all: Vec<_> =
                        (0..*count as i64).map(|number| (number * 7919 % of, arrived + number)).collect();
                    let encoded: Vec<_> =
                        all.iter().map(|(priority, number)| item(*priority, (*number).into())).collect();
                    let mut begun = 0;
                    loop {
                        let count = queue.try_put_many(&encoded[begun..]).unwrap();
                        begun += count;
                        if count == 0 {
                            break;
                        }
                    }
                    let room = if limit == 0 { *count } else { limit.saturating_sub(model.len()) };
                    prop_assert_eq!(begun, room.min(*count));
                    model.extend(all.into_iter().take(begun).map(Reverse));
                    arrived += begun as i64;
                }
                Step::Get(count) => {
                    for _ in 0..*count {
                        let seen = queue.peek().unwrap().as_ref().map(number_of);
                        let found = queue.try_get(false).unwrap().as_ref().map(number_of);
                        prop_assert_eq!(seen, found);
                        prop_assert_eq!(found, model.pop().map(|Reverse(item)| item));
                    }
                }
                Step::GetMany(most) => {
                    let mut found = Vec::new();
                    while found.len() < *most {
                        let left = *most - found.len();
                        if queue.try_get_many(left, &mut found).unwrap() == 0 {
                            break;
                        }
                    }
                    prop_assert_eq!(found.len(), model.len().min(*most));
                    for content in &found {
                        prop_assert_eq!(Some(number_of(content)), model.pop().map(|Reverse(item)| item));
                    }
                }
            }
            prop_assert_eq!(queue.len().unwrap() as usize, model.len());
            assert_clean(world.participant(), "after a step");
        }
        drop(queue);
        world.end();
    }

    /// Values of all kinds, some with variables in them, in the order of their keys.
    #[test]
    fn items_come_in_the_order_of_their_keys(all in prop::collection::vec(made(), 0..30)) {
        let world = World::new();
        let queue = RawPriorityQueue::create(world.participant(), 0).unwrap();
        let mut model = BTreeMap::new();
        for (arrival, made) in all.iter().enumerate() {
            let (encoded, expected, held) = world.make(made);
            let mut key = Vec::new();
            match priority::write_key(&encoded, &mut key) {
                Ok(()) => {
                    prop_assert!(queue.try_put(&encoded, false).unwrap());
                    model.insert((key, arrival), expected);
                }
                Err(error) => {
                    prop_assert_eq!(queue.try_put(&encoded, false), Err(Error::Encode(error)));
                }
            }
            drop(held);
        }
        for expected in model.values() {
            assert_holds(&queue.peek().unwrap().unwrap(), expected);
            assert_holds(&queue.try_get(false).unwrap().unwrap(), expected);
        }
        prop_assert!(queue.try_get(false).unwrap().is_none());
        drop((queue, model));
        world.end();
    }
}

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

#[test]
fn what_has_no_order_is_refused_and_nothing_is_put() {
    let participant = modeled::arena();
    let queue = RawPriorityQueue::create(&participant, 0).unwrap();
    let refused = Err(Error::Encode(EncodeError::NoOrder { class: "None" }));
    assert_eq!(queue.try_put(&Encoded::Word(Word::NONE), false), refused);
    assert_eq!(queue.try_put_many(&[int(1), Encoded::Word(Word::NONE)]), refused.map(usize::from));
    assert_eq!(queue.len(), Ok(0));
}

#[test]
fn a_variable_in_an_item_is_handed_over() {
    let manager = Manager::new().unwrap();
    let queue = manager.priority_queue::<(u8, sharevar::List<i64>)>().unwrap();
    let list = manager.list::<i64>().unwrap();
    list.push(&7).unwrap();
    queue.put(&(2, manager.list().unwrap())).unwrap();
    queue.put(&(1, list)).unwrap();
    assert_eq!(queue.peek().unwrap().unwrap().1.to_vec().unwrap(), [7]);
    assert_eq!(queue.get().unwrap().1.to_vec().unwrap(), [7]);
    assert!(queue.get().unwrap().1.is_empty().unwrap());
    assert_eq!(queue.try_get().unwrap().map(|item| item.0), None);
    queue.shutdown(true).unwrap();
    assert_eq!(queue.peek().unwrap().map(|item| item.0), None);
    assert_eq!(queue.get().map(|item| item.0), Err(Error::QueueShutDown));
}

#[test]
fn one_name_is_one_queue_of_its_kind() {
    let manager = Manager::new().unwrap();
    let queue = manager.named("jobs").bounded_priority_queue::<i64>(2).unwrap();
    queue.put(&3).unwrap();
    queue.put(&-1).unwrap();
    assert!(!queue.try_put(&2).unwrap());
    assert_eq!(manager.named("jobs").priority_queue::<i64>().unwrap().get().unwrap(), -1);
    let other = manager.named("jobs").queue::<i64>();
    assert!(matches!(other, Err(Error::WrongKind { .. })));
    assert!(format!("{queue:?}").starts_with("PriorityQueue("));
}
