//! serde types, both ways, and as Python sees them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use sharevar_value::{
    DecodeError, EncodeError, Encoded, HandleRef, Value, Word, append_bytes, from_bytes, from_prefix,
    from_word, to_encoded,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    label: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Metres(f64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Line(Point, Point),
    Named { name: String, sides: u8 },
}

/// Bytes as `serde_bytes` passes them.
#[derive(Debug, PartialEq)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

fn value_of<T: Serialize + ?Sized>(value: &T) -> Value {
    match to_encoded(value).unwrap() {
        Encoded::Word(word) => Value::from_word(word).unwrap().unwrap(),
        Encoded::Bytes { bytes, .. } => Value::decode(&bytes).unwrap(),
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    match value.to_encoded().unwrap() {
        Encoded::Word(word) => {
            // The same scalar in a block must read the same.
            let in_block = from_bytes::<T>(&value.encode().unwrap());
            let in_word = from_word(word);
            assert_eq!(in_block.is_ok(), in_word.is_ok());
            in_word
        }
        Encoded::Bytes { bytes, .. } => from_bytes(&bytes),
    }
}

/// Both ways, and how Python shows it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, python: &str) {
    let dynamic = value_of(&value);
    assert_eq!(dynamic.to_string(), python);
    assert_eq!(read::<T>(&dynamic), Ok(value));
}

#[test]
fn scalars() {
    check((), "None");
    check(Unit, "None");
    check(true, "True");
    check(-5_i8, "-5");
    check(i64::MIN, "-9223372036854775808");
    check(u64::MAX, "18446744073709551615");
    check(i128::MIN, "-170141183460469231731687303715884105728");
    check(u128::MAX, "340282366920938463463374607431768211455");
    check(7_u128, "7");
    check(2.5_f64, "2.5");
    check(0.25_f32, "0.25");
    check(f64::MAX, "1.7976931348623157e+308");
    check('é', "'é'");
    check(String::from("short"), "'short'");
    check(String::from("longer than seven"), "'longer than seven'");
    check(Some(3), "3");
    check(None::<i32>, "None");
    check(Metres(1.5), "1.5");
}

#[test]
fn containers() {
    check(vec![1, 2, 3], "[1, 2, 3]");
    check((1, String::from("a"), 2.0), "(1, 'a', 2.0)");
    check([1, 2], "(1, 2)");
    check(Pair(1, "b".into()), "(1, 'b')");
    check(Point { x: 1, label: None }, "{'x': 1, 'label': None}");
    check(BTreeMap::from([(1, vec![true]), (2, vec![])]), "{1: [True], 2: []}");
    check(BTreeMap::from([((1, 2), Some(HandleRef(32)))]), "{(1, 2): <shared variable at 0x20>}");
    check(HashSet::from([5]), "[5]");
    check(Vec::<Option<u8>>::from([None, Some(1)]), "[None, 1]");
    assert_eq!(read::<BTreeSet<i32>>(&Value::Set(vec![1.into(), 2.into()])), Ok(BTreeSet::from([1, 2])));
}

#[test]
fn enums() {
    check(Shape::Empty, "'Empty'");
    check(Shape::Circle(1.0), "{'Circle': 1.0}");
    let point = |x| Point { x, label: Some("p".into()) };
    check(Shape::Line(point(1), point(2)), "{'Line': ({'x': 1, 'label': 'p'}, {'x': 2, 'label': 'p'})}");
    check(Shape::Named { name: "cube".into(), sides: 6 }, "{'Named': {'name': 'cube', 'sides': 6}}");
    check(vec![Shape::Empty, Shape::Circle(0.5)], "['Empty', {'Circle': 0.5}]");
    assert!(read::<Shape>(&Value::Map(vec![])).is_err());
    assert!(read::<Shape>(&Value::from(1)).is_err());
}

