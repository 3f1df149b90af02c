//! Equality and order by Python's rule, against a model that decodes both sides.

mod any_value;

use any_value::{any_float, any_scalar};
use proptest::prelude::*;
use sharevar_value::{Encoded, Equality, Layout, Needle, OrderKeys, Value};
use std::cmp::Ordering;

/// Values that are equal to one another more often than chance would have it.
fn any_item() -> impl Strategy<Value = Value> {
    let large = (1_i128 << 70, 1_i128 << 64);
    let pool: Vec<Value> = vec![
        Value::None,
        true.into(),
        false.into(),
        0.into(),
        1.into(),
        (-1).into(),
        1000.into(),
        (1_i64 << 53).into(),
        ((1_i64 << 53) + 1).into(),
        (1_i64 << 62).into(),
        i64::MIN.into(),
        u64::MAX.into(),
        (1_u64 << 63).into(),
        large.0.into(),
        (-large.0).into(),
        (large.0 + 1).into(),
        large.1.into(),
        0.0.into(),
        (-0.0).into(),
        1.0.into(),
        1.5.into(),
        1000.0.into(),
        9_007_199_254_740_992.0.into(),
        9_223_372_036_854_775_808.0.into(),
        1_180_591_620_717_411_303_424.0.into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        5e-324.into(),
        1e300.into(),
        "".into(),
        "a".into(),
        "ab".into(),
        "a\0".into(),
        "\u{1}".into(),
        "a longer text".into(),
        "another text!".into(),
        Value::Bytes(b"a".to_vec()),
        Value::Bytes(vec![0, 1, 255]),
        Value::Bytes(b"a longer text".to_vec()),
    ];
    let scalar = prop_oneof![
        6 => prop::sample::select(pool),
        1 => any_scalar(),
        1 => any_float().prop_map(Value::from),
        1 => (-70_000..70_000_i64).prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 20, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => many.clone().prop_map(Value::List),
            3 => many.clone().prop_map(Value::Tuple),
            1 => many.prop_map(|values| Value::Set(distinct(values, |value| value))),
            1 => prop::collection::vec((inner.clone(), inner), 0..4)
                .prop_map(|entries| Value::Map(distinct(entries, |entry| &entry.0))),
        ]
    })
}

/// Removes entries that have a key equal to an earlier one's.
fn distinct<T>(values: Vec<T>, key: impl Fn(&T) -> &Value) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if !kept.iter().any(|other| are_equal(key(other), key(&value))) {
            kept.push(value);
        }
    }
    kept
}

/// The order of an int and a float.
fn compare_int(int: i128, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        return None;
    }
    if !(-LIMIT..LIMIT).contains(&float) {
        return Some(if float < 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    Some(int.cmp(&(float.trunc() as i128)).then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap()))
}

/// The order of two numbers: `Some(None)` with a NaN, `None` if one is no number.
#[allow(clippy::option_option)] // Both are answers, and only here.
fn compare_numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    let int = |value: &Value| match value {
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Int(value) => Some(i128::from(*value)),
        Value::BigInt(value) => value.to_i128(),
        _ => None,
    };
    Some(match (int(left), int(right), left, right) {
        (Some(left), Some(right), ..) => Some(left.cmp(&right)),
        (Some(left), None, _, Value::Float(right)) => compare_int(left, *right),
        (None, Some(right), Value::Float(left), _) => compare_int(right, *left).map(Ordering::reverse),
        (None, None, Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        _ => return None,
    })
}

/// `left == right` in Python, of two objects.
fn are_equal(left: &Value, right: &Value) -> bool {
    if let Some(order) = compare_numbers(left, right) {
        return order == Some(Ordering::Equal);
    }
    match (left, right) {
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| are_equal(left, right))
        }
        (Value::Set(left), Value::Set(right)) => {
            left.len() == right.len()
                && left.iter().all(|left| right.iter().any(|right| are_equal(left, right)))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|left| {
                    right.iter().any(|right| are_equal(&left.0, &right.0) && are_equal(&left.1, &right.1))
                })
        }
        (left, right) => left == right,
    }
}

/// Which is less in Python; `None` if `<` raises, or says no in both directions.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if let Some(order) = compare_numbers(left, right) {
        return order;
    }
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(left.cmp(right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            match left.iter().zip(right).find(|(left, right)| !are_equal(left, right)) {
                Some((left, right)) => compare(left, right),
                None => Some(left.len().cmp(&right.len())),
            }
        }
        _ => None,
    }
}

/// The integers of the model have 128 bits.
fn fits(value: &Value) -> bool {
    match value {
        Value::BigInt(int) => int.to_i128().is_some(),
        Value::List(values) | Value::Tuple(values) | Value::Set(values) => values.iter().all(fits),
        Value::Map(entries) => entries.iter().all(|(key, value)| fits(key) && fits(value)),
        _ => true,
    }
}

