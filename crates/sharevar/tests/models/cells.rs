//! Arrays that are stored whole, and what another participant reads while variables of all kinds change.

use crate::modeled::{assert_clean, assert_empty, int, is_whole, open, text, value_of};
use sharevar::Participant;
use sharevar::shm::{Content, CopiedBytes, Look, RawArray, RawDict, RawList, RawValue, ShortBlock};
use sharevar_value::{Encoded, Key, ShortKey, Value, Word};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[test]
fn an_array_of_any_length_is_stored_whole() {
    let participant = crate::modeled::arena();
    let array = RawArray::create(&participant, 'q', 8, 100_000).unwrap();
    let bits: Vec<u64> = (0..100_000).map(|number| number * 7).collect();
    array.store_slice(0, 1, &bits).unwrap();
    assert_eq!(array.load_slice(0, 100_000).unwrap(), bits);
    assert_clean(&participant, "after the store");
    let kept = array.store_slice(0, 1, &bits);
    assert!(kept.is_ok(), "the memory of the first store was not given back: {kept:?}");
}

/// One thread stores slices of equal elements, long and short, and single elements between; what
/// others read is of one moment.
#[test]
fn elements_are_read_as_of_one_moment() {
    let participant = crate::modeled::arena();
    for size in [1, 2, 4, 8] {
        for count in [2, 64, 300] {
            let array = RawArray::create(&participant, 'x', size, count).unwrap();
            let other = participant.join_again().unwrap();
            let handle = open(&other, array.handle().variable());
            let done = Arc::new(AtomicBool::new(false));
            let reader = std::thread::spawn({
                let done = done.clone();
                move || {
                    let array = RawArray::from_handle(handle).unwrap();
                    let mut reads = 0_u64;
                    while !done.load(Ordering::Relaxed) || reads == 0 {
                        let bits = array.load_slice(0, count).unwrap();
                        assert!(bits.iter().all(|bit| *bit == bits[0]), "{size}, {count}: a torn slice");
                        let ends = array.load_octets(count - 1, 1 - count as i64, 2).unwrap();
                        let (last, first) = ends.split_at(size as usize);
                        assert_eq!(first, last, "{size}, {count}: a torn slice with a gap");
                        // Stored before the next is, so never less; unless the number has gone
                        // round between the two looks, which only short elements can.
                        let last = array.load(count - 1).unwrap();
                        let first = array.load(0).unwrap();
                        assert!(size < 4 || first >= last, "{size}, {count}: {last}, then {first}");
                        reads += 1;
                    }
                }
            });
            let until = Instant::now() + Duration::from_millis(60);
            let mut number = 0;
            while Instant::now() < until {
                number += 1;
                array.store_slice(0, 1, &vec![number; count as usize]).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        }
    }
}

/// So long, and until there was enough to be seen, but not for ever.
const SECONDS: f64 = 1.5;
const AT_MOST: Duration = Duration::from_secs(50);
const KEYS: u64 = 24;

/// Variables that one thread changes while others read them.
struct Shared {
    dict: RawDict,
    list: RawList,
    value: RawValue,
}

impl Shared {
    fn create(participant: &Arc<Participant>) -> Self {
        Self {
            dict: RawDict::create(participant).unwrap(),
            list: RawList::create(participant).unwrap(),
            value: RawValue::create(participant).unwrap(),
        }
    }

    fn open(&self, participant: &Arc<Participant>) -> Self {
        let again = |handle: &sharevar::shm::Handle| open(participant, handle.variable());
        Self {
            dict: RawDict::from_handle(again(self.dict.handle())).unwrap(),
            list: RawList::from_handle(again(self.list.handle())).unwrap(),
            value: RawValue::from_handle(again(self.value.handle())).unwrap(),
        }
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Most keys are short; some, of other numbers, are longer than an entry holds.
fn key_of(dict: &RawDict, number: u64) -> Key {
    let long = if number.is_multiple_of(3) { 60 } else { 3 };
    Key::from_str(&format!("{number:0long$}"), dict.seed()).unwrap()
}

/// The key of the same number, or of one beside it that has a short key.
fn short_key_of(dict: &RawDict, number: u64) -> ShortKey {
    let number = if number.is_multiple_of(3) { number + 1 } else { number };
    ShortKey::from_str(&format!("{number:03}"), dict.seed()).unwrap()
}

/// An integer that is 7 modulo 1000, a whole text, or a handle on a value that holds a whole text.
fn some_value(participant: &Arc<Participant>, random: u64) -> (Encoded, Option<RawValue>) {
    let stamp = random >> 8;
    match random % 8 {
        0 | 1 => (int((stamp as i64 % 1_000_000) * 1000 + 7), None),
        2..=4 => (Value::Str(text(26 + stamp as usize % 300, stamp)).to_encoded().unwrap(), None),
        5 => (Value::Str(text(26 + stamp as usize % 9000, stamp)).to_encoded().unwrap(), None),
        _ => {
            let fresh = RawValue::create(participant).unwrap();
            fresh.set(&Value::Str(text(40 + stamp as usize % 100, stamp)).to_encoded().unwrap()).unwrap();
            let handle = fresh.handle().variable().header();
            if random % 8 == 6 {
                return (Encoded::Word(Word::handle(handle)), Some(fresh));
            }
            let tuple = Value::Tuple(vec![Value::Handle(handle), Value::Str(text(50, stamp))]);
            (tuple.to_encoded().unwrap(), Some(fresh))
        }
    }
}

fn assert_whole_value(participant: &Arc<Participant>, value: &Value) {
    match value {
        Value::Int(number) => assert_eq!(number % 1000, 7, "a torn integer"),
        Value::Str(text) => assert!(is_whole(text), "a torn text: {text}"),
        Value::Tuple(items) => items.iter().for_each(|item| assert_whole_value(participant, item)),
        Value::Handle(offset) => {
            let fresh = open(participant, participant.variable_at(*offset).unwrap());
            let content = RawValue::from_handle(fresh).unwrap().get().unwrap().unwrap();
            assert_whole_value(participant, &value_of(&content));
        }
        other => panic!("{other:?} was never stored"),
    }
}

fn assert_whole(participant: &Arc<Participant>, content: &Content) {
    // The handles in `content` keep alive what the value refers to.
    assert_whole_value(participant, &value_of(content));
}

fn change(shared: &Shared, participant: &Arc<Participant>, state: &mut u64) {
    let random = next(state);
    let (value, _held) = some_value(participant, next(state));
    let key = key_of(&shared.dict, random % KEYS);
    let short = short_key_of(&shared.dict, random % KEYS);
    match random >> 8 & 15 {
        0..=2 => shared.dict.insert(&key, &value).unwrap(),
        3 | 4 => {
            let is_set = match &value {
                Encoded::Word(word) => shared.dict.put_word(&short, *word),
                value @ Encoded::Bytes { .. } => {
                    ShortBlock::of(value).is_some_and(|value| shared.dict.overwrite(&short, &value))
                }
            };
            if !is_set && shared.dict.take_word(&short).is_none() {
                shared.dict.insert(&key, &value).unwrap();
            }
        }
        5 => drop(shared.dict.remove(&key).unwrap()),
        6 => {
            for number in 1000..1000 + random % 700 {
                shared.dict.insert(&Key::from_int(number as i64, shared.dict.seed()), &int(7)).unwrap();
            }
        }
        7 if random.is_multiple_of(64) => shared.dict.clear().unwrap(),
        7 | 8 => shared.value.set(&value).unwrap(),
        9 | 10 => shared.list.push(&value).unwrap(),
        11 => shared.list.insert((random % 40) as i64, &value).unwrap(),
        12 if shared.list.len().unwrap() > 40 => {
            for _ in 0..10 {
                // Another writer may have been faster.
                match shared.list.remove((random % 30) as i64) {
                    Ok(content) => assert_whole(participant, &content),
                    Err(error) => {
                        assert!(matches!(error, sharevar::Error::IndexOutOfRange { .. }), "{error}");
                    }
                }
            }
        }
        13 => {
            let (items, changes) = shared.list.slice(0, u64::MAX).unwrap();
            let order: Vec<u64> = (0..items.len() as u64).rev().collect();
            // Another may have changed it meanwhile.
            if let Some(changes) = changes {
                shared.list.reorder(&order, changes).unwrap();
            }
        }
        14 if random.is_multiple_of(32) => shared.list.clear().unwrap(),
        _ if shared.list.len().unwrap() > 0 => {
            // It may be empty by now.
            let _ = shared.list.set(0, &value);
        }
        _ => {}
    }
}

/// Looks for a short key in each of the ways without the lock.
fn look(shared: &Shared, participant: &Arc<Participant>, key: &ShortKey) {
    let dict = &shared.dict;
    let mut copied: Option<CopiedBytes> = None;
    match dict.look(key, &mut copied) {
        Look::Word(word) => assert_whole(participant, &Content::Word(word)),
        Look::Bytes(bytes) => assert_whole_value(participant, &Value::decode(bytes).unwrap()),
        Look::There(located) => {
            if let Some(content) = dict.read_located(located).unwrap() {
                assert_whole(participant, &content);
            }
        }
        Look::Absent | Look::Unknown => {}
    }
    if let Some(word) = dict.get_word(key) {
        assert_whole(participant, &Content::Word(word));
    }
    // No other thread uses this key, and what it is told is certain.
    let absent = ShortKey::from_str("no such key", dict.seed()).unwrap();
    assert_ne!(dict.has(&absent), Some(true), "a key that was never put in");
    dict.has(key);
}

fn read(shared: &Shared, participant: &Arc<Participant>, state: &mut u64) {
    let random = next(state);
    match random >> 8 & 7 {
        0 | 1 => look(shared, participant, &short_key_of(&shared.dict, random % KEYS)),
        2 | 3 => {
            if let Some(content) = shared.dict.get(&key_of(&shared.dict, random % KEYS)).unwrap() {
                assert_whole(participant, &content);
            }
        }
        4 => {
            if let Some(content) = shared.value.get().unwrap() {
                assert_whole(participant, &content);
            }
        }
        5 => match shared.list.get((random % 40) as i64) {
            Ok(content) => assert_whole(participant, &content),
            Err(error) => assert!(matches!(error, sharevar::Error::IndexOutOfRange { .. }), "{error}"),
        },
        6 => {
            for item in shared.dict.items(true).unwrap() {
                Value::decode(&item.key).unwrap();
                assert_whole(participant, &item.value);
            }
        }
        _ => {
            for item in shared.list.slice(0, u64::MAX).unwrap().0 {
                assert_whole(participant, &item);
            }
        }
    }
}

/// A thread that panics ends the others too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Looks on while `goes_on`, for some seconds and until there is `enough`.
fn while_there_is_time(goes_on: impl Fn() -> bool, enough: impl Fn() -> bool) {
    let begin = Instant::now();
    while goes_on() && (begin.elapsed().as_secs_f64() < SECONDS || !enough()) && begin.elapsed() < AT_MOST {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn readers_beside(writers: u64) {
    let participant = crate::modeled::arena();
    let shared = Shared::create(&participant);
    let stop = AtomicBool::new(false);
    let [read_count, change_count] = [AtomicU64::new(0), AtomicU64::new(0)];
    let enough = || [&read_count, &change_count].iter().all(|count| count.load(Ordering::Relaxed) > 100);
    std::thread::scope(|scope| {
        for number in 0..writers + 2 {
            let (participant, shared, stop) = (&participant, &shared, &stop);
            let counter = if number < writers { &change_count } else { &read_count };
            scope.spawn(move || {
                let _stop = Stop(stop);
                let me = participant.join_again().unwrap();
                let shared = shared.open(&me);
                let mut state = number + 1;
                while !stop.load(Ordering::Relaxed) {
                    if number < writers {
                        change(&shared, &me, &mut state);
                    } else {
                        read(&shared, &me, &mut state);
                    }
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&stop);
        while_there_is_time(|| !stop.load(Ordering::Relaxed), enough);
    });
    assert!(enough());
    assert_clean(&participant, "after the changes");
    drop(shared);
    assert_empty(&participant);
}

#[test]
fn nothing_torn_is_read_beside_one_writer() {
    readers_beside(1);
}

#[test]
fn nothing_torn_is_read_beside_two_writers() {
    readers_beside(2);
}

/// Variables in it come and go all the time, places do not: a walk sees each, in order.
#[test]
fn a_walk_beside_dying_variables_is_whole_and_in_order() {
    const PLACES: i64 = 300;
    let participant = crate::modeled::arena();
    let shared = Shared::create(&participant);
    for number in 0..PLACES {
        shared.dict.insert(&Key::from_int(number, shared.dict.seed()), &int(7)).unwrap();
        shared.list.push(&int(number)).unwrap();
    }
    let (begin, stop) = (Instant::now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (participant, shared, stop) = (&participant, &shared, &stop);
            scope.spawn(move || {
                let me = participant.join_again().unwrap();
                let shared = shared.open(&me);
                let mut state = writer;
                while !stop.load(Ordering::Relaxed) {
                    let place = next(&mut state) as i64 % PLACES;
                    let fresh = RawValue::create(&me).unwrap();
                    fresh.set(&int(7)).unwrap();
                    let handle = Encoded::Word(Word::handle(fresh.handle().variable().header()));
                    shared.dict.insert(&Key::from_int(place, shared.dict.seed()), &handle).unwrap();
                    shared.list.set(place, &handle).unwrap();
                    drop(fresh);
                    shared.dict.insert(&Key::from_int(place, shared.dict.seed()), &int(7)).unwrap();
                    shared.list.set(place, &int(place)).unwrap();
                    // Dead variables are freed now, and not at some later operation.
                    me.flush_releases().unwrap();
                }
            });
        }
        let me = participant.join_again().unwrap();
        let shared = shared.open(&me);
        let mut walks = 0;
        let _stop = Stop(&stop);
        while begin.elapsed().as_secs_f64() < SECONDS || walks <= 10 {
            assert!(begin.elapsed() < AT_MOST, "{walks} walks");
            let keys: Vec<_> = shared
                .dict
                .items(true)
                .unwrap()
                .iter()
                .map(|item| Value::decode(&item.key).unwrap())
                .collect();
            assert!(keys.into_iter().eq((0..PLACES).map(Value::Int)), "the keys of a walk");
            let (items, _) = shared.list.slice(0, u64::MAX).unwrap();
            assert_eq!(items.len() as i64, PLACES);
            for (place, item) in items.iter().enumerate() {
                let Content::Word(word) = item else { continue };
                assert_eq!(word.as_int(), Some(place as i64), "an item in a wrong place");
            }
            walks += 1;
        }
    });
    assert_clean(&participant, "after the walks");
    drop(shared);
    assert_empty(&participant);
}
