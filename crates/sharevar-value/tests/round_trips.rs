//! Whatever is written is read back, and whatever is read does no harm.

mod any_value;

use any_value::{any_float, any_value, same};
use proptest::prelude::*;
use sharevar_value::{
    DecodeError, Decoder, EncodeError, Encoded, Encoder, Event, MAX_DEPTH, Value, Word, WordKind,
};

type Write = fn(&mut Encoder) -> Result<(), EncodeError>;

const OFFSETS: [u64; 3] = [16, 0x1230, u64::MAX - 15];

proptest! {
    #[test]
    fn a_word_is_scalar_or_leads_elsewhere(bits in any::<u64>(), low in 0_u64..0x20) {
        for word in [bits, bits << 4, bits << 4 | 8, low].map(Word) {
            prop_assert_eq!(word.is_scalar(), !word.is_block() && !word.is_handle());
        }
    }

    #[test]
    fn values(value in any_value()) {
        let bytes = value.encode().unwrap();
        prop_assert!(same(&Value::decode(&bytes).unwrap(), &value));
        match value.to_encoded().unwrap() {
            Encoded::Word(word) => prop_assert!(same(&Value::from_word(word).unwrap().unwrap(), &value)),
            Encoded::Bytes { bytes: block, handles } => {
                prop_assert_eq!(&block, &bytes);
                prop_assert_eq!(handles, handles_in(&value));
            }
        }
        // No cut or lengthened encoding is a value.
        for cut in 0..bytes.len() {
            prop_assert!(Value::decode(&bytes[..cut]).is_err());
        }
        let longer = [&bytes[..], &[0xc0]].concat();
        prop_assert_eq!(Value::decode(&longer), Err(DecodeError::Trailing(1)));
        check_announced(&bytes);
    }

    #[test]
    fn ints_in_words(value: i64) {
        check_int(value);
        check_int(value >> 1);
    }

    #[test]
    fn floats_in_words(value in any_float()) {
        check_float(value);
    }

    #[test]
    fn short_texts_in_words(text in ".{0,4}", bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Some(word) = Word::from_short_str(&text) {
            let WordKind::Str(short) = word.kind() else { panic!("{word:?}") };
            prop_assert_eq!(short.as_str().unwrap(), text);
        } else {
            prop_assert!(text.len() > 7);
        }
        if let Some(word) = Word::from_short_bytes(&bytes) {
            let WordKind::Bytes(short) = word.kind() else { panic!("{word:?}") };
            prop_assert_eq!(short.as_bytes(), bytes);
        } else {
            prop_assert!(bytes.len() > 7);
        }
    }

    #[test]
    fn any_word_has_a_kind_and_each_value_one_word(bits: u64, low in 0..0x100_u64) {
        for word in [Word(bits), Word(low), Word(bits << 8 | low)] {
            let again = match word.kind() {
                WordKind::Invalid => continue,
                WordKind::Absent => Word::ABSENT,
                WordKind::None => Word::none(),
                WordKind::Bool(value) => Word::from_bool(value),
                WordKind::Int(value) => Word::from_int(value).unwrap(),
                WordKind::Float(value) => Word::from_float(value).unwrap(),
                WordKind::Str(text) => match text.as_str() {
                    Ok(text) => Word::from_short_str(text).unwrap(),
                    Err(_) => continue,
                },
                WordKind::Bytes(text) => Word::from_short_bytes(text.as_bytes()).unwrap(),
                WordKind::Block(offset) => Word::block(offset),
                WordKind::Handle(offset) => Word::handle(offset),
            };
            prop_assert_eq!(again, word);
        }
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_announced(&bytes);
    }

    #[test]
    fn damaged_bytes_do_no_harm(value in any_value(), hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = value.encode().unwrap();
        for (at, byte) in hits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        check_announced(&bytes);
    }
}

