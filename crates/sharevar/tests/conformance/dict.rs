//! The dict against a list of pairs in insertion order.

use crate::engines::{Engine, conform, earlier};
use crate::modeled::{Expected, Made, World, assert_holds, int, key, made, short_key, text, told, value_of};
use proptest::prelude::*;
use sharevar::Kind;
use sharevar::engine::{Backed, Handle, Item, Lookup, Make, Map, Selection, Stamp};
use sharevar::shm::{Content, RawDict, ShortBlock};
use sharevar_value::{Encoded, HashSeed, Key, ShortKey, Value};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Op {
    Set(usize, Made),
    Get(usize),
    Remove(usize),
    PopLast,
    Increment(usize, i64),
    GetOrInsert(usize, Made),
    SetIfUnchanged(usize, Made, bool),
    /// With a stamp: none, one of before, or that of now.
    SetCompared(usize, Made, Option<bool>),
    Update(Vec<(usize, Made)>),
    UpdateMany(usize, usize),
    /// Keys that go and keys that come, with a stamp of before or that of now.
    Change(Vec<usize>, Vec<(usize, Made)>, bool),
    Replace(Vec<(usize, Made)>, bool),
    RemoveMany(usize, usize),
    Clear,
}

fn op(keys: usize) -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..keys, made()).prop_map(|(key, made)| Op::Set(key, made)),
        4 => (0..keys).prop_map(Op::Get),
        5 => (0..keys).prop_map(Op::Remove),
        2 => Just(Op::PopLast),
        2 => (0..keys, -5_i64..6).prop_map(|(key, by)| Op::Increment(key, by)),
        3 => (0..keys, made()).prop_map(|(key, made)| Op::GetOrInsert(key, made)),
        1 => (0..keys, made(), any::<bool>()).prop_map(|(key, made, yes)| Op::SetIfUnchanged(key, made, yes)),
        2 => (0..keys, made(), any::<Option<bool>>()).prop_map(|(key, made, now)| Op::SetCompared(key, made, now)),
        2 => prop::collection::vec((0..keys, made()), 0..20).prop_map(Op::Update),
        1 => (1000_usize..3000, 1_usize..700).prop_map(|(from, count)| Op::UpdateMany(from, count)),
        1 => (1000_usize..3000, 1_usize..700).prop_map(|(from, count)| Op::RemoveMany(from, count)),
        2 => (prop::collection::vec(0..keys, 0..9), prop::collection::vec((0..keys, made()), 0..9), any::<bool>())
            .prop_map(|(removed, added, now)| Op::Change(removed, added, now)),
        1 => (prop::collection::vec((0..keys, made()), 0..20), any::<bool>()).prop_map(|(items, now)| Op::Replace(items, now)),
        1 => Just(Op::Clear),
    ]
}

#[derive(Default)]
struct Model(Vec<(Key, Expected)>);

impl Model {
    fn place(&self, key: &Key) -> Option<usize> {
        self.0.iter().position(|(there, _)| there == key)
    }

    fn has_opaque_keys(&self) -> bool {
        self.0.iter().any(|(key, _)| key.is_opaque())
    }

    fn set(&mut self, key: Key, value: Expected) {
        match self.place(&key) {
            Some(place) => self.0[place].1 = value,
            None => self.0.push((key, value)),
        }
    }

    fn update(&mut self, items: Vec<(Key, Expected)>) {
        for (key, value) in items {
            self.set(key, value);
        }
    }
}

fn assert_same(dict: &dyn Map, model: &Model) {
    assert_eq!(dict.len().unwrap(), model.0.len() as u64);
    assert_eq!(dict.has_opaque_keys().unwrap(), model.has_opaque_keys());
    let items = dict.items(true).unwrap();
    assert_eq!(items.len(), model.0.len());
    assert_pages(dict, &items);
    for (item, (key, expected)) in items.iter().zip(&model.0) {
        assert_eq!(item.key, key.to_original().unwrap(), "the order, or a key's form");
        assert_holds(&item.value, expected);
    }
    for (key, expected) in &model.0 {
        assert_holds(&dict.get(key).unwrap().unwrap(), expected);
    }
}

