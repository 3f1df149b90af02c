//! The list against a `Vec`, small and of several rings.

use crate::engines::{Engine, conform, earlier};
use crate::modeled::{Expected, Made, World, assert_clean, assert_holds, int, made, told, value_of};
use proptest::prelude::*;
use sharevar::engine::{self, Backed, Make, Span};
use sharevar::shm::RawList;
use sharevar::{Error, Kind};
use sharevar_value::{Encoded, Needle, Value};

/// Places are parts of the length, in 65,536ths.
#[derive(Debug, Clone)]
enum Op {
    Push(Made),
    Insert(u16, Made),
    Remove(u16),
    Set(u16, Made),
    Get(u16),
    Extend(Vec<Made>),
    ExtendInts(usize),
    PopFront(usize),
    PopBack(usize),
    InsertFront(usize),
    Reverse,
    TurnRound,
    Repeat(u8),
    Find(u16),
    SortInts(Vec<i64>, bool),
    Replace(u16, u16, Vec<Made>),
    DeleteEveryThird,
    SetEvery(u16, Vec<Made>),
    Slice(u16, u16),
    /// The ends, with a step, of what is read, and then deleted or set.
    Span(Option<i16>, Option<i16>, i8, Option<Vec<Made>>),
    BeyondTheEnds,
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => made().prop_map(Op::Push),
        8 => (any::<u16>(), made()).prop_map(|(place, made)| Op::Insert(place, made)),
        8 => any::<u16>().prop_map(Op::Remove),
        5 => (any::<u16>(), made()).prop_map(|(place, made)| Op::Set(place, made)),
        3 => any::<u16>().prop_map(Op::Get),
        2 => prop::collection::vec(made(), 0..12).prop_map(Op::Extend),
        2 => (0_usize..6000).prop_map(Op::ExtendInts),
        2 => (0_usize..2500).prop_map(Op::PopFront),
        2 => (0_usize..2500).prop_map(Op::PopBack),
        2 => (0_usize..2500).prop_map(Op::InsertFront),
        1 => Just(Op::Reverse),
        1 => Just(Op::TurnRound),
        1 => (1_u8..4).prop_map(Op::Repeat),
        4 => any::<u16>().prop_map(Op::Find),
        1 => (prop::collection::vec(-9_i64..9, 0..9000), any::<bool>()).prop_map(|(ints, reverse)| Op::SortInts(ints, reverse)),
        2 => (any::<u16>(), 0_u16..3000, prop::collection::vec(made(), 0..9)).prop_map(|(at, part, made)| Op::Replace(at, part, made)),
        1 => Just(Op::DeleteEveryThird),
        2 => (any::<u16>(), prop::collection::vec(made(), 0..9)).prop_map(|(at, made)| Op::SetEvery(at, made)),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Op::Slice(from, to)),
        4 => (any::<Option<i16>>(), any::<Option<i16>>(), -4_i8..5, any::<bool>(), prop::collection::vec(made(), 0..9))
            .prop_map(|(start, stop, step, sets, made)| Op::Span(start, stop, step, sets.then_some(made))),
        1 => Just(Op::BeyondTheEnds),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![40 => op(), 1 => Just(Op::Clear)]
}

fn at(place: u16, length: usize) -> usize {
    (usize::from(place) * length) >> 16
}

/// The places of a slice, one by one.
fn places(start: Option<i64>, stop: Option<i64>, step: i64, length: i64) -> Vec<usize> {
    let from_the_end = |end: i64| if end < 0 { end + length } else { end };
    let (mut place, stop) = if step > 0 {
        (start.map_or(0, from_the_end).max(0), stop.map_or(length, from_the_end))
    } else {
        (start.map_or(length, from_the_end).min(length - 1), stop.map_or(-1, from_the_end))
    };
    let mut places = Vec::new();
    while (0..length).contains(&place) && (if step > 0 { place < stop } else { place > stop }) {
        places.push(place as usize);
        place += step;
    }
    places
}

/// By Python's rule, as a list searches: 0 equals 0.0.
#[allow(clippy::float_cmp)] // The rule is about equal numbers, not about near ones.
fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => {
            *float == *int as f64 && *float as i64 == *int
        }
        _ => one == other,
    }
}

fn integer(number: i64) -> (Encoded, Expected) {
    (int(number), Expected::Value(Value::Int(number)))
}

type List = Backed<RawList, dyn engine::List>;

fn create(world: &World) -> List {
    List::open(world.home.create(&Make::List).unwrap(), Kind::List).unwrap()
}

