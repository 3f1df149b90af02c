//! The operations of the containers, each with what it must have done.

use super::{Facts, Operation, World, block, handle_to};
use crate::modeled::{int, text};
use sharevar::engine::Stamp;
use sharevar::shm::{RawArray, RawDict, RawList, RawValue, ShortBlock};
use sharevar_value::{Encoded, Key, Needle, ShortKey, Value, Word};

fn keys(world: &World, count: u64) {
    for number in 0..count {
        world.mortal.dict.insert(&world.mortal.key(number), &int(number as i64)).unwrap();
    }
}

fn items(world: &World, count: i64) {
    let items: Vec<_> = (0..count).map(int).collect();
    world.mortal.list.extend(&items).unwrap();
}

/// Strs that are not in order.
fn texts(count: u64) -> Vec<Encoded> {
    (0..count).map(|number| Value::Str(text(40, count - number)).to_encoded().unwrap()).collect()
}

fn take(world: &World, index: i64) {
    drop(world.mortal.list.remove(index).unwrap());
}

fn set(world: &World, number: u64, value: &Encoded) {
    world.mortal.dict.insert(&world.mortal.key(number), value).unwrap();
}

fn short_key(world: &World, number: u64) -> ShortKey {
    ShortKey::from_str(&format!("k{number}"), world.mortal.dict.seed()).unwrap()
}

fn overwrite(world: &World, number: u64, value: &Encoded) -> bool {
    ShortBlock::of(value).is_some_and(|value| world.mortal.dict.overwrite(&short_key(world, number), &value))
}

/// Puts a word in on the fast path.
fn put_word(world: &World, number: u64) {
    assert!(world.mortal.dict.put_word(&short_key(world, number), Word::from_int(77).unwrap()));
}

/// Takes a word out on the fast path.
fn take_word(world: &World, number: u64) {
    let taken = world.mortal.dict.take_word(&short_key(world, number));
    assert_eq!(taken, Word::from_int(number as i64));
}

fn put(world: &World, index: i64, value: &Encoded) {
    world.mortal.list.insert(index, value).unwrap();
}

pub(super) fn nested(world: &World) -> Encoded {
    let target = world.mortal.target.handle().variable().header();
    Value::Tuple(vec![Value::Handle(target), Value::Str(text(50, 1)), Value::Handle(target)])
        .to_encoded()
        .unwrap()
}

const BUCKETS: usize = 0;
const BUCKET_COUNT: usize = 1;
const ENTRIES: usize = 2;
const LENGTH: usize = 3;
const USED: usize = 4;
const FREE: usize = 5;
const ROOT: usize = 0;
const LIST_LENGTH: usize = 1;
const GAP: usize = 2;
const PLACES: usize = 3;

fn longer(before: &Facts, after: &Facts) -> bool {
    after.dict[LENGTH] == before.dict[LENGTH] + 1
}

fn shorter(before: &Facts, after: &Facts) -> bool {
    after.dict[LENGTH] + 1 == before.dict[LENGTH] && after.dict[FREE] != before.dict[FREE]
}

pub(super) fn blocks(by: i64) -> impl Fn(&Facts, &Facts) -> bool {
    move |before, after| after.blocks as i64 == before.blocks as i64 + by
}

fn list_longer(before: &Facts, after: &Facts) -> bool {
    after.list[LIST_LENGTH] == before.list[LIST_LENGTH] + 1
}

fn list_shorter(before: &Facts, after: &Facts) -> bool {
    after.list[LIST_LENGTH] + 1 == before.list[LIST_LENGTH]
}

fn same_ring(before: &Facts, after: &Facts) -> bool {
    before.list[ROOT] == after.list[ROOT]
}

fn has_directory(facts: &Facts) -> bool {
    facts.list[ROOT] & 1 == 1
}