/// The pages of the keys are all of them, each once and in their order.
fn assert_pages(dict: &dyn Map, items: &[Item]) {
    let (mut keys, mut last) = (Vec::new(), None);
    loop {
        let page = dict.page(last).unwrap();
        assert_eq!(page.length, items.len() as u64);
        keys.extend(page.keys);
        last = page.last;
        if last.is_none() {
            break;
        }
    }
    assert!(keys.iter().eq(items.iter().map(|item| &item.key)));
}

/// The keys of a dict, as a process keeps them by [`Map::keys_since`].
#[derive(Default)]
struct Index {
    stamp: Option<u64>,
    keys: BTreeMap<u64, Vec<u8>>,
}

impl Index {
    fn assert_follows(&mut self, dict: &dyn Map, model: &Model, selection: Selection) {
        let new = dict.keys_since(self.stamp, selection).unwrap();
        assert!(new.is_current, "no other process changes the dict");
        assert_eq!((new.stamp, new.length), (dict.keys_stamp().unwrap(), model.0.len() as u64));
        if new.all {
            self.keys.clear();
        }
        self.stamp = Some(new.stamp);
        for (number, key) in new.keys {
            self.keys.insert(number, key.to_key(dict.seed()).unwrap().to_canonical());
        }
        // Entries of keys that are gone may be there still; what is said about others is true.
        let numbers: Vec<u64> = self.keys.keys().copied().collect();
        let (found, stamp) = dict.keys_at(&numbers).unwrap();
        assert_eq!(stamp, new.stamp);
        let live = found.iter().zip(self.keys.values()).filter_map(|(found, known)| {
            let found = found.as_ref()?.to_key(dict.seed()).unwrap();
            (found.to_canonical() == *known).then_some(found)
        });
        let mut live: Vec<_> = live.map(|key| key.to_canonical()).collect();
        let selected = model.0.iter().filter(|(key, _)| selection == Selection::All || key.is_opaque());
        let mut expected: Vec<_> = selected.map(|(key, _)| key.to_canonical()).collect();
        live.sort();
        expected.sort();
        assert_eq!(live, expected);
    }
}

fn assert_optional(got: Option<&Content>, expected: Option<&Expected>) {
    match (got, expected) {
        (Some(got), Some(expected)) => assert_holds(got, expected),
        (None, None) => {}
        other => panic!("{other:?}"),
    }
}

/// The answer of a look is true; and there is one unless a dict has keys that only Python can compare
/// and not this one.
fn assert_looks(dict: &RawDict, key: &ShortKey, expected: Option<&Expected>) {
    let mut copied = None;
    match told(dict.look(key, &mut copied), |located| dict.read_located(located).unwrap()) {
        Some(content) => assert_optional(content.as_ref(), expected),
        None => assert!(expected.is_none() && dict.has_opaque_keys().unwrap(), "nothing of {expected:?}"),
    }
    match dict.has(key) {
        Some(is_there) => assert_eq!(is_there, expected.is_some()),
        None => assert!(expected.is_none() && dict.has_opaque_keys().unwrap()),
    }
}

type Dict = Backed<RawDict, dyn Map>;

/// The state now, or one of before.
fn stamp(dict: &dyn Map, is_now: bool) -> Stamp {
    let now = dict.stamp().unwrap();
    if is_now { now } else { earlier(now) }
}