#[allow(clippy::too_many_lines)] // One arm for each operation.
fn apply(world: &World, backed: &List, model: &mut Vec<Expected>, op: &Op, stamp: i64) {
    let list = backed.any();
    let now = list.stamp().unwrap();
    let length = model.len();
    match op {
        Op::Push(made) => {
            let (value, expected, _held) = world.make(made);
            list.push(&value).unwrap();
            model.push(expected);
        }
        Op::Insert(place, made) => {
            let (value, expected, _held) = world.make(made);
            let place = at(*place, length + 1);
            if stamp % 2 == 0 || place == length {
                list.insert(place as i64, &value).unwrap();
            } else {
                list.insert(place as i64 - length as i64, &value).unwrap();
            }
            model.insert(place, expected);
        }
        Op::Remove(place) if length > 0 => {
            let place = at(*place, length);
            let index = if stamp % 2 == 0 { place as i64 } else { place as i64 - length as i64 };
            let got = list.remove(index).unwrap();
            assert_holds(&got, &model.remove(place));
        }
        Op::Set(place, made) if length > 0 => {
            let (value, expected, _held) = world.make(made);
            let place = at(*place, length);
            list.set(place as i64, &value).unwrap();
            model[place] = expected;
        }
        Op::Get(place) if length > 0 => {
            let place = at(*place, length);
            for index in [place as i64, place as i64 - length as i64] {
                assert_holds(&list.get(index).unwrap(), &model[place]);
                if let Some(raw) = backed.shm() {
                    let mut copied = None;
                    let looked =
                        told(raw.look(index, &mut copied), |located| raw.read_located(located).unwrap());
                    assert_holds(&looked.flatten().expect("it is there"), &model[place]);
                }
            }
        }
        Op::Remove(_) | Op::Set(..) | Op::Get(_) | Op::BeyondTheEnds => {
            let length = length as i64;
            assert!(list.get(length).is_err() && list.get(-length - 1).is_err());
            assert!(list.set(length, &int(1)).is_err() && list.remove(length).is_err());
            assert!(list.remove(-length - 1).is_err() && list.get(i64::MIN).is_err());
        }
        Op::Extend(many) => {
            let mut values = Vec::new();
            let mut held = Vec::new();
            for made in many {
                let (value, expected, fresh) = world.make(made);
                values.push(value);
                held.push(fresh);
                model.push(expected);
            }
            list.extend(&values).unwrap();
        }
        Op::ExtendInts(count) => {
            let (values, expected): (Vec<_>, Vec<_>) =
                (0..*count as i64).map(|number| integer(stamp << 20 | number)).unzip();
            list.extend(&values).unwrap();
            model.extend(expected);
        }
        Op::PopFront(count) => {
            for expected in model.drain(..length.min(*count)) {
                assert_holds(&list.remove(0).unwrap(), &expected);
            }
        }
        Op::PopBack(count) => {
            for _ in 0..length.min(*count) {
                assert_holds(&list.remove(-1).unwrap(), &model.pop().unwrap());
            }
        }
        Op::InsertFront(count) => {
            let mut front = Vec::new();
            for number in 0..*count {
                let (value, expected) = integer(stamp << 20 | number as i64);
                list.insert(0, &value).unwrap();
                front.push(expected);
            }
            front.reverse();
            model.splice(0..0, front);
        }
        Op::TurnRound => {
            list.reverse().unwrap();
            model.reverse();
        }
        Op::Repeat(times) => {
            if length < 3000 {
                list.repeat((*times).into()).unwrap();
                *model = std::iter::repeat_n(model.clone(), (*times).into()).flatten().collect();
            }
        }
        Op::Find(place) if length > 0 => {
            let Some(list) = backed.shm() else { return };
            let place = at(*place, length);
            let Expected::Value(wanted) = &model[place] else { return };
            let needle = Needle::new(&wanted.to_encoded().unwrap()).unwrap();
            let (mut next, mut found) = (0, Vec::new());
            loop {
                let piece = list.search(&needle, next, u64::MAX, false).unwrap().unwrap();
                found.extend(
                    piece.found.iter().filter(|found| found.unknown.is_none()).map(|found| found.index),
                );
                next = piece.next;
                if piece.is_last {
                    break;
                }
            }
            let holds_handles = match wanted {
                Value::Tuple(items) => items.iter().any(|item| matches!(item, Value::Handle(_))),
                value => matches!(value, Value::Handle(_)),
            };
            if holds_handles {
                // Only Python compares shared variables.
                assert!(found.is_empty());
                return;
            }
            assert!(found.contains(&(place as u64)), "{wanted} is at {place}, found at {found:?}");
            for (index, expected) in model.iter().enumerate() {
                let equal = matches!(expected, Expected::Value(value) if are_equal(value, wanted));
                assert_eq!(found.contains(&(index as u64)), equal, "{wanted} at {index}");
            }
        }
        Op::Find(_) => {}
        Op::SortInts(ints, reverse) => {
            let Some(list) = backed.shm() else { return };
            let other = RawList::create(list.handle().participant()).unwrap();
            other.extend(&ints.iter().copied().map(int).collect::<Vec<_>>()).unwrap();
            assert!(other.sort(*reverse).unwrap());
            let mut sorted = ints.clone();
            sorted.sort_unstable();
            if *reverse {
                sorted.reverse();
            }
            let got: Vec<_> = other.snapshot().unwrap().0;
            assert_eq!(got.len(), sorted.len());
            got.iter()
                .zip(sorted)
                .for_each(|(got, int)| assert_holds(got, &Expected::Value(Value::Int(int))));
        }
        Op::Reverse => {
            let order: Vec<u64> = (0..length as u64).rev().collect();
            assert!(!list.reorder(&order, earlier(now)).unwrap());
            assert!(list.reorder(&order, now).unwrap());
            model.reverse();
        }
        Op::Replace(place, part, many) => {
            let start = at(*place, length + 1);
            let end = (start + at(*part, length + 1)).min(length);
            let mut values = Vec::new();
            let mut new = Vec::new();
            let mut held = Vec::new();
            for made in many {
                let (value, expected, fresh) = world.make(made);
                values.push(value);
                held.push(fresh);
                new.push(expected);
            }
            let indices: Vec<u64> = (start as u64..end as u64).collect();
            assert!(list.replace(&indices, start as u64, &values, now).unwrap());
            model.splice(start..end, new);
        }
        Op::DeleteEveryThird => {
            let indices: Vec<u64> = (0..length as u64).step_by(3).collect();
            assert!(list.replace(&indices, 0, &[], now).unwrap());
            let mut number = 0;
            model.retain(|_| {
                number += 1;
                (number - 1) % 3 != 0
            });
        }
        Op::SetEvery(place, many) => {
            let Some(list) = backed.shm() else { return };
            let indices: Vec<u64> =
                (at(*place, length + 1)..length).step_by(7).take(many.len()).map(|at| at as u64).collect();
            let mut values = Vec::new();
            let mut held = Vec::new();
            for (made, index) in many.iter().zip(&indices) {
                let (value, expected, fresh) = world.make(made);
                values.push(value);
                held.push(fresh);
                model[*index as usize] = expected;
            }
            assert!(list.set_many(&indices, &values, now).unwrap());
        }
        Op::Slice(from, to) => {
            let (from, to) = (at(*from, length + 1), at(*to, length + 40));
            let span = Span::new(Some(from as i64), Some(to as i64), 1).unwrap();
            let items = list.get_slice(span).unwrap();
            let expected = model.get(from..to.min(length).max(from)).unwrap_or_default();
            assert_eq!(items.len(), expected.len());
            items.iter().zip(expected).for_each(|(item, expected)| assert_holds(item, expected));
        }
        Op::Span(start, stop, step, many) => {
            let [start, stop] = [*start, *stop].map(|end| end.map(i64::from));
            let Some(span) = Span::new(start, stop, (*step).into()) else {
                assert_eq!(*step, 0);
                return;
            };
            let places = places(start, stop, (*step).into(), length as i64);
            let items = list.get_slice(span).unwrap();
            assert_eq!(items.len(), places.len(), "{span:?} of {length}");
            items.iter().zip(&places).for_each(|(item, place)| assert_holds(item, &model[*place]));
            let Some(many) = many else {
                list.delete_slice(span).unwrap();
                let mut number = 0;
                model.retain(|_| {
                    number += 1;
                    !places.contains(&(number - 1))
                });
                return assert_eq!(list.len().unwrap(), model.len() as u64);
            };
            let (mut values, mut new, mut held) = (Vec::new(), Vec::new(), Vec::new());
            for made in many {
                let (value, expected, fresh) = world.make(made);
                values.push(value);
                new.push(expected);
                held.push(fresh);
            }
            if *step == 1 {
                list.set_slice(span, &values).unwrap();
                let start = span.places(length as u64).start() as usize;
                model.splice(start..start + places.len(), new);
            } else if values.len() == places.len() {
                list.set_slice(span, &values).unwrap();
                places.into_iter().zip(new).for_each(|(place, new)| model[place] = new);
            } else {
                let (found, asked) = (places.len() as u64, values.len() as u64);
                assert_eq!(list.set_slice(span, &values), Err(Error::WrongLength { found, asked }));
            }
        }
        Op::Clear => {
            list.clear().unwrap();
            model.clear();
        }
    }
    assert_eq!(list.len().unwrap(), model.len() as u64);
}

