//! Values whose bytes say whether they are whole, and what stands for them in a model.
#![allow(dead_code)] // Each test binary uses a part.

use proptest::prelude::*;
use sharevar::engine::{Backed, Cell, Home, Make};
use sharevar::shm::{self, Content, KINDS, Located, Look, RawValue};
use sharevar::{Handle, Kind, Participant, Variable};
use sharevar_value::{Encoded, HashSeed, Key, ShortKey, Value, Word};
use std::sync::Arc;

pub(crate) fn arena() -> Arc<Participant> {
    Participant::create_arena(Some(512 << 20), KINDS).unwrap()
}

pub(crate) fn int(value: i64) -> Encoded {
    Encoded::Word(Word::from_int(value).unwrap())
}

/// A text of `length` bytes that follow from `stamp`.
pub(crate) fn text(length: usize, stamp: u64) -> String {
    let head = format!("{length:08}:{stamp:016x}:");
    let letters =
        (0..).map(|place: u64| char::from(b'a' + ((stamp ^ place).wrapping_mul(0x9e37) >> 8) as u8 % 26));
    head.chars().chain(letters).take(length).collect()
}

/// Whether `found` is a whole text that was made with [`text`].
pub(crate) fn is_whole(found: &str) -> bool {
    let Some((length, rest)) = found.split_once(':') else { return false };
    let Some((stamp, _)) = rest.split_once(':') else { return false };
    match (length.parse::<usize>(), u64::from_str_radix(stamp, 16)) {
        (Ok(length), Ok(stamp)) => length == found.len() && text(length, stamp) == found,
        _ => false,
    }
}

pub(crate) fn assert_clean(participant: &Participant, when: &str) {
    participant.flush_releases().unwrap();
    let report = participant.check();
    assert!(report.is_clean(), "{when}: {report:#?}");
}

/// Asserts that only the chunks of references are left, as when no participant holds anything.
pub(crate) fn assert_empty(participant: &Participant) {
    assert_clean(participant, "at the end");
    let report = participant.check();
    assert_eq!(report.variables, 0, "variables are left");
    assert!(report.blocks <= 8, "{} blocks are left", report.blocks);
    assert!(report.bytes <= 8 * 256, "{} bytes are left", report.bytes);
}

/// The value in a content; a handle is its header's offset.
pub(crate) fn value_of(content: &Content) -> Value {
    match content {
        Content::Word(word) => Value::from_word(*word).unwrap().unwrap_or(Value::None),
        Content::Bytes(bytes, _) => Value::decode(bytes).unwrap(),
        Content::Handle(handle) => Value::Handle(handle.id().number),
        Content::Long(long) => Value::decode(&long.load().unwrap().0).unwrap(),
    }
}

/// A value to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Made {
    Int(i64),
    Float(f64),
    Text(usize, u64),
    /// A handle on one of the variables that the test holds.
    Target(usize),
    /// A list of texts and handles on them.
    Nested(Vec<usize>, usize),
    /// A handle on a variable of its own, which holds the number.
    Fresh(i64),
}

/// The content that a look tells of, of which `read` reads one that it has only located; `None` if it
/// tells nothing.
#[allow(clippy::option_option)] // The outer one is of the look, the inner one of the value.
pub(crate) fn told(look: Look<'_>, read: impl FnOnce(Located) -> Option<Content>) -> Option<Option<Content>> {
    Some(match look {
        Look::Word(word) => Some(Content::Word(word)),
        Look::Bytes(bytes) => Some(Content::Bytes(bytes.to_vec(), Vec::new())),
        Look::There(located) => Some(read(located).expect("it was not changed")),
        Look::Absent => None,
        Look::Unknown => return None,
    })
}

/// The expected content of a container.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    Value(Value),
    Fresh(i64),
}

pub(crate) fn made() -> impl Strategy<Value = Made> {
    prop_oneof![
        4 => any::<i64>().prop_map(Made::Int),
        1 => any::<f64>().prop_filter("equal to itself", |float| !float.is_nan()).prop_map(Made::Float),
        3 => (0_usize..80, any::<u64>()).prop_map(|(length, stamp)| Made::Text(length, stamp)),
        2 => (80_usize..5000, any::<u64>()).prop_map(|(length, stamp)| Made::Text(length, stamp)),
        1 => (5000_usize..100_000, any::<u64>()).prop_map(|(length, stamp)| Made::Text(length, stamp)),
        2 => (0_usize..TARGETS).prop_map(Made::Target),
        1 => (prop::collection::vec(0_usize..TARGETS, 0..4), 0_usize..300).prop_map(|(t, l)| Made::Nested(t, l)),
        1 => any::<i32>().prop_map(|number| Made::Fresh(number.into())),
    ]
}

pub(crate) const TARGETS: usize = 4;

/// A home of variables, and those in it that values refer to.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) targets: Vec<Handle>,
}

