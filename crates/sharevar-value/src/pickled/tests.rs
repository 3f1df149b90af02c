//! Pickles as Python writes them, and what is near to them.

use super::{CALL_OF_ONE, DATETIME, DECIMAL, Pickled, TIMEZONE, UUID};
use crate::{Equality, Layout, Needle, OrderKeys, Value};
use std::cmp::Ordering;

fn pickle(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [b"\x80\x05\x95", &(body.len() as u64).to_le_bytes()[..], &body].concat()
}

fn date(state: &[u8]) -> Vec<u8> {
    pickle(&[DATETIME, super::DATE, state, CALL_OF_ONE])
}

fn local(state: &[u8]) -> Vec<u8> {
    pickle(&[DATETIME, super::LOCAL, state, CALL_OF_ONE])
}

fn time(state: &[u8]) -> Vec<u8> {
    pickle(&[DATETIME, super::TIME, state, CALL_OF_ONE])
}

/// With the ints of an offset's `timedelta` as pickled, and the pickled name, if there is one.
fn aware(state: &[u8], offset: &[u8], name: Option<&[u8]>) -> Vec<u8> {
    let arguments: &[u8] = if name.is_some() { b"\x94\x86\x94R" } else { b"\x85\x94R" };
    let (name, memo): (&[u8], &[u8]) = (name.unwrap_or(b""), b"\x87\x94R\x94");
    let end = b"\x94\x86\x94R\x94.";
    pickle(&[DATETIME, super::LOCAL, state, TIMEZONE, offset, memo, name, arguments, end])
}

fn delta(ints: &[u8]) -> Vec<u8> {
    pickle(&[DATETIME, b"\x09timedelta\x94\x93\x94", ints, b"\x87\x94R\x94."])
}

fn uuid(int: &[u8]) -> Vec<u8> {
    pickle(&[UUID, int, b"sb."])
}

fn decimal(text: &str) -> Vec<u8> {
    pickle(&[DECIMAL, &[text.len() as u8], text.as_bytes(), CALL_OF_ONE])
}

/// The answer of every way to compare them.
fn equality(left: &[u8], right: &[u8]) -> Equality {
    let needle = Needle::new(&Value::Pickle(left.to_vec()).to_encoded().unwrap()).unwrap();
    let bytes = Value::Pickle(right.to_vec()).encode().unwrap();
    let answer = needle.equals_bytes(&bytes).unwrap();
    if let Some(layout) = needle.layout().filter(|layout| layout.length() == bytes.len()) {
        let word = |index: usize| {
            let mut word = [0; 8];
            let chunk = bytes.chunks(8).nth(index).ok_or(())?;
            word[..chunk.len()].copy_from_slice(chunk);
            Ok::<_, ()>(u64::from_le_bytes(word))
        };
        if let Some(equal) = layout.equals(word).unwrap() {
            assert_eq!(Equality::from(equal), answer);
        }
    }
    answer
}

fn order(left: &[u8], right: &[u8]) -> Option<Ordering> {
    let (left_object, right_object) = (Pickled::read(left)?, Pickled::read(right)?);
    if left_object.class() != right_object.class() {
        return None;
    }
    let (mut left_key, mut right_key) = (Vec::new(), Vec::new());
    left_object.write_order(&mut left_key);
    right_object.write_order(&mut right_key);
    let order = left_key.cmp(&right_key);
    let encode = |pickle: &[u8]| Value::Pickle(pickle.to_vec()).encode().unwrap();
    let (left, right) = (encode(left), encode(right));
    if let Some(by_layout) = Layout::of(&left).and_then(|layout| layout.compare(&left, &right)) {
        assert_eq!(by_layout, order);
    }
    Some(order)
}

/// Each is less than those behind it; one with the same number is equal.
fn are_in_order(objects: &[(u32, Vec<u8>)]) {
    for (left_number, left) in objects {
        for (right_number, right) in objects {
            assert_eq!(order(left, right), Some(left_number.cmp(right_number)), "{left:x?} and {right:x?}");
            assert_eq!(equality(left, right), Equality::from(left_number == right_number));
        }
    }
}