/// Decodes, and checks that no more elements were announced than there are bytes, and that both ways to a short
/// str tell the same.
fn check_announced(bytes: &[u8]) {
    let _ = Value::decode(bytes);
    let mut decoder = Decoder::new(bytes);
    let mut announced = 0;
    for _ in 0..=bytes.len() {
        let (mut other, before) = (decoder.clone(), decoder.position());
        let event = decoder.next();
        match other.next_short_ascii() {
            Ok(Some(text)) => {
                assert_eq!(event, Ok(Event::Str(std::str::from_utf8(text).unwrap())));
                assert_eq!(other.position(), decoder.position());
            }
            Ok(None) => assert_eq!(other.position(), before),
            Err(error) => assert_eq!(event, Err(error)),
        }
        announced += match event {
            Ok(Event::List(count) | Event::Tuple(count) | Event::Set(count)) => count,
            Ok(Event::Map(count)) => 2 * count,
            Ok(_) => 0,
            Err(_) => break,
        };
        assert!(announced <= bytes.len());
    }
    // A decoder that has failed may be asked again; it answers, whatever it answers.
    for _ in 0..bytes.len() {
        let _ = decoder.next();
    }
    let _ = Decoder::new(bytes).skip();
}

fn handles_in(value: &Value) -> Vec<u64> {
    match value {
        Value::Handle(offset) => vec![*offset],
        Value::List(values) | Value::Tuple(values) | Value::Set(values) => {
            values.iter().flat_map(handles_in).collect()
        }
        Value::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [handles_in(key), handles_in(value)].concat()).collect()
        }
        _ => vec![],
    }
}

fn check_int(value: i64) {
    match Word::from_int(value) {
        Some(word) => {
            assert_eq!(word.as_int(), Some(value));
            assert_eq!(word.kind(), WordKind::Int(value));
            assert!(word.is_scalar() && !word.is_absent());
        }
        None => assert!(!(-(1 << 62)..1 << 62).contains(&value)),
    }
    assert_eq!(Value::decode(&Value::Int(value).encode().unwrap()), Ok(Value::Int(value)));
}

fn check_float(value: f64) {
    if let Some(word) = Word::from_float(value) {
        assert_eq!(word.as_float().map(f64::to_bits), Some(value.to_bits()));
        assert_eq!(word.as_int(), None);
    } else {
        let exponent = (value.to_bits() >> 52 & 0x7ff).cast_signed() - 1023;
        assert!(!(-255..=256).contains(&exponent), "{value:e} should have fitted");
    }
    let bytes = Value::Float(value).encode().unwrap();
    let Ok(Value::Float(back)) = Value::decode(&bytes) else { panic!("{value}") };
    assert_eq!(back.to_bits(), value.to_bits());
}

#[test]
fn edges_of_int() {
    for bit in 0..64 {
        for edge in [
            1_i64.wrapping_shl(bit),
            -(1_i64.wrapping_shl(bit)).max(-i64::MAX),
            i64::MAX >> bit,
            i64::MIN >> bit,
        ] {
            for near in -2..=2 {
                check_int(edge.wrapping_add(near));
            }
        }
    }
    assert!(Word::from_int((1 << 62) - 1).is_some() && Word::from_int(1 << 62).is_none());
    assert!(Word::from_int(-(1 << 62)).is_some() && Word::from_int(-(1 << 62) - 1).is_none());
}

#[test]
fn edges_of_float() {
    for exponent in 0..0x800_u64 {
        for significand in [0, 1, (1 << 52) - 1, 1 << 51] {
            for sign in [0, 1 << 63] {
                check_float(f64::from_bits(sign | exponent << 52 | significand));
            }
        }
    }
    // The one pattern that CRuby gives up for 0.0.
    check_float(f64::from_bits(0x3000_0000_0000_0000));
    for zero in [0.0, -0.0] {
        assert_eq!(Word::from_float(zero).unwrap().as_float().unwrap().to_bits(), f64::to_bits(zero));
    }
}

#[test]
fn offsets() {
    for offset in OFFSETS {
        assert_eq!(Word::block(offset).kind(), WordKind::Block(offset));
        assert_eq!(Word::block(offset).block_offset(), Some(offset));
        assert_eq!(Word::block(offset).handle_offset(), None);
        assert_eq!(Word::handle(offset).kind(), WordKind::Handle(offset));
        assert_eq!(Word::handle(offset).handle_offset(), Some(offset));
        assert_eq!(Word::handle(offset).block_offset(), None);
    }
    assert_eq!(Word(8).kind(), WordKind::Invalid);
    assert_eq!(Value::from_word(Word::block(16)), Err(DecodeError::NotInline(16)));
    assert_eq!(Value::from_word(Word::ABSENT), Ok(None));
}