fn run(engine: Engine, ops: &[Op], begin_with: usize) {
    let world = World::of(engine.home());
    let list = create(&world);
    let mut model = Vec::new();
    if begin_with > 0 {
        apply(&world, &list, &mut model, &Op::ExtendInts(begin_with), 0);
        assert!(model.len() > 3 * 4096);
    }
    for (number, op) in ops.iter().enumerate() {
        apply(&world, &list, &mut model, op, number as i64 + 1);
    }
    let items = list.any().get_slice(Span::ALL).unwrap();
    assert_eq!(items.len(), model.len());
    items.iter().zip(&model).for_each(|(item, expected)| assert_holds(item, expected));
    for index in (0..model.len()).step_by(model.len() / 97 + 1) {
        assert_holds(&list.any().get(index as i64).unwrap(), &model[index]);
    }
    world.assert_clean("after the sequence");
    drop((list, items));
    world.end();
}

fn config(engine: Engine) -> ProptestConfig {
    ProptestConfig {
        cases: engine.cases(),
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

conform! {
    fn from_nothing(engine) {
        proptest!(config(engine), |(ops in prop::collection::vec(any_op(), 1..60))| run(engine, &ops, 0));
    }

    fn of_several_rings(engine) {
        proptest!(config(engine), |(ops in prop::collection::vec(op(), 1..60))| run(engine, &ops, 13_000));
    }

    // Where a float is as rare as 0.0 among any floats, a property meets it once in some hundred runs.
    fn equal_numbers_of_two_kinds_are_found(engine) {
        let zeros = [Made::Float(0.0), Made::Int(0), Made::Float(-0.0), Made::Int(1), Made::Float(0.5)];
        let mut ops: Vec<_> = zeros.into_iter().map(Op::Push).collect();
        ops.extend((0..5).map(|place| Op::Find(place * (u16::MAX / 5) + 9)));
        run(engine, &ops, 0);
    }

    // A whole list of rings is taken away from each end.
    fn emptied_from_the_front_and_from_the_back(engine) {
        for front in [true, false] {
            let world = World::of(engine.home());
            let backed = create(&world);
            let list = backed.any();
            let values: Vec<_> = (0..13_000).map(int).collect();
            list.extend(&values).unwrap();
            for number in 0..13_000 {
                let got = list.remove(if front { 0 } else { -1 }).unwrap();
                let expected = if front { number } else { 12_999 - number };
                assert_eq!(value_of(&got), Value::Int(expected));
            }
            world.assert_clean("when it is empty");
            list.push(&int(1)).unwrap();
            list.insert(0, &int(0)).unwrap();
            assert_eq!(value_of(&list.get(1).unwrap()), Value::Int(1));
            world.assert_clean("when it is filled again");
            drop(backed);
            world.end();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tuples_and_texts_are_sorted(
        numbers in prop::collection::vec(-40_i64..40, 0..400),
        start in 0..3,
        is_long in any::<bool>(),
        reverse in any::<bool>(),
    ) {
        let mut numbers = numbers;
        // As they come, or in order, or in the opposite one.
        if start > 0 {
            numbers.sort_unstable();
        }
        if start > 1 {
            numbers.reverse();
        }
        let repeats = if is_long { 50 } else { 1 };
        let numbers: Vec<i64> = numbers.iter().flat_map(|number| vec![*number; repeats]).collect();
        sort_items(numbers.iter().map(|number| (*number, pair(*number / 3))).collect(), |number| number / 3, reverse);
        let equal = numbers.iter().zip(0..).map(|(number, place)| (*number, pair_of_some_form(*number, place)));
        sort_items(equal.collect(), |number| number, reverse);
        let texts = numbers.iter().map(|number| (*number, format!("some item {:02}", number + 40).into()));
        sort_items(texts.collect(), |number| number, reverse);
        let large = numbers.iter().map(|number| (*number, ((i128::from(*number)) << 70).into()));
        sort_items(large.collect(), |number| number, reverse);
    }
}

fn pair(number: i64) -> Value {
    Value::Tuple(vec![(number * 100).into(), "text".into()])
}

/// Equal to the others of the same number, in another form.
fn pair_of_some_form(number: i64, place: i64) -> Value {
    let number = if place % 3 == 0 { (number as f64).into() } else { number.into() };
    Value::Tuple(vec![number, "text".into()])
}

/// Sorts items by their numbers as a list does, and as a `Vec` does, which keeps the order of equal
/// ones, too.
fn sort_items(mut items: Vec<(i64, Value)>, number: fn(i64) -> i64, reverse: bool) {
    let world = World::new();
    let list = RawList::create(world.participant()).unwrap();
    list.extend(&items.iter().map(|(_, item)| item.to_encoded().unwrap()).collect::<Vec<_>>()).unwrap();
    assert!(list.sort(reverse).unwrap());
    items.sort_by_key(|(key, _)| if reverse { -number(*key) } else { number(*key) });
    let got = list.snapshot().unwrap().0;
    assert_eq!(got.len(), items.len());
    got.iter().zip(items).for_each(|(got, (_, item))| assert_holds(got, &Expected::Value(item)));
    drop((got, list));
    assert_clean(world.participant(), "after sorting");
    world.end();
}