#[test]
fn dates_and_times_are_read_as_they_are_pickled() {
    // pickle.dumps(datetime.date(2020, 1, 2), 5)
    let dumped = b"\x80\x05\x95 \0\0\0\0\0\0\0\x8c\x08datetime\x94\x8c\x04date\x94\x93\x94C\x04\x07\xe4\x01\x02\x94\x85\x94R\x94.";
    assert_eq!(date(b"\x07\xe4\x01\x02"), dumped);
    are_in_order(&[(0, date(b"\x00\x01\x01\x01")), (1, dumped.to_vec()), (2, date(b"\x07\xe4\x02\x01"))]);
    are_in_order(&[
        (0, local(b"\x07\xe4\x01\x02\0\0\0\0\0\0")),
        (1, local(b"\x07\xe4\x01\x02\0\0\0\0\0\x01")),
        // At a fold, which is equal.
        (1, local(b"\x07\xe4\x81\x02\0\0\0\0\0\x01")),
        (2, local(b"\x07\xe4\x02\x01\0\0\0\0\0\0")),
    ]);
    are_in_order(&[
        (0, time(b"\x01\0\0\0\0\0")),
        (1, time(b"\x02\0\0\0\0\x01")),
        (1, time(b"\x82\0\0\0\0\x01")),
        (2, time(b"\x17\0\0\0\0\0")),
    ]);
    are_in_order(&[
        (0, delta(b"J\xff\xff\xff\xffK\x05K\0")),
        (1, delta(b"K\0K\0K\0")),
        (2, delta(b"K\0M\x00\x01K\0")),
        (3, delta(b"J\xff\xc9\x9a;K\0K\0")),
    ]);
}

#[test]
fn datetimes_with_an_offset_are_compared_in_utc() {
    let (utc, east) = (&b"K\0K\0K\0"[..], &b"K\0M\x10\x0eK\0"[..]);
    are_in_order(&[
        (0, aware(b"\x00\x01\x01\x01\0\0\0\0\0\0", east, None)),
        (1, aware(b"\x07\xe3\x0c\x1f\x17\0\0\0\0\0", utc, None)),
        (1, aware(b"\x07\xe4\x01\x01\0\0\0\0\0\0", east, None)),
        (1, aware(b"\x07\xe4\x01\x01\0\0\0\0\0\0", east, Some(b"\x8c\x01x"))),
        (1, aware(b"\x07\xe4\x81\x01\0\0\0\0\0\0", east, Some(b"\x8c\x00"))),
        (2, aware(b"\x07\xe4\x02\x1d\0\0\0\0\0\0", utc, None)),
        (3, aware(b"\x07\xe4\x03\x01\0\0\0\0\0\0", utc, None)),
        (4, aware(b"\x27\x0f\x0c\x1f\0\0\0\0\0\0", utc, None)),
    ]);
    let (naive, aware) =
        (local(b"\x07\xe4\x01\x02\0\0\0\0\0\0"), aware(b"\x07\xe4\x01\x02\0\0\0\0\0\0", utc, None));
    assert_eq!((equality(&naive, &aware), order(&naive, &aware)), (Equality::Different, None));
    assert_eq!(equality(&date(b"\x07\xe4\x01\x02"), &naive), Equality::Different);
}

#[test]
fn uuids_are_compared_as_ints() {
    are_in_order(&[
        (0, uuid(b"K\x01")),
        (1, uuid(b"M\0\x01")),
        (2, uuid(b"J\0\0\x01\0")),
        (3, uuid(b"\x8a\x05\0\0\0\x80\0")),
        (4, uuid(b"\x8a\x10\xff\xee\xdd\xcc\xbb\xaa\x99\x88\x77\x66\x55\x44\x33\x22\x11\x10")),
        (5, uuid(b"\x8a\x10\xfe\xee\xdd\xcc\xbb\xaa\x99\x88\x77\x66\x55\x44\x33\x22\x11\x11")),
        (6, uuid(b"\x8a\x11\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0")),
    ]);
    for other in [&b"J\0\0\x01\x80"[..], b"K\x01u", b"\x8a\x02\0", b"\x8a\x01\x80", b"K", b""] {
        assert_eq!(Pickled::read(&uuid(other)), None, "{other:x?}");
    }
}