#[test]
fn bytes() {
    assert_eq!(value_of(&Blob(vec![1, 2])), Value::Bytes(vec![1, 2]));
    assert_eq!(value_of(&Blob(vec![9; 100])), Value::Bytes(vec![9; 100]));
    assert_eq!(read::<Vec<u8>>(&Value::Bytes(vec![1, 2])), Ok(vec![1, 2]));
    assert_eq!(read::<Vec<u8>>(&Value::Bytes(vec![1; 99])), Ok(vec![1; 99]));
    assert_eq!(read::<[u8; 2]>(&Value::Bytes(vec![1, 2])), Ok([1, 2]));
    assert!(read::<[u8; 2]>(&Value::Bytes(vec![1, 2, 3])).is_err());
}

#[test]
fn words_are_used_where_they_fit() {
    let word = |encoded| match encoded {
        Ok(Encoded::Word(word)) => word,
        other => panic!("{other:?}"),
    };
    assert_eq!(word(to_encoded(&1_i64)), Word(3));
    assert_eq!(word(to_encoded("seven77")), Word::from_short_str("seven77").unwrap());
    assert_eq!(word(to_encoded(&Some(&Metres(0.0)))), Word::ZERO);
    assert_eq!(word(to_encoded(&Shape::Empty)), Word::from_short_str("Empty").unwrap());
    assert_eq!(word(to_encoded(&HandleRef(48))), Word::handle(48));
    assert!(matches!(to_encoded("eight888"), Ok(Encoded::Bytes { .. })));
    assert!(matches!(to_encoded(&f64::NAN), Ok(Encoded::Bytes { .. })));
}

#[test]
fn handles_are_counted() {
    let Encoded::Bytes { bytes, handles } =
        to_encoded(&vec![HandleRef(16), HandleRef(32), HandleRef(16)]).unwrap()
    else {
        panic!("not a block")
    };
    assert_eq!(handles, [16, 32, 16]);
    assert_eq!(from_bytes::<Vec<HandleRef>>(&bytes).unwrap()[1], HandleRef(32));
    assert_eq!(from_bytes::<Vec<u64>>(&bytes), Err(DecodeError::Handle));
    assert_eq!(from_word::<HandleRef>(Word::handle(16)), Ok(HandleRef(16)));
    // An integer is never taken for an offset.
    assert!(read::<HandleRef>(&Value::from(16)).is_err());
    assert!(read::<Vec<HandleRef>>(&Value::List(vec![16.into()])).is_err());
}

#[test]
fn integers_serve_as_floats_only_when_exact() {
    assert_eq!(read::<f64>(&Value::from(3)), Ok(3.0));
    assert_eq!(read::<f64>(&Value::from(1_u64 << 63)), Ok(9_223_372_036_854_775_808.0));
    assert_eq!(read::<f64>(&Value::from(1_i128 << 100)), Ok(2_f64.powi(100)));
    assert_eq!(read::<f64>(&Value::from(i64::MIN)), Ok(-9_223_372_036_854_775_808.0));
    assert!(matches!(read::<f64>(&Value::from((1_i64 << 53) + 1)), Err(DecodeError::OutOfRange { .. })));
    assert!(matches!(read::<f32>(&Value::from((1 << 24) + 1)), Err(DecodeError::OutOfRange { .. })));
    assert_eq!(read::<f32>(&Value::from(0)), Ok(0.0));
    assert!(read::<i64>(&Value::from(1.0)).is_err());
    assert!(read::<u8>(&Value::from(256)).is_err());
    assert!(read::<u64>(&Value::from(-1)).is_err());
}

