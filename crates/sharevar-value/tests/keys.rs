//! Keys against a model of Python's equality.

mod any_value;

use std::cmp::Ordering;

use any_value::{any_scalar, same};
use proptest::prelude::*;
use sharevar_value::key::bytes_of;
use sharevar_value::{Encoder, HandleRef, HashSeed, Key, KeyError, KeyForm, StandardClass, Value, to_key};

const SEED: HashSeed = HashSeed::new(42);

/// Python's `==` on hashable values, NaN apart. Integers of the tests are within i128.
fn python_equal(left: &Value, right: &Value) -> bool {
    if let (Value::Tuple(left), Value::Tuple(right)) = (left, right) {
        return left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| python_equal(left, right));
    }
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => {
            left.partial_cmp(right) == Some(Ordering::Equal) || left.to_bits() == right.to_bits()
        }
        (Value::Float(float), other) | (other, Value::Float(float)) => {
            // An f64 within i128 that casts there and back unchanged is that integer.
            integer(other).is_some_and(|int| {
                float.abs() < 2_f64.powi(126) && float.fract() == 0.0 && *float as i128 == int
            })
        }
        _ => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => left == right,
            (None, None) => left == right,
            _ => false,
        },
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Int(value) => Some(i128::from(*value)),
        Value::BigInt(value) => value.to_i128(),
        _ => None,
    }
}

/// Few different values, many of them equal to one another.
fn close_key() -> impl Strategy<Value = Value> {
    let number = (
        prop::sample::select(vec![0, 1, 2, 7, 8, 15, 16, 31, 32, 52, 53, 54, 62, 63, 64, 65, 80]),
        -1..=1_i128,
        any::<bool>(),
    )
        .prop_map(|(bit, near, negative)| ((1_i128 << bit) + near) * if negative { -1 } else { 1 });
    let leaf = prop_oneof![
        4 => number.clone().prop_map(Value::from),
        4 => number.prop_map(|value| Value::from(value as f64)),
        2 => any::<bool>().prop_map(Value::from),
        1 => prop::sample::select(vec![0.0, -0.0, 0.5, 1e300, f64::INFINITY, f64::NAN]).prop_map(Value::from),
        1 => prop::sample::select(vec!["", "a", "1"]).prop_map(Value::from),
        1 => prop::sample::select(vec![&b""[..], b"a", b"1"]).prop_map(Value::from),
        1 => Just(Value::None),
    ];
    leaf.prop_recursive(3, 6, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::Tuple))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn keys_are_equal_when_python_says_so(left in close_key(), right in close_key()) {
        let (left_key, right_key) = (Key::from_value(&left, &SEED).unwrap(), Key::from_value(&right, &SEED).unwrap());
        prop_assert_eq!(left_key == right_key, python_equal(&left, &right), "{} and {}", left, right);
        if left_key == right_key {
            prop_assert_eq!(left_key.hash(), right_key.hash());
            prop_assert_eq!(left_key.words(), right_key.words());
        }
    }

    #[test]
    fn the_original_comes_back(key in prop_oneof![close_key(), any_scalar()]) {
        let made = Key::from_value(&key, &SEED).unwrap();
        prop_assert!(same(&Value::decode(&made.to_original().unwrap()).unwrap(), &key));
        // The canonical form is a fixed point.
        let canonical = Key::from_encoded(&made.to_canonical(), &SEED).unwrap();
        prop_assert_eq!(canonical.form(), &KeyForm::Canonical);
        prop_assert_eq!(&canonical, &made);
        // The bytes that the arena keeps are enough.
        let original = match made.form() {
            KeyForm::Original(bytes) => bytes.clone(),
            _ => vec![],
        };
        let form = KeyForm::from_tag(made.form().tag(), || original).unwrap();
        let stored = bytes_of(made.words(), made.len());
        prop_assert_eq!(form.restore(&stored).unwrap().into_owned(), made.to_original().unwrap());
    }

    #[test]
    fn short_cuts_agree_with_the_encoder(int: i64, float: f64, text in ".{0,50}", bytes in prop::collection::vec(any::<u8>(), 0..60), bit in 0..64_u32) {
        let int = int >> bit;
        let unsigned = int.cast_unsigned();
        let text = text.as_str();
        for (short_cut, value) in [
            (Key::from_int(int, &SEED), Value::from(int)),
            (Key::from_uint(unsigned, &SEED), Value::from(unsigned)),
            (Key::from_str(text, &SEED).unwrap(), Value::from(text)),
            (Key::from_bytes(&bytes, &SEED).unwrap(), Value::from(&bytes[..])),
            (to_key(&int, &SEED).unwrap(), Value::from(int)),
            (to_key(text, &SEED).unwrap(), Value::from(text)),
            (to_key(&Some(unsigned), &SEED).unwrap(), Value::from(unsigned)),
        ] {
            prop_assert_eq!(short_cut.to_canonical(), value.encode().unwrap());
            prop_assert_eq!(&short_cut, &Key::from_encoded(&value.encode().unwrap(), &SEED).unwrap());
            prop_assert_eq!(short_cut.form(), &KeyForm::Canonical);
            prop_assert_eq!(short_cut.words().len(), short_cut.len().div_ceil(8));
        }
        prop_assert_eq!(Key::from_float(float, &SEED), Key::from_value(&Value::from(float), &SEED).unwrap());
        prop_assert_eq!(to_key(&float, &SEED).unwrap(), Key::from_float(float, &SEED));
    }
}