#[test]
fn decimals_are_compared_as_numbers() {
    let texts = [
        "-1E+100", "-20", "-11", "-2", "-1.5", "-0.25", "-1E-9", "0", "1E-100", "0.001", "0.01", "0.1",
        "0.25", "1", "1.05", "1.5", "9", "10", "10.5", "11", "100", "1E+50", "1.5E+200",
    ];
    let decimals = texts.iter().zip(0..).map(|(text, number)| (number, decimal(text)));
    are_in_order(&decimals.collect::<Vec<_>>());
    for equal in [
        ["1", "1.0"],
        ["1", "1.000"],
        ["10", "1E+1"],
        ["0", "-0"],
        ["0", "0.00"],
        ["0", "0E+7"],
        ["0.5", "5E-1"],
        ["123", "0123"],
        ["12300", "1.23E+4"],
        ["-2.50", "-2.5"],
        ["0.10", "0.1"],
    ] {
        let [left, right] = equal.map(decimal);
        assert_eq!((equality(&left, &right), order(&left, &right)), (Equality::Equal, Some(Ordering::Equal)));
    }
    for other in ["NaN", "sNaN", "Infinity", "-Infinity", "", "-", "1.2.3", "1E", "E5", "1e5", "1_0"] {
        assert_eq!(Pickled::read(&decimal(other)), None, "{other}");
    }
}

#[test]
fn whatever_is_not_exactly_so_is_left_to_python() {
    let whole = date(b"\x07\xe4\x01\x02");
    for cut in 0..whole.len() {
        assert_eq!(Pickled::read(&whole[..cut]), None);
        let mut damaged = whole.clone();
        damaged[cut] ^= 0x40;
        let is_state = (cut + 10..).take(4).any(|place| place == whole.len());
        assert!(Pickled::read(&damaged).is_none() || is_state || (34..38).contains(&cut), "{cut}");
    }
    assert_eq!(equality(&whole, b"\x80\x05."), Equality::Unknown);
    let needle = Needle::new(&Value::Pickle(b"\x80\x05N.".to_vec()).to_encoded().unwrap()).unwrap();
    assert!(needle.is_any());
    // A decimal may equal a number, but nothing else does.
    let needle = Needle::new(&Value::Pickle(decimal("1")).to_encoded().unwrap()).unwrap();
    assert_eq!(needle.equals_bytes(&Value::from(1).encode().unwrap()), Ok(Equality::Unknown));
    assert_eq!(needle.equals_bytes(&Value::from("1").encode().unwrap()), Ok(Equality::Different));
    let needle = Needle::new(&Value::from(1).to_encoded().unwrap()).unwrap();
    let pickle = |pickle: Vec<u8>| Value::Pickle(pickle).encode().unwrap();
    assert_eq!(needle.equals_bytes(&pickle(decimal("1"))), Ok(Equality::Unknown));
    assert_eq!(needle.equals_bytes(&pickle(whole)), Ok(Equality::Different));
}

/// The order by which a list is sorted, and by their layout if that tells one.
fn sorted_order(left: &[u8], right: &[u8]) -> Option<Ordering> {
    let [left, right] = [left, right].map(|pickle| Value::Pickle(pickle.to_vec()).encode().unwrap());
    let (mut keys, mut left_key, mut right_key) = (OrderKeys::new(), Vec::new(), Vec::new());
    let order = (keys.add(&left, &mut left_key) && keys.add(&right, &mut right_key))
        .then(|| left_key.cmp(&right_key));
    if let Some(by_layout) = Layout::of(&left).and_then(|layout| layout.compare(&left, &right)) {
        assert_eq!(Some(by_layout), order, "{left:x?} and {right:x?}");
    }
    order
}

/// Trees in order; those with the same number are equal.
fn trees_are_in_order(trees: &[(u32, Vec<u8>)]) {
    for (left_number, left) in trees {
        for (right_number, right) in trees {
            assert_eq!(
                sorted_order(left, right),
                Some(left_number.cmp(right_number)),
                "{left:x?} {right:x?}"
            );
            assert_eq!(equality(left, right), Equality::from(left_number == right_number));
        }
    }
}