#[test]
fn what_does_not_fit_is_an_error() {
    assert_eq!(read::<i32>(&Value::Pickle(vec![1])), Err(DecodeError::Pickled));
    assert_eq!(read::<Vec<i32>>(&Value::List(vec![Value::Pickle(vec![1])])), Err(DecodeError::Pickled));
    assert!(read::<(i32, i32)>(&Value::List(vec![1.into(); 3])).is_err());
    assert!(read::<(i32, i32)>(&Value::List(vec![1.into()])).is_err());
    assert!(
        read::<((i32,), i32)>(&Value::List(vec![Value::List(vec![1.into(), 2.into()]), 3.into()])).is_err()
    );
    assert_eq!(from_word::<i32>(Word::ABSENT), Err(DecodeError::NotInline(0)));
    assert_eq!(from_word::<Option<i32>>(Word::block(16)), Err(DecodeError::NotInline(16)));
    assert!(matches!(from_bytes::<i32>(&[1, 2]), Err(DecodeError::Trailing(1))));
    // Fields that a struct does not know are skipped whole, pickles included.
    let wider = Value::Map(vec![
        ("new".into(), Value::List(vec![Value::Map(vec![(1.into(), Value::Pickle(vec![]))])])),
        ("x".into(), 4.into()),
    ]);
    assert_eq!(read::<Point>(&wider), Ok(Point { x: 4, label: None }));
}

#[test]
fn lengths_that_are_unknown_or_wrong() {
    struct Odd(Option<usize>);
    impl Serialize for Odd {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut list = serializer.serialize_seq(self.0)?;
            for value in 0..3 {
                list.serialize_element(&value)?;
            }
            list.end()
        }
    }
    assert_eq!(value_of(&Odd(None)).to_string(), "[0, 1, 2]");
    assert_eq!(value_of(&(Odd(None), 1)).to_string(), "([0, 1, 2], 1)");
    assert_eq!(to_encoded(&Odd(Some(2))), Err(EncodeError::Unbalanced));
    assert_eq!(to_encoded(&Odd(Some(4))), Err(EncodeError::Unbalanced));
}

#[test]
fn text_is_borrowed_from_the_block() {
    let bytes = Value::List(vec!["borrowed text".into()]).encode().unwrap();
    assert_eq!(from_bytes::<Vec<&str>>(&bytes), Ok(vec!["borrowed text"]));
}

fn struct_that_panics(bytes: &mut Vec<u8>) {
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose")
        }
    }
    let appending = std::panic::AssertUnwindSafe(|| append_bytes(&(1, Panics), bytes));
    assert!(std::panic::catch_unwind(appending).is_err());
}

#[test]
fn values_stand_one_behind_the_other() {
    struct Short;
    impl Serialize for Short {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            serializer.serialize_seq(Some(1))?.end()
        }
    }
    let mut bytes = b"before".to_vec();
    append_bytes(&5, &mut bytes).unwrap();
    append_bytes(&("five", [1, 2]), &mut bytes).unwrap();
    let length = bytes.len();
    // A failure leaves no trace: too many elements, too few, or a reference into an arena.
    assert_eq!(append_bytes(&Short, &mut bytes), Err(EncodeError::Unbalanced));
    assert!(matches!(append_bytes(&vec![HandleRef(16)], &mut bytes), Err(EncodeError::Custom(_))));
    assert_eq!((bytes.len(), &bytes[..6]), (length, &b"before"[..]));
    struct_that_panics(&mut bytes);
    assert_eq!(bytes.len(), length);
    let (five, rest) = from_prefix::<u8>(&bytes[6..]).unwrap();
    let (pair, rest) = from_prefix::<(&str, (u8, u8))>(rest).unwrap();
    assert_eq!((five, pair, rest), (5, ("five", (1, 2)), &b""[..]));
    assert!(from_prefix::<u8>(rest).is_err());
}

#[test]
fn depth_is_bounded() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Nested(Vec<Nested>);
    let deep = (0..200).fold(Nested(vec![]), |inner, _| Nested(vec![inner]));
    assert_eq!(to_encoded(&deep), Err(EncodeError::TooDeep));
    assert!(matches!(from_bytes::<Nested>(&[0x91; 1000]), Err(DecodeError::TooDeep)));
}