/// Pairs to be put in, what to expect of them, and what must be held until they are stored.
#[allow(clippy::type_complexity)]
fn pairs(
    world: &World,
    items: &[(usize, Made)],
    seed: &HashSeed,
) -> (Vec<(Key, Encoded)>, Vec<(Key, Expected)>, Vec<Option<Handle>>) {
    let (mut pairs, mut all, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for (number, made) in items {
        let (value, expected, fresh) = world.make(made);
        pairs.push((key(*number, seed), value));
        all.push((key(*number, seed), expected));
        held.push(fresh);
    }
    (pairs, all, held)
}

#[allow(clippy::too_many_lines)] // One arm for each operation.
fn apply(world: &World, backed: &Dict, model: &mut Model, op: &Op) {
    let dict = backed.any();
    let seed = *dict.seed();
    match op {
        Op::Set(number, made) => {
            let (value, expected, _held) = world.make(made);
            let key = key(*number, &seed);
            let is_set = match (backed.shm(), short_key(*number, &seed), &value) {
                (Some(raw), Some(short), Encoded::Word(word)) => raw.put_word(&short, *word),
                (Some(raw), Some(short), value) => {
                    ShortBlock::of(value).is_some_and(|value| raw.overwrite(&short, &value))
                }
                _ => false,
            };
            if !is_set {
                dict.insert(&key, &value).unwrap();
            }
            model.set(key, expected);
        }
        Op::Get(number) => {
            let key = key(*number, &seed);
            let expected = model.place(&key).map(|place| &model.0[place].1);
            assert_optional(dict.get(&key).unwrap().as_ref(), expected);
            assert_eq!(dict.contains(&key).unwrap(), expected.is_some());
            // Of a key that is not there the engine cannot tell whether an opaque one equals it.
            let told = Lookup::of(expected, model.has_opaque_keys());
            let got = dict.get_compared(&key).unwrap();
            assert_eq!(got.clone().map(drop), told.map(drop));
            assert_optional(got.found().as_ref(), expected);
            assert_eq!(dict.contains_compared(&key).unwrap(), told.map(drop));
            let other = crate::modeled::key(number + 1, &seed);
            let both = dict.get_many(&[key.clone(), other.clone()]).unwrap();
            let expected_other = model.place(&other).map(|place| &model.0[place].1);
            for (got, expected) in both.into_iter().zip([expected, expected_other]) {
                assert_eq!(matches!(got, Lookup::Unknown), expected.is_none() && model.has_opaque_keys());
                assert_optional(got.found().as_ref(), expected);
            }
            if let (Some(raw), Some(short)) = (backed.shm(), short_key(*number, &seed)) {
                assert_looks(raw, &short, expected);
            }
        }
        Op::Remove(number) => {
            let key = key(*number, &seed);
            if let (Some(raw), Some(short)) = (backed.shm(), short_key(*number, &seed))
                && let Some(word) = raw.take_word(&short)
            {
                let got = (!word.is_absent()).then_some(Content::Word(word));
                let expected = model.place(&key).map(|place| model.0.remove(place).1);
                return assert_optional(got.as_ref(), expected.as_ref());
            }
            let expected = model.place(&key).map(|place| model.0.remove(place).1);
            let got = dict.remove_compared(&key).unwrap();
            assert_eq!(matches!(got, Lookup::Unknown), expected.is_none() && model.has_opaque_keys());
            assert_optional(got.found().as_ref(), expected.as_ref());
        }
        Op::PopLast => {
            let got = dict.pop_last().unwrap();
            let expected = model.0.pop();
            assert_optional(got.as_ref().map(|item| &item.value), expected.as_ref().map(|(_, value)| value));
            if let (Some(item), Some((key, _))) = (got, expected) {
                assert_eq!(item.key, key.to_original().unwrap());
            }
        }
        Op::Increment(number, by) => {
            let key = key(*number, &seed);
            let old = match model.place(&key).map(|place| &model.0[place].1) {
                None => Some(0),
                Some(Expected::Value(Value::Int(old))) => Some(*old),
                Some(_) => None,
            };
            let sum = old.and_then(|old| old.checked_add(*by));
            let fits = |sum: &i64| (-(1 << 62)..1 << 62).contains(sum);
            if let Some(sum) = sum.filter(fits).filter(|_| old.is_none_or(|old| fits(&old))) {
                let is_told = model.place(&key).is_some() || !(model.has_opaque_keys() || key.is_opaque());
                assert_eq!(dict.increment_compared(&key, *by).unwrap(), is_told.then_some(sum));
                if !is_told {
                    assert_eq!(dict.increment(&key, *by).unwrap(), sum);
                }
                model.set(key, Expected::Value(Value::Int(sum)));
            } else {
                assert!(dict.increment(&key, *by).is_err());
                assert!(dict.increment_compared(&key, *by).is_err());
            }
        }
        Op::GetOrInsert(number, made) => {
            let key = key(*number, &seed);
            let (value, expected, _held) = world.make(made);
            let (got, set) = dict.get_or_insert(&key, &value).unwrap();
            assert_eq!(set, model.place(&key).is_none());
            if set {
                model.set(key.clone(), expected);
            }
            assert_holds(&got, &model.0[model.place(&key).unwrap()].1);
        }
        Op::SetIfUnchanged(number, made, unchanged) => {
            let key = key(*number, &seed);
            let (value, expected, _held) = world.make(made);
            let stamp = stamp(dict, *unchanged);
            assert_eq!(dict.insert_if_unchanged(&key, &value, stamp).unwrap(), *unchanged);
            if *unchanged {
                model.set(key, expected);
            }
        }
        Op::SetCompared(number, made, compared) => {
            let key = key(*number, &seed);
            let (value, expected, _held) = world.make(made);
            let opaque = model.has_opaque_keys();
            assert_eq!(dict.has_opaque_keys().unwrap(), opaque);
            let stamp = dict.keys_stamp().unwrap();
            let stamp = compared.map(|now| if now { stamp } else { stamp.wrapping_sub(1) });
            let is_there = model.place(&key).is_some();
            let may_set = is_there || compared.unwrap_or(!opaque && !key.is_opaque());
            // The same operation in its three forms, of which each is told from the key.
            match key.hash() % 3 {
                0 => assert_eq!(dict.insert_compared(&key, &value, stamp).unwrap(), may_set),
                1 => {
                    let items = [(key.clone(), value)];
                    let is_set = dict.update_compared(&items, stamp).unwrap();
                    assert!(is_set == may_set || is_there, "one that is there may be refused");
                    if !is_set {
                        return;
                    }
                }
                _ => {
                    let got = dict.get_or_insert_compared(&key, &value, stamp).unwrap();
                    assert_eq!(got.as_ref().map(|(_, is_new)| *is_new), may_set.then_some(!is_there));
                    if is_there {
                        return;
                    }
                }
            }
            if may_set {
                model.set(key, expected);
            }
        }
        Op::Update(items) => {
            let (pairs, expected, _held) = pairs(world, items, &seed);
            dict.update(&pairs).unwrap();
            model.update(expected);
        }
        Op::Change(removed, added, unchanged) => {
            let removed: Vec<_> = removed.iter().map(|number| key(*number, &seed)).collect();
            let (pairs, expected, _held) = pairs(world, added, &seed);
            let stamp = stamp(dict, *unchanged);
            assert_eq!(dict.change_if_unchanged(&removed, &pairs, stamp).unwrap(), *unchanged);
            if *unchanged {
                model.0.retain(|(key, _)| !removed.contains(key));
                model.update(expected);
            }
        }
        Op::Replace(items, unchanged) => {
            let (pairs, expected, _held) = pairs(world, items, &seed);
            let stamp = stamp(dict, *unchanged);
            assert_eq!(dict.replace_if_unchanged(&pairs, stamp).unwrap(), *unchanged);
            if *unchanged {
                model.0.clear();
                model.update(expected);
            }
        }
        Op::UpdateMany(from, count) => {
            let pairs: Vec<_> = (*from..from + count)
                .map(|number| (Key::from_int(number as i64, &seed), int(number as i64)))
                .collect();
            dict.update(&pairs).unwrap();
            for (key, _) in pairs {
                let value = Value::decode(&key.to_original().unwrap()).unwrap();
                model.set(key, Expected::Value(value));
            }
        }
        Op::RemoveMany(from, count) => {
            for number in *from..from + count {
                let key = Key::from_int(number as i64, &seed);
                let expected = model.place(&key).map(|place| model.0.remove(place).1);
                assert_optional(dict.remove(&key).unwrap().as_ref(), expected.as_ref());
            }
        }
        Op::Clear => {
            dict.clear().unwrap();
            model.0.clear();
        }
    }
}

fn create(world: &World) -> Dict {
    Dict::open(world.home.create(&Make::Map(Kind::Dict)).unwrap(), Kind::Dict).unwrap()
}

fn run(engine: Engine, ops: &[Op]) {
    let world = World::of(engine.home());
    let dict = create(&world);
    let mut model = Model::default();
    let (mut opaque, mut every) = (Index::default(), Index::default());
    for (number, op) in ops.iter().enumerate() {
        apply(&world, &dict, &mut model, op);
        if number % 3 == 0 {
            opaque.assert_follows(dict.any(), &model, Selection::Opaque);
        }
        if number % 10 == 0 {
            every.assert_follows(dict.any(), &model, Selection::All);
        }
    }
    assert_same(dict.any(), &model);
    world.assert_clean("after the sequence");
    drop(dict);
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
    fn few_keys_that_clash(engine) {
        proptest!(config(engine), |(ops in prop::collection::vec(op(30), 1..120))| run(engine, &ops));
    }

    fn many_keys(engine) {
        proptest!(config(engine), |(ops in prop::collection::vec(op(130), 1..250))| run(engine, &ops));
    }

    fn updates_beyond_one_step(engine) {
        let world = World::of(engine.home());
        let backed = create(&world);
        let dict = backed.any();
        let seed = *dict.seed();
        let items = |numbers: std::ops::Range<i64>, sign: i64| -> Vec<_> {
            numbers.map(|number| (Key::from_int(number, &seed), int(number * sign))).collect()
        };
        // A whole dict that is built aside, and one that is too large for a step and has keys.
        dict.update(&items(0..10_000, 1)).unwrap();
        assert_eq!(dict.len().unwrap(), 10_000);
        dict.update(&items(5_000..15_000, -1)).unwrap();
        assert_eq!(dict.len().unwrap(), 15_000);
        let all = dict.items(true).unwrap();
        assert_pages(dict, &all);
        for (number, item) in all.iter().enumerate() {
            let number = number as i64;
            let expected = if number < 5_000 { number } else { -number };
            assert_eq!(value_of(&item.value), Value::Int(expected));
        }
        world.assert_clean("after the updates");
        drop((backed, all));
        world.end();
    }
}

/// The most items that go in at once, into entries that were used before: the most notes.
#[test]
fn the_largest_update_into_free_entries_fits_the_journal() {
    let world = World::new();
    let dict = RawDict::create(world.participant()).unwrap();
    let seed = *dict.seed();
    let items = |from: usize| -> Vec<(Key, Encoded)> {
        (from..from + RawDict::MAX_ATOMIC_UPDATE)
            .map(|number| (Key::from_str(&format!("{number:030}"), &seed).unwrap(), int(1)))
            .collect()
    };
    dict.insert(&Key::from_int(1, &seed), &int(1)).unwrap();
    dict.update(&items(0)).unwrap();
    for (key, _) in items(0) {
        assert!(dict.remove(&key).unwrap().is_some());
    }
    dict.update(&items(10_000)).unwrap();
    assert_eq!(dict.len().unwrap(), 1 + RawDict::MAX_ATOMIC_UPDATE as u64);
    let blocks: Vec<_> = items(10_000)
        .into_iter()
        .map(|(key, _)| (key, Value::Str(text(100, 1)).to_encoded().unwrap()))
        .collect();
    dict.update(&blocks).unwrap();
    dict.update(&items(10_000)).unwrap();
    world.assert_clean("after the largest updates");
    drop(dict);
    world.end();
}