fn head(bytes: &[u8]) -> [u8; 8] {
    let mut head = [0; 8];
    let length = bytes.len().min(8);
    head[..length].copy_from_slice(&bytes[..length]);
    head
}

fn word(bytes: &[u8], index: usize) -> Result<u64, ()> {
    bytes.chunks(8).nth(index).map(|bytes| u64::from_le_bytes(head(bytes))).ok_or(())
}

/// All answers that a needle gives about a value.
fn answers(needle: &Value, other: &Value) -> Vec<Equality> {
    let block = Encoded::Bytes { bytes: needle.encode().unwrap(), handles: Vec::new() };
    let mut answers = Vec::new();
    for (needle, is_stored) in [(needle.to_encoded().unwrap(), true), (block, false)] {
        let needle = Needle::new(&needle).unwrap();
        let bytes = other.encode().unwrap();
        answers.extend(needle.glance(head(&bytes), bytes.len() as u64));
        answers.push(needle.equals_bytes(&bytes).unwrap());
        // Words are compared with what would be stored as a word, too.
        if let Some(word) = other.to_word().filter(|_| is_stored) {
            answers.extend(needle.equals_word(word));
        }
        if let Some(layout) = needle.layout().filter(|layout| layout.length() == bytes.len()) {
            answers.extend(layout.equals(|index| word(&bytes, index)).unwrap().map(Equality::from));
        }
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equality_is_pythons(left in any_item(), right in any_item()) {
        prop_assume!(fits(&left) && fits(&right));
        for (left, right) in [(&left, &right), (&left, &left), (&right, &left)] {
            for answer in answers(left, right) {
                prop_assert_eq!(answer, Equality::from(are_equal(left, right)), "{} == {}", left, right);
            }
        }
    }

    #[test]
    fn order_is_pythons(left in any_item(), right in any_item(), others in prop::collection::vec(any_item(), 0..3)) {
        let items: Vec<&Value> = [&left, &right].into_iter().chain(&others).filter(|item| fits(item)).collect();
        for left in &items {
            for right in &items {
                let (mut keys, mut left_key, mut right_key) = (OrderKeys::new(), Vec::new(), Vec::new());
                let (left_bytes, right_bytes) = (left.encode().unwrap(), right.encode().unwrap());
                let are_added = keys.add(&left_bytes, &mut left_key) && keys.add(&right_bytes, &mut right_key);
                if are_added {
                    prop_assert_eq!(Some(left_key.cmp(&right_key)), compare(left, right), "{} < {}", left, right);
                    let layout = Layout::of(&left_bytes);
                    if let Some(order) = layout.and_then(|layout| layout.compare(&left_bytes, &right_bytes)) {
                        prop_assert_eq!(Some(order), compare(left, right), "{} < {}", left, right);
                    }
                }
                if !matches!((left, right), (Value::List(_) | Value::Tuple(_), _)) {
                    prop_assert_eq!(are_added, compare(left, right).is_some(), "{} < {}", left, right);
                }
                if let (Some(left_word), Some(right_word)) = (left.to_word(), right.to_word()) {
                    let (mut keys, mut left_key, mut right_key) = (OrderKeys::new(), Vec::new(), Vec::new());
                    let added = keys.add_word(left_word, &mut left_key)
                        && keys.add_word(right_word, &mut right_key);
                    prop_assert_eq!(added, are_added);
                    if added {
                        prop_assert_eq!(Some(left_key.cmp(&right_key)), compare(left, right));
                    }
                }
            }
        }
    }
}

#[test]
fn tuples_of_one_form_have_an_order() {
    let tuple = |values: &[Value]| Value::Tuple(values.to_vec());
    let items = [
        tuple(&[]),
        tuple(&[(-(1_i128 << 80)).into()]),
        tuple(&[(-1.5).into()]),
        tuple(&[0.into(), "".into()]),
        tuple(&[0.into(), "a".into(), tuple(&[Value::None])]),
        tuple(&[0.into(), "a".into(), tuple(&[Value::None, 1.into()])]),
        tuple(&[0.into(), "a\0".into()]),
        tuple(&[0.into(), "a\0b".into()]),
        tuple(&[0.into(), "ab".into()]),
        tuple(&[true.into(), "a".into()]),
        tuple(&[1.5.into()]),
        tuple(&[(1_i128 << 80).into()]),
        tuple(&[1e300.into()]),
        tuple(&[f64::INFINITY.into()]),
    ];
    let mut keys = OrderKeys::new();
    let mut all = Vec::new();
    for item in &items {
        let mut key = Vec::new();
        assert!(keys.add(&item.encode().unwrap(), &mut key), "{item}");
        all.push(key);
    }
    assert!(all.is_sorted_by(|left, right| left < right));
    for foreign in
        [tuple(&["a".into()]), tuple(&[f64::NAN.into()]), Value::List(vec![]), 1.into(), Value::None]
    {
        assert!(!keys.clone().add(&foreign.encode().unwrap(), &mut Vec::new()), "{foreign}");
    }
}