#[test]
fn depth_is_bounded_alike_for_writer_and_reader() {
    let nested = |depth: usize, kind: fn(Vec<Value>) -> Value| {
        (1..depth).fold(kind(vec![]), |inner, _| kind(vec![inner]))
    };
    for kind in [Value::List, Value::Tuple, Value::Set, |values: Vec<Value>| {
        Value::Map(values.into_iter().map(|value| (Value::None, value)).collect())
    }] {
        let deepest = nested(MAX_DEPTH, kind);
        assert_eq!(Value::decode(&deepest.encode().unwrap()), Ok(deepest));
        assert_eq!(nested(MAX_DEPTH + 1, kind).encode(), Err(EncodeError::TooDeep));
    }
    assert_eq!(Value::decode(&[0x91; 1000]), Err(DecodeError::TooDeep));
}

#[test]
fn lengths_are_not_believed() {
    // A list of 2^32 - 1 elements, with nothing after it.
    assert!(matches!(Value::decode(&[0xdd, 0xff, 0xff, 0xff, 0xff]), Err(DecodeError::Truncated { .. })));
    // Each list claims all bytes that are left; together they claim more than there are.
    assert!(matches!(Value::decode(&[0x94, 0x93, 0x92, 0x91, 0xc0]), Err(DecodeError::Truncated { .. })));
    // Refused at the header, not at the end of the bytes: room is made in between.
    assert!(Decoder::new(&[0x92, 0xc0]).next().is_err());
    let mut nested = Decoder::new(&[0x92, 0x92, 0xc0, 0xc0]);
    assert_eq!(nested.next(), Ok(Event::List(2)));
    assert!(nested.next().is_err());
    let mut exact = Decoder::new(&[0x92, 0x91, 0xc0, 0xc0]);
    assert_eq!(exact.next(), Ok(Event::List(2)));
    assert_eq!(exact.next(), Ok(Event::List(1)));
    // A tuple whose body is longer or shorter than its elements.
    assert!(Value::decode(b"\xc9\0\0\0\x03\x02\x91\x01\x01").is_err());
    assert!(Value::decode(b"\xc9\0\0\0\x01\x02\x91\x01").is_err());
    // A handle that is not aligned; an extension from the future; a str that is none.
    assert!(Value::decode(b"\xd7\x04\x01\0\0\0\0\0\0\0").is_err());
    assert_eq!(Value::decode(b"\xd4\x07\0"), Err(DecodeError::UnknownExtension(7)));
    assert_eq!(Value::decode(b"\xa1\xff"), Err(DecodeError::NotUtf8 { at: 1 }));
}

#[test]
fn encoder_notices_a_wrong_count() {
    let finish = |write: fn(&mut Encoder) -> Result<(), EncodeError>| {
        let mut encoder = Encoder::new();
        write(&mut encoder).and_then(|()| encoder.finish().map(|_| ()))
    };
    let wrong: [Write; 6] = [
        |_| Ok(()),
        |encoder| encoder.list_header(1),
        |encoder| {
            encoder.none();
            encoder.none();
            Ok(())
        },
        |encoder| {
            let body = encoder.begin_tuple(2)?;
            encoder.none();
            encoder.end_tuple(body)
        },
        |encoder| {
            let body = encoder.begin_set(0)?;
            encoder.none();
            encoder.end_set(body)
        },
        |encoder| {
            let body = encoder.open_map()?;
            encoder.none();
            encoder.close_map(body)
        },
    ];
    for write in wrong {
        assert_eq!(finish(write), Err(EncodeError::Unbalanced));
    }
    let right = finish(|encoder| {
        let body = encoder.open_map()?;
        encoder.int(1);
        encoder.map_header(0)?;
        encoder.close_map(body)
    });
    assert_eq!(right, Ok(()));
}
