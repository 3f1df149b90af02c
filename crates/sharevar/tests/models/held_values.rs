//! Long values that a look has located: they are held as they were found, or not at all.

use crate::modeled::{arena, assert_empty, text};
use sharevar::Kind;
use sharevar::shm::{Handle, Located, LongValue, Look, RawDict};
use sharevar_value::{Encoded, Key, ShortKey, Value};

/// Bytes of a value that is just long.
const LENGTH: usize = 1 << 16;

fn long(stamp: u64) -> Encoded {
    Value::Str(text(LENGTH, stamp)).to_encoded().unwrap()
}

fn insert(dict: &RawDict, number: i64, value: &Encoded) {
    dict.insert(&Key::from_int(number, dict.seed()), value).unwrap();
    dict.handle().participant().flush_releases().unwrap();
}

fn locate(dict: &RawDict, number: i64) -> Located {
    match dict.look(&ShortKey::from_int(number, dict.seed()), &mut None) {
        Look::There(located) => located,
        other => panic!("{other:?}"),
    }
}

fn bytes(value: &LongValue) -> Vec<u8> {
    value.load().unwrap().0
}

fn bytes_of(value: &Encoded) -> &[u8] {
    match value {
        Encoded::Bytes { bytes, .. } => bytes,
        Encoded::Word(word) => panic!("{word:?}"),
    }
}

#[test]
fn a_value_that_is_held_stays_as_it_was_found() {
    let participant = arena();
    let handle = Handle::create(&participant, Kind::Dict).unwrap();
    let dict = RawDict::from_handle_as(handle, Kind::Dict).unwrap();
    insert(&dict, 1, &long(1));
    let held = locate(&dict, 1).hold_long(dict.handle()).unwrap().unwrap();
    let again = locate(&dict, 1).hold_long(dict.handle()).unwrap().unwrap();
    for stamp in 2..9 {
        insert(&dict, 1, &long(stamp));
    }
    assert!(bytes(&held) == bytes_of(&long(1)));
    drop(held);
    participant.flush_releases().unwrap();
    assert!(bytes(&again) == bytes_of(&long(1)));
    let newest = locate(&dict, 1).hold_long(dict.handle()).unwrap().unwrap();
    assert!(bytes(&newest) == bytes_of(&long(8)));
    drop((again, newest, dict));
    participant.flush_releases().unwrap();
    assert_empty(&participant);
}

/// The header of a value that is gone is that of another one, of another key.
#[test]
fn a_value_that_has_gone_since_it_was_located_is_not_held() {
    let participant = arena();
    let handle = Handle::create(&participant, Kind::Dict).unwrap();
    let dict = RawDict::from_handle_as(handle, Kind::Dict).unwrap();
    insert(&dict, 1, &long(1));
    let located = locate(&dict, 1);
    dict.remove(&Key::from_int(1, dict.seed())).unwrap();
    participant.flush_releases().unwrap();
    assert_eq!(located.hold_long(dict.handle()).unwrap(), None, "it is freed");
    insert(&dict, 2, &long(2));
    assert_eq!(located.hold_long(dict.handle()).unwrap(), None, "its header is another value's");
    let other = locate(&dict, 2);
    insert(&dict, 2, &Encoded::Word(sharevar_value::Word::from_int(3).unwrap()));
    assert_eq!(other.hold_long(dict.handle()).unwrap(), None);
    drop(dict);
    participant.flush_releases().unwrap();
    assert_empty(&participant);
}
