//! The priority queue against a sorted model.

use crate::engines::{Engine, conform};
use crate::modeled::{self, Made, World, assert_holds, int, made};
use proptest::prelude::*;
use sharevar::engine::{Backed, Home, Make, Queue};
use sharevar::shm::RawPriorityQueue;
use sharevar::{Error, Kind};
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

fn queue(home: &Home, limit: u64) -> Backed<RawPriorityQueue, dyn Queue> {
    let made = home.create(&Make::PriorityQueue { limit }).unwrap();
    Backed::<RawPriorityQueue, dyn Queue>::open(made, Kind::PriorityQueue).unwrap()
}

fn run(engine: Engine, limit: usize, steps: &[Step]) {
    let world = World::of(engine.home());
    let backed = queue(&world.home, limit as u64);
    let queue = backed.any();
    let mut model: BinaryHeap<Reverse<(i64, i64)>> = BinaryHeap::new();
    let mut arrived = 0;
    for step in steps {
        match step {
            Step::Put(priority) => {
                let has_room = limit == 0 || model.len() < limit;
                assert_eq!(queue.try_put(&item(*priority, arrived.into())).unwrap(), has_room);
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
                assert_eq!(begun, room.min(*count));
                model.extend(all.into_iter().take(begun).map(Reverse));
                arrived += begun as i64;
            }
            Step::Get(count) => {
                for _ in 0..*count {
                    let seen = queue.first().unwrap().as_ref().map(number_of);
                    let found = queue.try_get().unwrap().as_ref().map(number_of);
                    assert_eq!(seen, found);
                    assert_eq!(found, model.pop().map(|Reverse(item)| item));
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
                assert_eq!(found.len(), model.len().min(*most));
                for content in &found {
                    assert_eq!(Some(number_of(content)), model.pop().map(|Reverse(item)| item));
                }
            }
        }
        assert_eq!(queue.len().unwrap() as usize, model.len());
        world.assert_clean("after a step");
    }
    drop(backed);
    world.end();
}

/// Values of all kinds, some with variables in them, in the order of their keys.
fn put_all(engine: Engine, all: &[Made]) {
    let world = World::of(engine.home());
    let backed = queue(&world.home, 0);
    let queue = backed.any();
    let mut model = BTreeMap::new();
    for (arrival, made) in all.iter().enumerate() {
        let (encoded, expected, held) = world.make(made);
        let mut key = Vec::new();
        match priority::write_key(&encoded, &mut key) {
            Ok(()) => {
                assert!(queue.try_put(&encoded).unwrap());
                model.insert((key, arrival), expected);
            }
            Err(error) => {
                assert_eq!(queue.try_put(&encoded), Err(Error::Encode(error)));
            }
        }
        drop(held);
    }
    for expected in model.values() {
        assert_holds(&queue.first().unwrap().unwrap(), expected);
        assert_holds(&queue.try_get().unwrap().unwrap(), expected);
    }
    assert!(queue.try_get().unwrap().is_none());
    drop((backed, model));
    world.end();
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() }
}

conform! {
    fn the_lowest_comes_first_and_equal_ones_in_order_of_arrival(engine) {
        let limits = prop_oneof![Just(0_usize), 1_usize..10, 500_usize..2000];
        proptest!(config(), |(limit in limits, steps in prop::collection::vec(step(), 1..25))| {
            run(engine, limit, &steps);
        });
    }

    fn items_come_in_the_order_of_their_keys(engine) {
        proptest!(config(), |(all in prop::collection::vec(made(), 0..30))| put_all(engine, &all));
    }

    fn what_has_no_order_is_refused_and_nothing_is_put(engine) {
        let backed = queue(&engine.home(), 0);
        let queue = backed.any();
        let refused = Err(Error::Encode(EncodeError::NoOrder { class: "None" }));
        assert_eq!(queue.try_put(&Encoded::Word(Word::NONE)), refused);
        assert_eq!(queue.try_put_many(&[int(1), Encoded::Word(Word::NONE)]), refused.map(usize::from));
        assert_eq!(queue.len(), Ok(0));
    }
}