impl World {
    /// In shared memory.
    pub(crate) fn new() -> Self {
        Self::of(Home::Shm(arena()))
    }

    pub(crate) fn of(home: Home) -> Self {
        let targets = (0..TARGETS).map(|_| home.create(&Make::Value(&int(0))).unwrap()).collect();
        Self { home, targets }
    }

    /// Of a world in shared memory.
    pub(crate) fn participant(&self) -> &Arc<Participant> {
        let Home::Shm(participant) = &self.home else { panic!("{:?} is no arena", self.home) };
        participant
    }

    /// The value to store, what to expect of it, and what must be held until it is stored.
    pub(crate) fn make(&self, made: &Made) -> (Encoded, Expected, Option<Handle>) {
        let number = |target: usize| self.targets[target].id().number;
        let value = match made {
            Made::Int(value) => Value::Int(*value),
            Made::Float(value) => Value::Float(*value),
            Made::Text(length, stamp) => Value::Str(text(*length, *stamp)),
            Made::Target(target) => Value::Handle(number(*target)),
            Made::Nested(targets, length) => {
                let mut items: Vec<_> = targets.iter().map(|target| Value::Handle(number(*target))).collect();
                items.push(Value::Str(text(*length, 1)));
                Value::Tuple(items)
            }
            Made::Fresh(held) => {
                let fresh = self.home.create(&Make::Value(&Value::Int(*held).to_encoded().unwrap())).unwrap();
                let handle = Encoded::Word(Word::handle(fresh.id().number));
                return (handle, Expected::Fresh(*held), Some(fresh));
            }
        };
        (value.to_encoded().unwrap(), Expected::Value(value), None)
    }

    /// Where an engine can be looked at for contradictions.
    pub(crate) fn assert_clean(&self, when: &str) {
        if let Home::Shm(participant) = &self.home {
            assert_clean(participant, when);
        }
    }

    pub(crate) fn end(self) {
        let Self { home, targets } = self;
        match &home {
            Home::Shm(participant) => {
                participant.flush_releases().unwrap();
                for target in &targets {
                    let references = participant.references_to(target.shm().unwrap().variable());
                    assert_eq!(references, 1, "a reference is left");
                }
                drop(targets);
                assert_empty(participant);
            }
            Home::Other(engine) => {
                assert_eq!(engine.count().unwrap(), TARGETS as u64, "a variable is left");
                drop(targets);
                assert_eq!(engine.count().unwrap(), 0, "a reference is left");
            }
        }
    }
}

pub(crate) fn assert_holds(content: &Content, expected: &Expected) {
    match (content, expected) {
        (content, Expected::Value(value)) => assert_eq!(value_of(content), *value),
        (Content::Handle(handle), Expected::Fresh(number)) => {
            let fresh = Backed::<RawValue, dyn Cell>::open(handle.clone(), Kind::Value).unwrap();
            assert_eq!(value_of(&fresh.any().get().unwrap().unwrap()), Value::Int(*number));
        }
        (content, Expected::Fresh(_)) => panic!("{content:?} is no handle"),
    }
}

/// Key number `number`: of every form, some of them equal to others, some long.
pub(crate) fn key(number: usize, seed: &HashSeed) -> Key {
    let small = (number / 10) as i64;
    let tuple = |head: Value| Value::Tuple(vec![head, Value::Int(small)]);
    match number % 10 {
        0 => Key::from_int(small, seed),
        1 => Key::from_float(small as f64, seed),
        2 => Key::from_bool(small % 2 == 1, seed),
        3 => Key::from_str(&format!("key {small}"), seed).unwrap(),
        // 29 to 41 bytes with their headers: about the longest that stand in the entry.
        4 => Key::from_str(&"k".repeat(28 + number / 10), seed).unwrap(),
        5 => Key::from_bytes(&text(100 + number, 3).into_bytes(), seed).unwrap(),
        6 => Key::from_value(&tuple(Value::Float(2.0)), seed).unwrap(),
        7 => Key::from_value(&tuple(Value::Int(2)), seed).unwrap(),
        8 => Key::opaque(text(4 + small as usize * 20, 9).as_bytes(), [1, small as u64], seed).unwrap(),
        _ => Key::from_value(&tuple(Value::Str(text(60, 5))), seed).unwrap(),
    }
}

/// The short form of the key of that number, if it has one.
pub(crate) fn short_key(number: usize, seed: &HashSeed) -> Option<ShortKey> {
    let small = number / 10;
    match number % 10 {
        0 => Some(ShortKey::from_int(small as i64, seed)),
        3 => ShortKey::from_str(&format!("key {small}"), seed),
        4 => ShortKey::from_str(&"k".repeat(28 + small), seed),
        _ => None,
    }
}

/// Opens a handle on a variable that a participant holds, for another one.
pub(crate) fn open(participant: &Arc<Participant>, variable: Variable) -> shm::Handle {
    shm::Handle::open(participant, variable).unwrap()
}