macro_rules! operations {
    (@changes) => { true };
    (@changes same) => { false };
    ($($all:ident: $($name:literal $(($same:tt))? : $prepare:expr, $run:expr, $effect:expr;)*)*) => {
        $(pub(crate) const $all: &[Operation] = &[$(Operation {
            name: $name,
            prepare: $prepare,
            run: $run,
            changes: operations!(@changes $($same)?),
            effect: $effect,
        }),*];)*
    };
}

/// A key that only Python can compare. Without an identity of its own: it is read back as a value,
/// and looked for by that.
fn opaque(world: &World, number: u64) -> Key {
    let pickle = vec![7; 10 + 10 * number as usize];
    Key::opaque(&pickle, [0; 2], world.mortal.dict.seed()).unwrap()
}

operations! {
    DICT:
    "dict: first key": |_| {}, |w| set(w, 0, &int(1)), |b, a| b.dict[BUCKETS] == 0 && longer(b, a);
    "dict: set-new, integer": |w| keys(w, 3), |w| set(w, 7, &int(1)), |b, a| longer(b, a) && b.dict[ENTRIES] == a.dict[ENTRIES];
    "dict: set-new, block": |w| keys(w, 3), |w| set(w, 7, &block(1)), |b, a| longer(b, a) && blocks(1)(b, a);
    "dict: a block is overwritten": |w| { keys(w, 3); set(w, 1, &block(1)); },
        |w| assert!(overwrite(w, 1, &block(2))), blocks_0;
    "dict: a block is overwritten by a shorter value": |w| { keys(w, 3); set(w, 1, &block(1)); },
        |w| assert!(overwrite(w, 1, &Value::Str(text(50, 2)).to_encoded().unwrap())), blocks_0;
    "dict: a block with handles is not overwritten" (same): |w| { keys(w, 3); set(w, 1, &nested(w)); },
        |w| assert!(!overwrite(w, 1, &block(2)) && !overwrite(w, 2, &block(2)) && !overwrite(w, 9, &block(2))), blocks_0;
    "dict: a word is put in": |w| keys(w, 3), |w| put_word(w, 7), |b, a| longer(b, a) && b.dict[ENTRIES] == a.dict[ENTRIES];
    "dict: a word is put in, into a free entry": |w| { keys(w, 6); take_word(w, 2); take_word(w, 4); },
        |w| put_word(w, 9), |b, a| longer(b, a) && b.dict[USED] == a.dict[USED] && b.dict[FREE] != a.dict[FREE];
    "dict: a word is put in, a bucket is split": |w| keys(w, 9), |w| put_word(w, 9),
        |b, a| longer(b, a) && b.dict[ENTRIES] == a.dict[ENTRIES] && b.dict[BUCKET_COUNT] + 1 == a.dict[BUCKET_COUNT];
    "dict: a word is put in, where one is": |w| keys(w, 5), |w| put_word(w, 2), |b, a| b.dict == a.dict && b.blocks == a.blocks;
    "dict: a word is not put in where memory is needed, or a block is" (same): |w| { keys(w, 8); set(w, 1, &block(1)); },
        |w| [1, 8].into_iter().for_each(|number| {
            assert!(!w.mortal.dict.put_word(&short_key(w, number), Word::from_int(77).unwrap()));
            assert_eq!(w.mortal.dict.take_word(&short_key(w, 1)), None);
            assert_eq!(w.mortal.dict.take_word(&short_key(w, 8)), Some(Word::ABSENT));
        }), blocks_0;
    "dict: the first word is taken out": |w| keys(w, 5), |w| take_word(w, 0), shorter;
    "dict: a word is taken out in the middle": |w| keys(w, 5), |w| take_word(w, 2), shorter;
    "dict: the last word is taken out": |w| keys(w, 5), |w| take_word(w, 4), shorter;
    "dict: the only word is taken out": |w| keys(w, 1), |w| take_word(w, 0), shorter;
    "dict: set-new, long key": |w| keys(w, 3),
        |w| w.mortal.dict.insert(&w.mortal.long_key(1), &int(1)).unwrap(), |b, a| longer(b, a) && blocks(1)(b, a);
    "dict: set-new, original kept": |w| keys(w, 3),
        |w| {
            let key = Value::Tuple(vec![Value::Float(1.0), Value::Bool(true)]);
            w.mortal.dict.insert(&Key::from_value(&key, w.mortal.dict.seed()).unwrap(), &int(1)).unwrap();
        }, |b, a| longer(b, a) && blocks(1)(b, a);
    "dict: set-new, opaque key": |w| keys(w, 3),
        |w| assert!(w.mortal.dict.insert_compared(&opaque(w, 1), &block(1), w.mortal.dict.keys_stamp().ok()).unwrap()),
        |b, a| a.dict[LENGTH] == b.dict[LENGTH] + (1 << 32 | 1) && blocks(2)(b, a);
    "dict: set-new, opaque key that was not compared (rolls back)" (same): |w| keys(w, 3),
        |w| assert!(!w.mortal.dict.insert_compared(&opaque(w, 1), &block(1), None).unwrap()),
        |b, a| b.dict == a.dict && b.blocks == a.blocks;
    "dict: delete, opaque key": |w| { keys(w, 3); w.mortal.dict.insert(&opaque(w, 1), &block(1)).unwrap(); },
        |w| drop(w.mortal.dict.remove(&opaque(w, 1)).unwrap().unwrap()),
        |b, a| a.dict[LENGTH] == b.dict[LENGTH] - (1 << 32 | 1) && blocks(-2)(b, a);
    "dict: update of 20 compared items": |w| { keys(w, 5); w.mortal.dict.insert(&opaque(w, 0), &block(1)).unwrap(); },
        |w| {
            let item = |number: u64| {
                (if number.is_multiple_of(3) { opaque(w, number) } else { w.mortal.key(number) }, int(number as i64))
            };
            let items: Vec<_> = (0..20).map(item).collect();
            assert!(w.mortal.dict.update_compared(&items, w.mortal.dict.keys_stamp().ok()).unwrap());
        }, |b, a| a.dict[LENGTH] == (7 << 32) + 22 && b.dict[LENGTH] == (1 << 32) + 6;
    "dict: the 9th key, entries grow": |w| keys(w, 8), |w| set(w, 8, &block(1)),
        |b, a| longer(b, a) && b.dict[ENTRIES] != a.dict[ENTRIES] && b.dict[BUCKETS] != a.dict[BUCKETS];
    "dict: a bucket is split": |w| keys(w, 9), |w| set(w, 9, &int(1)),
        |b, a| longer(b, a) && b.dict[ENTRIES] == a.dict[ENTRIES] && b.dict[BUCKET_COUNT] + 1 == a.dict[BUCKET_COUNT];
    "dict: set-new into a free entry": |w| {
            keys(w, 6);
            w.mortal.dict.remove(&w.mortal.key(2)).unwrap();
            w.mortal.dict.remove(&w.mortal.key(4)).unwrap();
        }, |w| set(w, 9, &block(1)), |b, a| longer(b, a) && b.dict[USED] == a.dict[USED] && b.dict[FREE] != a.dict[FREE];
    "dict: set-new, long key, into a free entry": |w| {
            keys(w, 6);
            w.mortal.dict.insert(&w.mortal.long_key(2), &block(2)).unwrap();
            w.mortal.dict.remove(&w.mortal.long_key(2)).unwrap();
        }, |w| w.mortal.dict.insert(&w.mortal.long_key(1), &block(1)).unwrap(), |b, a| longer(b, a) && b.dict[USED] == a.dict[USED];
    "dict: integer to integer": |w| keys(w, 5), |w| set(w, 2, &int(77)), |b, a| b.dict == a.dict && b.blocks == a.blocks;
    "dict: block to block": |w| { keys(w, 5); set(w, 2, &block(1)); }, |w| set(w, 2, &block(2)), blocks_0;
    "dict: integer to block": |w| keys(w, 5), |w| set(w, 2, &block(2)), |b, a| blocks(1)(b, a);
    "dict: block to integer": |w| { keys(w, 5); set(w, 2, &block(1)); }, |w| set(w, 2, &int(77)), |b, a| blocks(-1)(b, a);
    "dict: handle to integer": |w| {
            keys(w, 5);
            set(w, 2, &fresh_kept(w));
            w.own.borrow_mut().clear();
            w.mortal.participant.flush_releases().unwrap();
        }, |w| { set(w, 2, &int(77)); w.mortal.participant.reap().unwrap(); }, |b, a| b.variables == a.variables + 1;
    "dict: integer to handle": |w| keys(w, 5), |w| set(w, 2, &handle_to(w.mortal.target.handle())), blocks_0;
    "dict: nested handles to nested handles": |w| { keys(w, 5); set(w, 2, &nested(w)); },
        |w| set(w, 2, &Value::List(vec![Value::Handle(w.mortal.target.handle().variable().header()); 3]).to_encoded().unwrap()), blocks_0;
    "dict: delete the first": |w| keys(w, 5), |w| drop(w.mortal.dict.remove(&w.mortal.key(0)).unwrap().unwrap()), shorter;
    "dict: delete in the middle": |w| keys(w, 5), |w| drop(w.mortal.dict.remove(&w.mortal.key(2)).unwrap().unwrap()), shorter;
    "dict: delete the last": |w| keys(w, 5), |w| drop(w.mortal.dict.remove(&w.mortal.key(4)).unwrap().unwrap()), shorter;
    "dict: delete the only one": |w| keys(w, 1), |w| drop(w.mortal.dict.remove(&w.mortal.key(0)).unwrap().unwrap()), shorter;
    "dict: delete, block and long key": |w| {
            keys(w, 5);
            w.mortal.dict.insert(&w.mortal.long_key(1), &block(1)).unwrap();
        }, |w| drop(w.mortal.dict.remove(&w.mortal.long_key(1)).unwrap().unwrap()), |b, a| shorter(b, a) && blocks(-2)(b, a);
    "dict: discard, block and long key": |w| {
            keys(w, 5);
            w.mortal.dict.insert(&w.mortal.long_key(1), &block(1)).unwrap();
        }, |w| assert!(w.mortal.dict.discard(&w.mortal.long_key(1)).unwrap()), |b, a| shorter(b, a) && blocks(-2)(b, a);
    "dict: increment of a new one": |w| keys(w, 5), |w| { w.mortal.dict.increment(&w.mortal.key(9), 3).unwrap(); }, longer;
    "dict: increment of an old one": |w| keys(w, 5), |w| { w.mortal.dict.increment(&w.mortal.key(2), 3).unwrap(); }, |b, a| b.dict == a.dict;
    "dict: get_or_insert, new": |w| keys(w, 5),
        |w| drop(w.mortal.dict.get_or_insert(&w.mortal.key(9), &block(3)).unwrap()), longer;
    "dict: get_or_insert, there (rolls back)" (same): |w| keys(w, 5),
        |w| drop(w.mortal.dict.get_or_insert(&w.mortal.key(2), &block(3)).unwrap()), |b, a| b.dict == a.dict && b.blocks == a.blocks;
    "dict: pop_last": |w| keys(w, 5), |w| drop(w.mortal.dict.pop_last().unwrap()), shorter;
    "dict: clear": |w| { keys(w, 20); set(w, 2, &block(1)); },
        |w| { w.mortal.dict.clear().unwrap(); w.mortal.participant.flush_releases().unwrap(); },
        |b, a| a.dict[LENGTH] == 0 && a.dict[ENTRIES] == 0 && b.variables == a.variables;
    "dict: update of 20 items": |w| { keys(w, 5); set(w, 2, &block(1)); },
        |w| {
            let item = |number: u64| {
                let value = if number.is_multiple_of(2) { block(number) } else { int(number as i64) };
                (if number.is_multiple_of(5) { w.mortal.long_key(number) } else { w.mortal.key(number) }, value)
            };
            w.mortal.dict.update(&(0..20).map(item).collect::<Vec<_>>()).unwrap();
        }, |b, a| a.dict[LENGTH] > b.dict[LENGTH] + 10 && b.dict[ENTRIES] != a.dict[ENTRIES];
    "dict: update built aside": |_| {},
        |w| {
            let items: Vec<_> = (0..4100).map(|number| (w.mortal.key(number), int(number as i64))).collect();
            assert!(items.len() > RawDict::MAX_ATOMIC_UPDATE);
            w.mortal.dict.update(&items).unwrap();
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| a.dict[LENGTH] == 4100 && b.variables == a.variables;
    "dict: entries beyond one segment": |w| keys(w, 512), |w| set(w, 512, &block(1)),
        |b, a| b.dict[ENTRIES] & 1 == 0 && a.dict[ENTRIES] & 1 == 1;
    "dict: both directories": |w| keys(w, 4096), |w| set(w, 4096, &block(1)),
        |b, a| b.dict[ENTRIES] & 1 == 1 && b.dict[ENTRIES] != a.dict[ENTRIES]
            && b.dict[BUCKETS] & 1 == 0 && a.dict[BUCKETS] & 1 == 1;
    "dict: a handle that no other holds goes in and out": |w| keys(w, 5),
        |w| {
            set(w, 9, &fresh_kept(w));
            w.own.borrow_mut().clear();
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| a.variables == b.variables + 1;
    "dict: the last reference to a variable is deleted": |w| {
            keys(w, 5);
            set(w, 2, &fresh_kept(w));
            w.own.borrow_mut().clear();
            w.mortal.participant.flush_releases().unwrap();
        }, |w| {
            drop(w.mortal.dict.remove(&w.mortal.key(2)).unwrap().unwrap());
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| a.variables + 1 == b.variables;
    "dict: one that dies is taken away" (same): |w| {
            let dict = RawDict::create(&w.mortal.participant).unwrap();
            for number in 0..150 {
                let key = if number % 3 == 0 { w.mortal.long_key(number) } else { w.mortal.key(number) };
                let value = if number % 4 == 0 { block(number) } else { nested(w) };
                dict.insert(&key, &value).unwrap();
            }
            w.own.borrow_mut().push(dict.handle().clone());
            drop(dict);
            w.mortal.participant.flush_releases().unwrap();
        }, |w| { w.own.borrow_mut().clear(); w.mortal.participant.flush_releases().unwrap(); },
        |b, a| a.variables + 1 == b.variables && a.blocks + 150 < b.blocks;

    LIST:
    "list: first item": |_| {}, |w| w.mortal.list.push(&int(1)).unwrap(), |b, a| b.list[ROOT] == 0 && list_longer(b, a);
    "list: append an integer": |w| items(w, 5), |w| w.mortal.list.push(&int(1)).unwrap(), |b, a| same_ring(b, a) && list_longer(b, a);
    "list: append a block": |w| items(w, 5), |w| w.mortal.list.push(&block(1)).unwrap(), |b, a| list_longer(b, a) && blocks(1)(b, a);
    "list: append, the ring grows": |w| items(w, 8), |w| w.mortal.list.push(&int(1)).unwrap(), |b, a| !same_ring(b, a) && a.list[PLACES] == 16;
    "list: append, a directory begins": |w| items(w, 4096), |w| w.mortal.list.push(&int(1)).unwrap(),
        |b, a| !has_directory(b) && has_directory(a);
    "list: append, another ring": |w| items(w, 8192), |w| w.mortal.list.push(&int(1)).unwrap(), |b, a| same_ring(b, a) && blocks(1)(b, a);
    "list: append, the directory grows": |w| items(w, 65_536), |w| w.mortal.list.push(&int(1)).unwrap(),
        |b, a| has_directory(b) && !same_ring(b, a) && a.list[PLACES] == 32;
    "list: insert at the front": |w| items(w, 20), |w| put(w, 0, &int(77)), |b, a| same_ring(b, a) && list_longer(b, a);
    "list: insert near the front": |w| items(w, 20), |w| put(w, 5, &block(77)), |b, a| same_ring(b, a) && a.list[GAP] != b.list[GAP];
    "list: insert near the end": |w| items(w, 20), |w| put(w, 15, &block(77)), |b, a| same_ring(b, a) && a.list[GAP] == b.list[GAP];
    "list: insert, the ring is copied": |w| items(w, 3000), |w| put(w, 1400, &int(77)), |b, a| !same_ring(b, a) && list_longer(b, a);
    "list: insert, a directory begins": |w| items(w, 4096), |w| put(w, 100, &int(77)), |b, a| !has_directory(b) && has_directory(a);
    "list: insert at the front of rings": |w| items(w, 9000), |w| put(w, 0, &int(77)), |b, a| has_directory(b) && list_longer(b, a);
    "list: insert near the front of rings": |w| { items(w, 9000); put(w, 0, &int(5)); }, |w| put(w, 4200, &int(77)), list_longer;
    "list: insert near the end of rings": |w| items(w, 9000), |w| put(w, 8000, &int(77)), |b, a| same_ring(b, a) && list_longer(b, a);
    "list: insert in the middle of rings": |w| items(w, 12_400), |w| put(w, 6300, &int(77)), |b, a| list_longer(b, a);
    "list: pop at the front": |w| items(w, 20), |w| take(w, 0), list_shorter;
    "list: pop in the middle": |w| { items(w, 20); put(w, 9, &block(1)); }, |w| take(w, 9), |b, a| list_shorter(b, a) && blocks(-1)(b, a);
    "list: pop at the end": |w| items(w, 20), |w| take(w, -1), list_shorter;
    "list: pop the only one": |w| items(w, 1), |w| take(w, 0), list_shorter;
    "list: pop at the front of rings": |w| items(w, 9000), |w| take(w, 0), list_shorter;
    "list: pop near the front of rings": |w| items(w, 9000), |w| take(w, 4100), list_shorter;
    "list: pop near the end of rings": |w| items(w, 9000), |w| take(w, 8000), list_shorter;
    "list: pop, the last ring goes": |w| items(w, 8193), |w| take(w, -1), |b, a| list_shorter(b, a) && blocks(-1)(b, a);
    "list: pop, the first ring goes": |w| { items(w, 9000); (0..4095).for_each(|_| take(w, 0)); }, |w| take(w, 0),
        |b, a| list_shorter(b, a) && b.list[GAP] == 4095 && a.list[GAP] == 0;
    "list: extend": |w| items(w, 5), |w| w.mortal.list.extend(&mixed(20)).unwrap(), |b, a| a.list[LIST_LENGTH] == b.list[LIST_LENGTH] + 20;
    "list: extend over the end of a ring": |w| items(w, 8185), |w| w.mortal.list.extend(&mixed(20)).unwrap(),
        |b, a| a.list[LIST_LENGTH] == b.list[LIST_LENGTH] + 20 && blocks(11)(b, a);
    "list: reorder": |w| w.mortal.list.extend(&mixed(50)).unwrap(),
        |w| { let order: Vec<u64> = (0..50).rev().collect(); assert!(w.mortal.list.reorder(&order, w.mortal.list.stamp()).unwrap()); }, |b, a| !same_ring(b, a);
    "list: reorder rings": |w| items(w, 5000),
        |w| { let order: Vec<u64> = (0..5000).rev().collect(); assert!(w.mortal.list.reorder(&order, w.mortal.list.stamp()).unwrap()); }, |b, a| !same_ring(b, a);
    "list: reverse rings": |w| items(w, 5000), |w| w.mortal.list.reverse().unwrap(), |b, a| !same_ring(b, a);
    "list: sort": |w| { w.mortal.list.extend(&texts(50)).unwrap(); w.mortal.list.sort(false).unwrap(); },
        |w| assert!(w.mortal.list.sort(true).unwrap()), |b, a| !same_ring(b, a);
    "list: repeat": |w| w.mortal.list.extend(&mixed(20)).unwrap(), |w| w.mortal.list.repeat(3).unwrap(),
        |b, a| a.list[LIST_LENGTH] == 3 * b.list[LIST_LENGTH];
    "list: discard": |w| w.mortal.list.extend(&mixed(20)).unwrap(), |w| w.mortal.list.discard(9).unwrap(), list_shorter;
    "list: remove what was found": |w| w.mortal.list.extend(&texts(20)).unwrap(), |w| {
        let list = &w.mortal.list;
        let needle = Needle::new(&texts(20)[9]).unwrap();
        let piece = list.search(&needle, 0, u64::MAX, true).unwrap().unwrap();
        assert!(list.remove_found(piece.found[0].index, piece.found[0].word, piece.stamp).unwrap());
    }, list_shorter;
    "list: remove under the long lock, by what was found before an own change": |w| w.mortal.list.extend(&texts(20)).unwrap(), |w| {
        let list = &w.mortal.list;
        let _long = list.handle().participant().long_lock(list.handle().variable()).unwrap();
        let needle = Needle::new(&texts(20)[9]).unwrap();
        let piece = list.search(&needle, 0, u64::MAX, true).unwrap().unwrap();
        assert!(list.remove_found(piece.found[0].index, piece.found[0].word, Stamp::new(piece.stamp.changes() - 1)).unwrap());
    }, list_shorter;
    "list: replace": |w| w.mortal.list.extend(&mixed(50)).unwrap(),
        |w| assert!(w.mortal.list.replace(&[10, 11, 12, 13], 10, &[block(5), nested(w)], w.mortal.list.stamp()).unwrap()), |b, a| !same_ring(b, a);
    "list: replace all by nothing": |w| w.mortal.list.extend(&mixed(50)).unwrap(), |w| {
        let all: Vec<u64> = (0..50).collect();
        assert!(w.mortal.list.replace(&all, 0, &[], w.mortal.list.stamp()).unwrap());
        w.mortal.participant.flush_releases().unwrap();
    }, |_, a| a.list[..4] == [0; 4];
    "list: set_many": |w| w.mortal.list.extend(&mixed(50)).unwrap(),
        |w| assert!(w.mortal.list.set_many(&[10, 13, 16, 19], &[int(5), block(6), nested(w), int(8)], w.mortal.list.stamp()).unwrap()), same_ring;
    "list: integer to integer": |w| items(w, 20), |w| w.mortal.list.set(7, &int(-7)).unwrap(), same_ring;
    "list: integer to block": |w| items(w, 20), |w| w.mortal.list.set(7, &block(7)).unwrap(), |b, a| blocks(1)(b, a);
    "list: block to block": |w| w.mortal.list.extend(&mixed(20)).unwrap(), |w| w.mortal.list.set(8, &block(7)).unwrap(), blocks_0;
    "list: block to handle": |w| w.mortal.list.extend(&mixed(20)).unwrap(),
        |w| w.mortal.list.set(8, &handle_to(w.mortal.target.handle())).unwrap(), |b, a| blocks(-1)(b, a);
    "list: clear": |w| w.mortal.list.extend(&mixed(50)).unwrap(),
        |w| { w.mortal.list.clear().unwrap(); w.mortal.participant.flush_releases().unwrap(); }, |_, a| a.list[..4] == [0; 4];
    "list: one that dies is taken away" (same): |w| {
            let list = RawList::create(&w.mortal.participant).unwrap();
            list.extend(&mixed(150)).unwrap();
            list.extend(&vec![int(1); 4100]).unwrap();
            list.push(&nested(w)).unwrap();
            w.own.borrow_mut().push(list.handle().clone());
            drop(list);
            w.mortal.participant.flush_releases().unwrap();
        }, |w| { w.own.borrow_mut().clear(); w.mortal.participant.flush_releases().unwrap(); },
        |b, a| a.variables + 1 == b.variables && blocks(-79)(b, a);

    CELL:
    "value: word to word": |w| w.mortal.value.set(&int(1)).unwrap(), |w| w.mortal.value.set(&int(2)).unwrap(), blocks_0;
    "value: word to block": |w| w.mortal.value.set(&int(1)).unwrap(), |w| w.mortal.value.set(&block(2)).unwrap(), |b, a| blocks(1)(b, a);
    "value: block to block": |w| w.mortal.value.set(&block(1)).unwrap(), |w| w.mortal.value.set(&block(2)).unwrap(), blocks_0;
    "value: block to large block": |w| w.mortal.value.set(&block(1)).unwrap(),
        |w| w.mortal.value.set(&Value::Str(text(60_000, 1)).to_encoded().unwrap()).unwrap(), |b, a| a.heap.runs == b.heap.runs + 1;
    "value: block to word": |w| w.mortal.value.set(&block(1)).unwrap(), |w| w.mortal.value.set(&int(2)).unwrap(), |b, a| blocks(-1)(b, a);
    "value: nested handles": |w| w.mortal.value.set(&nested(w)).unwrap(),
        |w| w.mortal.value.set(&handle_to(w.mortal.target.handle())).unwrap(), |b, a| blocks(-1)(b, a);
    "value: a list goes in": |_| {},
        |w| {
            let list = RawList::create(&w.mortal.participant).unwrap();
            list.push(&block(1)).unwrap();
            w.mortal.value.set(&handle_to(list.handle())).unwrap();
            drop(list);
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.variables + 1 == a.variables;
    "value: increment": |w| w.mortal.value.set(&int(1)).unwrap(), |w| { w.mortal.value.increment(5).unwrap(); }, blocks_0;
    "value: one is made and dropped" (same): |_| {},
        |w| {
            let value = RawValue::create(&w.mortal.participant).unwrap();
            value.set(&nested(w)).unwrap();
            drop(value);
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.variables == a.variables && b.blocks == a.blocks;
    "array: one is made and dropped" (same): |_| {},
        |w| {
            drop(RawArray::create(&w.mortal.participant, 'd', 8, 1000).unwrap());
            w.mortal.participant.flush_releases().unwrap();
        }, |b, a| b.variables == a.variables && b.blocks == a.blocks;
    "array: an element is stored": |w| w.mortal.array.store(9, 9).unwrap(),
        |w| w.mortal.array.store(9, 10).unwrap(), blocks_0;
    "array: a slice is stored": |w| w.mortal.array.store(9, 9).unwrap(),
        |w| w.mortal.array.store_slice(10, 2, &(1..41).collect::<Vec<_>>()).unwrap(), blocks_0;
    "array: a slice backwards": |w| w.mortal.array.store(9, 9).unwrap(),
        |w| w.mortal.array.store_slice(50, -1, &[1, 2, 3, 4, 5]).unwrap(), blocks_0;
    "array: a long slice is stored": |w| w.mortal.array.store(9, 9).unwrap(),
        |w| w.mortal.array.store_slice(3, 1, &(1..151).collect::<Vec<_>>()).unwrap(), blocks_0;
    "array: a long slice backwards with gaps": |w| w.mortal.array.store(9, 9).unwrap(),
        |w| w.mortal.array.store_slice(199, -2, &(1..96).collect::<Vec<_>>()).unwrap(), blocks_0;
}

pub(super) fn blocks_0(before: &Facts, after: &Facts) -> bool {
    blocks(0)(before, after)
}

/// A handle on a new value that the mortal goes on holding.
pub(super) fn fresh_kept(world: &World) -> Encoded {
    let fresh = RawValue::create(&world.mortal.participant).unwrap();
    fresh.set(&block(8)).unwrap();
    world.own.borrow_mut().push(fresh.handle().clone());
    handle_to(fresh.handle())
}

/// Integers and blocks in turn.
pub(super) fn mixed(count: u64) -> Vec<Encoded> {
    (0..count)
        .map(|number| if number.is_multiple_of(2) { block(number) } else { int(number as i64) })
        .collect()
}

pub(super) use operations;

pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    DICT.iter().chain(LIST).chain(CELL)
}