#[test]
fn what_is_no_key() {
    let unhashable = |value: Value| match Key::from_value(&value, &SEED) {
        Err(KeyError::Unhashable { kind }) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(unhashable(Value::List(vec![])), "list");
    assert_eq!(unhashable(Value::Map(vec![])), "dict");
    assert_eq!(unhashable(Value::Tuple(vec![Value::Set(vec![])])), "set");
    assert_eq!(unhashable(Value::Handle(16)), "shared variable");
    assert!(matches!(to_key(&HandleRef(16), &SEED), Err(KeyError::Unhashable { .. })));
    assert!(matches!(to_key(&vec![1], &SEED), Err(KeyError::Unhashable { kind: "list" })));
    assert_eq!(
        Key::from_value(&Value::Tuple(vec![Value::Pickle(vec![])]), &SEED).unwrap_err(),
        KeyError::OpaquePart
    );
}

#[test]
fn an_opaque_key_equals_itself_only() {
    for pickle in [&b"left"[..], &[7; 500], &vec![7; 70_000]] {
        let key = |identity| Key::opaque(pickle, identity, &SEED).unwrap();
        assert_eq!(key([1, 2]), key([1, 2]));
        assert_ne!(key([1, 2]), key([1, 3]), "two objects of one pickle");
        assert_ne!(key([1, 2]).hash(), key([2, 2]).hash());
        assert_eq!(key([1, 2]).form(), &KeyForm::Opaque);
        assert_eq!(Value::decode(&key([1, 2]).to_original().unwrap()), Ok(Value::Pickle(pickle.to_vec())));
        let read = Key::from_canonical(&key([1, 2]).to_canonical(), KeyForm::Opaque, &SEED);
        assert_eq!((read.hash(), &read), (key([1, 2]).hash(), &key([1, 2])));
    }
    let key = Key::opaque(b"left", [0; 2], &SEED).unwrap();
    assert_eq!(Key::from_value(&Value::Pickle(b"left".to_vec()), &SEED).unwrap(), key);
    assert!(KeyForm::Opaque.restore(b"\xa1a").is_err(), "a str is no opaque key");
    assert!(KeyForm::Opaque.restore(b"\xc7\x02\x07ab").is_err(), "too short for an identity");
}

#[test]
fn standard_objects_differ_by_class_and_state() {
    let key = |class, state: &[u8]| {
        let mut encoder = Encoder::new();
        encoder.standard(class, state).unwrap();
        Key::from_canonical(encoder.as_slice(), KeyForm::Canonical, &SEED)
    };
    assert_eq!(key(StandardClass::Date, b"abc"), key(StandardClass::Date, b"abc"));
    assert_ne!(key(StandardClass::Date, b"abc"), key(StandardClass::Date, b"abd"));
    assert_ne!(key(StandardClass::Date, b"abc"), key(StandardClass::Uuid, b"abc"));
    assert_eq!(key(StandardClass::Date, b"ab").to_canonical(), b"\xc7\x03\x06\x06ab");
}

#[test]
fn a_tuple_is_a_key_from_rust_too() {
    let from_rust = to_key(&(1, "a", None::<i32>), &SEED).unwrap();
    let from_python = Value::Tuple(vec![true.into(), "a".into(), Value::None]);
    assert_eq!(from_rust, Key::from_value(&from_python, &SEED).unwrap());
}