/// `(date, number)`, or a list of these if the opcodes say so.
fn dated(state: &[u8], number: &[u8]) -> Vec<u8> {
    pickle(&[DATETIME, super::DATE, state, b"\x94\x85\x94R\x94", number, b"\x86\x94."])
}

fn path(class: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut body = [b"\x8c\x07pathlib\x94\x8c", &[class.len() as u8][..], class, b"\x94\x93\x94("].concat();
    for part in parts {
        body.extend([&[0x8c, part.len() as u8][..], part.as_bytes(), b"\x94"].concat());
    }
    pickle(&[&body, b"t\x94R\x94."])
}

#[test]
fn containers_are_compared_by_what_is_in_them() {
    let (early, late) = (b"\x07\xe4\x01\x02", b"\x07\xe4\x02\x01");
    trees_are_in_order(&[
        (0, dated(early, b"J\xfe\xff\xff\xff")),
        (1, dated(early, b"J\xff\xff\xff\xff")),
        (2, dated(early, b"K\x05")),
        (2, dated(early, b"G\x40\x14\0\0\0\0\0\0")),
        (3, dated(early, b"G\x40\x16\0\0\0\0\0\0")),
        (4, dated(early, b"K\xfe")),
        (5, dated(early, b"M\x00\x01")),
        (6, dated(early, b"M\x01\x01")),
        (7, dated(early, b"\x8a\x06\0\0\0\0\0\x01")),
        (8, dated(early, b"\x8a\x06\x01\0\0\0\0\x01")),
        (9, dated(late, b"J\xff\xff\xff\xff")),
    ]);
    let list = |second: &[u8]| {
        let one: &[u8] = b"\x94\x85\x94R\x94h\x03C\x04";
        pickle(&[b"]\x94(", DATETIME, super::DATE, early, one, second, b"\x94\x85\x94R\x94e."])
    };
    trees_are_in_order(&[(0, list(early)), (1, list(late))]);
    // A number and a date have no order, and are not equal.
    let mixed = dated(early, b"\x8c\x01a\x94");
    assert_eq!(
        (sorted_order(&mixed, &dated(early, b"K\x05")), equality(&mixed, &dated(early, b"K\x05"))),
        (None, Equality::Different)
    );
    // pickle.dumps((Decimal("1.5"), 2.5, None, True, 2**40, b"ab", -3, 700, "x", "x"), 5)
    let all = b"\x80\x05\x95J\0\0\0\0\0\0\0(\x8c\x07decimal\x94\x8c\x07Decimal\x94\x93\x94\x8c\x031.5\x94\x85\x94R\x94G@\x04\0\0\0\0\0\0N\x88\x8a\x06\0\0\0\0\0\x01C\x02ab\x94J\xfd\xff\xff\xffM\xbc\x02\x8c\x01x\x94h\x07t\x94.";
    assert_eq!((sorted_order(all, all), equality(all, all)), (Some(Ordering::Equal), Equality::Equal));
    // pickle.dumps((datetime(2020, 1, 2, tzinfo=timezone.utc), UUID(int=5)), 5)
    let all = b"\x80\x05\x95x\0\0\0\0\0\0\0\x8c\x08datetime\x94\x8c\x08datetime\x94\x93\x94C\n\x07\xe4\x01\x02\0\0\0\0\0\0\x94h\0\x8c\x08timezone\x94\x93\x94h\0\x8c\ttimedelta\x94\x93\x94K\0K\0K\0\x87\x94R\x94\x85\x94R\x94\x86\x94R\x94\x8c\x04uuid\x94\x8c\x04UUID\x94\x93\x94)\x81\x94}\x94\x8c\x03int\x94K\x05sb\x86\x94.";
    assert_eq!((sorted_order(all, all), equality(all, all)), (Some(Ordering::Equal), Equality::Equal));
}

