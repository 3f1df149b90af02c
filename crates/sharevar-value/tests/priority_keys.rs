//! The keys of priority queues, against the order of values by Python's rule and a rank of classes.

mod any_value;

use any_value::any_scalar;
use proptest::prelude::*;
use sharevar_value::{EncodeError, OrderKeys, Value, priority};
use std::cmp::Ordering;

fn key(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut key = Vec::new();
    priority::write_key(&value.to_encoded().unwrap(), &mut key).map(|()| key)
}

/// Values that share places, so that tuples differ late more often than chance would have it.
fn any_item() -> impl Strategy<Value = Value> {
    let pool: Vec<Value> = vec![
        Value::None,
        true.into(),
        0.into(),
        1.into(),
        (-1).into(),
        1.0.into(),
        1.5.into(),
        f64::NAN.into(),
        f64::NEG_INFINITY.into(),
        (1_i128 << 70).into(),
        "".into(),
        "a".into(),
        "a\0".into(),
        "\u{1}".into(),
        "a longer text".into(),
        Value::Bytes(Vec::new()),
        Value::Bytes(vec![0, 1, 255]),
        Value::Map(Vec::new()),
        Value::Set(Vec::new()),
    ];
    let scalar = prop_oneof![4 => prop::sample::select(pool), 1 => any_scalar()];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        prop_oneof![many.clone().prop_map(Value::List), many.prop_map(Value::Tuple)]
    })
}

/// The order that is documented, by the values. `None` where the order ends: an element has none.
fn order(left: &Value, right: &Value, is_inside: bool) -> Option<Ordering> {
    let (left_rank, right_rank) = (rank(left, is_inside), rank(right, is_inside));
    match (left_rank, right_rank) {
        (None, None) => return None,
        (None, _) => return Some(Ordering::Less),
        (_, None) => return Some(Ordering::Greater),
        _ if left_rank != right_rank => return Some(left_rank.cmp(&right_rank)),
        _ => {}
    }
    match (left, right) {
        (Value::None, Value::None) => Some(Ordering::Equal),
        (Value::Tuple(left), Value::Tuple(right)) | (Value::List(left), Value::List(right)) => {
            for (left, right) in left.iter().zip(right) {
                match order(left, right, true) {
                    Some(Ordering::Equal) => {}
                    other => return other,
                }
            }
            Some(left.len().cmp(&right.len()))
        }
        _ => {
            let (mut keys, mut one, mut other) = (OrderKeys::new(), Vec::new(), Vec::new());
            assert!(keys.add(&left.encode().unwrap(), &mut one));
            assert!(keys.add(&right.encode().unwrap(), &mut other));
            Some(one.cmp(&other))
        }
    }
}

fn rank(value: &Value, is_inside: bool) -> Option<u8> {
    match value {
        Value::None if is_inside => Some(0),
        Value::Float(value) if value.is_nan() => None,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => Some(1),
        Value::Str(_) => Some(2),
        Value::Bytes(_) => Some(3),
        Value::Tuple(_) => Some(4),
        Value::List(_) => Some(5),
        _ => None,
    }
}

/// Whether anything in it is ordered before the first element that is not.
fn has_order(value: &Value, is_inside: bool) -> bool {
    match value {
        Value::Tuple(elements) | Value::List(elements) => {
            elements.first().is_none_or(|first| has_order(first, true))
        }
        value => rank(value, is_inside).is_some(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_are_ordered_as_the_values(left in any_item(), right in any_item()) {
        for value in [&left, &right] {
            prop_assert_eq!(key(value).is_ok(), has_order(value, false), "{}", value);
        }
        if let (Ok(one), Ok(other)) = (key(&left), key(&right)) {
            let expected = order(&left, &right, false).unwrap_or(Ordering::Equal);
            prop_assert_eq!(one.cmp(&other), expected, "{} and {}", left, right);
        }
    }
}

#[test]
fn an_element_without_an_order_ends_the_key() {
    let item = |payload: Value| key(&Value::Tuple(vec![1.into(), payload, 5.into()])).unwrap();
    let dict = || Value::Map(vec![("a".into(), 1.into())]);
    assert_eq!(item(dict()), item(Value::Set(vec![7.into()])));
    assert!(item(Value::List(vec![])).starts_with(&item(dict())));
    assert!(item(dict()) < item(Value::None));
    assert!(key(&Value::Tuple(vec![1.into()])).unwrap() < item(dict()));
}

#[test]
fn what_has_no_order_is_refused_by_its_name() {
    let refused = |value: Value| match key(&value) {
        Err(EncodeError::NoOrder { class }) => class,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Value::None), "None");
    assert_eq!(refused(Value::Map(vec![])), "dict");
    assert_eq!(refused(f64::NAN.into()), "NaN");
    assert_eq!(refused(Value::Tuple(vec![Value::Set(vec![]), 1.into()])), "set");
    assert_eq!(refused(Value::Handle(4096)), "shared variable");
}