#[test]
fn a_container_may_equal_one_that_is_not_pickled() {
    let needle = |value: &Value| Needle::new(&value.to_encoded().unwrap()).unwrap();
    let pickled = Value::Pickle(dated(b"\x07\xe4\x01\x02", b"K\x05"));
    let plain = Value::Tuple(vec![1.into(), 5.into()]);
    let answer = |left: &Value, right: &Value| needle(left).equals_bytes(&right.encode().unwrap()).unwrap();
    assert_eq!(answer(&pickled, &plain), Equality::Unknown);
    assert_eq!(answer(&plain, &pickled), Equality::Unknown);
    let head = plain.encode().unwrap()[..8].try_into().unwrap();
    assert_eq!(needle(&pickled).glance(head, 9), Some(Equality::Unknown));
    for other in [Value::from("text"), Value::from(1), Value::None] {
        assert_eq!(answer(&pickled, &other), Equality::Different);
    }
    // Two numbers of different classes.
    let decimal = pickle(&[DECIMAL, b"\x011\x94\x85\x94R\x94K\x05\x86\x94."]);
    let number = pickle(&[b"K\x01", DATETIME, super::DATE, b"\x07\xe4\x01\x02\x94\x85\x94R\x94\x86\x94."]);
    assert_eq!(equality(&decimal, &number), Equality::Unknown);
    assert_eq!(equality(&number, &decimal), Equality::Unknown);
}

#[test]
fn paths_are_compared_by_their_parts() {
    let posix = |parts: &[&str]| path(b"PosixPath", parts);
    trees_are_in_order(&[
        (0, posix(&["/"])),
        (1, posix(&["/", "a"])),
        // As Python 3.13 pickles it, which keeps what it was made of.
        (1, posix(&["/./a/"])),
        (1, posix(&["///a"])),
        (1, path(b"PurePosixPath", &["/", "a"])),
        (2, posix(&["/", "a", "b"])),
        (2, posix(&["/a", "b"])),
        (3, posix(&["/", "a", "\u{e9}"])),
        // The separator comes before all other characters.
        (4, posix(&["/", "a!"])),
        (5, posix(&["/", "b"])),
    ]);
    trees_are_in_order(&[(0, posix(&["-"])), (1, posix(&["a", ".."])), (2, posix(&["b"]))]);
    // Between them Python's versions differ.
    let (absolute, relative) = (posix(&["/", "a"]), posix(&["a"]));
    assert_eq!(
        (sorted_order(&absolute, &relative), equality(&absolute, &relative)),
        (None, Equality::Different)
    );
    for other in [&["//a"][..], &["a", "/b"], &[""], &["."], &[]] {
        assert_eq!(equality(&posix(other), &absolute), Equality::Unknown, "{other:?}");
    }
    assert_eq!(equality(&path(b"WindowsPath", &["a"]), &absolute), Equality::Unknown);
}

#[test]
fn trees_of_anything_else_are_left_to_python() {
    let whole = dated(b"\x07\xe4\x01\x02", b"K\x05");
    for cut in 0..whole.len() {
        assert!(super::read_tree(&whole[..cut]).is_none(), "{cut}");
        // Nothing panics, whatever stands there.
        for byte in 0..=255 {
            let mut damaged = whole.clone();
            damaged[cut] = byte;
            let _ = super::read_tree(&damaged);
        }
    }
    for body in [
        // One list at two places, itself in itself, a class, a zone, nothing to take, two values.
        &b"]\x94h\0\x86\x94."[..],
        b"]\x94h\0a.",
        b"\x8c\x08datetime\x94\x8c\x04date\x94\x93\x94\x85\x94.",
        b"\x86\x94.",
        b"(K\x01\x85.",
        b"K\x01K\x02\x85.",
        b"\x85\x85\x85.",
        b"}\x94\x85.",
    ] {
        assert!(super::read_tree(&pickle(&[body])).is_none(), "{body:x?}");
    }
    let deep = [&b")"[..], &b"\x85".repeat(17), b"."].concat();
    assert!(super::read_tree(&pickle(&[&deep])).is_none());
    assert!(super::read_tree(&pickle(&[&b")"[..], &b"\x85".repeat(15), b"."])).is_some());
    // A NaN equals nothing.
    let nan = dated(b"\x07\xe4\x01\x02", b"G\x7f\xf8\0\0\0\0\0\0");
    assert_eq!((sorted_order(&nan, &nan), equality(&nan, &nan)), (None, Equality::Unknown));
}
