//! Whether two values are equal by Python's rule, as far as their encodings tell.
//!
//! The encoding is canonical, so most answers need no decoding: equal bytes are equal values,
//! but for NaN, and values of different classes differ, but for numbers. What may contain an
//! object of a user's class, only Python can compare.

use crate::canonical::{self, FloatKey};
use crate::decode::{Decoder, Event};
use crate::encode::{EXT_BIG_INT, EXT_SET, EXT_TUPLE, Encoded, Encoder};
use crate::error::{DecodeError, EncodeError};
use crate::word::{Word, WordKind};
use std::cmp::Ordering;
use std::ops::Range;

/// Whether two values are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Equality {
    /// They are equal.
    Equal,
    /// They are not.
    Different,
    /// Only Python can tell: one of them holds what it has pickled, or a shared variable, or they
    /// are dicts or sets with other bytes.
    Unknown,
}

/// A value that is looked for among others.
#[derive(Debug, Clone)]
pub struct Needle {
    /// Its word, if it fits one.
    word: Option<Word>,
    /// Its encoding.
    bytes: Vec<u8>,
    class: Class,
    /// The integer that it equals, if it is a number that equals one of 64 bits.
    small: Option<i64>,
    /// The parts of a tuple or list, if it holds nothing but scalars.
    parts: Vec<Part>,
}

/// A scalar in a tuple or list, or the header of the array that a tuple is written as.
#[derive(Debug, Clone)]
struct Part {
    /// Where in the encoding.
    at: Range<usize>,
    class: Class,
    /// Whether a value with other bytes may equal it.
    is_number: bool,
}

/// What a value equals nothing outside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    None,
    Number,
    Str,
    Bytes,
    List,
    Map,
    Tuple,
    Set,
    /// A handle or a pickle.
    Any,
}

fn class(event: &Event<'_>) -> Class {
    match event {
        Event::None => Class::None,
        Event::Bool(_) | Event::Int(_) | Event::UInt(_) | Event::BigInt(_) | Event::Float(_) => Class::Number,
        Event::Str(_) => Class::Str,
        Event::Bytes(_) => Class::Bytes,
        Event::List(_) => Class::List,
        Event::Map(_) => Class::Map,
        Event::Tuple(_) => Class::Tuple,
        Event::Set(_) => Class::Set,
        Event::Handle(_) | Event::Pickle(_) => Class::Any,
    }
}

/// The class of the value whose encoding begins so.
fn class_of_head(head: [u8; 8]) -> Class {
    let extension = match head[0] {
        0x00..=0x7f | 0xc2 | 0xc3 | 0xca..=0xd3 | 0xe0..=0xff => return Class::Number,
        0x80..=0x8f | 0xde | 0xdf => return Class::Map,
        0x90..=0x9f | 0xdc | 0xdd => return Class::List,
        0xa0..=0xbf | 0xd9..=0xdb => return Class::Str,
        0xc4..=0xc6 => return Class::Bytes,
        0xc0 => return Class::None,
        0xd4..=0xd8 => head[1],
        0xc7 => head[2],
        0xc8 => head[3],
        0xc9 => head[5],
        _ => return Class::Any,
    };
    match extension as i8 {
        EXT_BIG_INT => Class::Number,
        EXT_TUPLE => Class::Tuple,
        EXT_SET => Class::Set,
        _ => Class::Any,
    }
}

impl Needle {
    /// The value to look for, as it would be stored.
    pub fn new(value: &Encoded) -> Result<Self, NeedleError> {
        let (word, bytes) = match value {
            Encoded::Word(word) => (Some(*word), encode_word(*word)?),
            Encoded::Bytes { bytes, .. } => (None, bytes.clone()),
        };
        let first = Decoder::new(&bytes).next()?;
        let (class, small) = (class(&first), small(&first));
        let parts = if matches!(class, Class::Tuple | Class::List) { parts(&bytes)? } else { Vec::new() };
        Ok(Self { word, bytes, class, small, parts })
    }

    /// A value that may equal any other: Python is asked each time.
    pub fn any() -> Self {
        Self { word: None, bytes: Vec::new(), class: Class::Any, small: None, parts: Vec::new() }
    }

    /// Compares it with a word; `None` if that leads to a block, whose bytes are to be compared.
    #[inline]
    pub fn equals_word(&self, word: Word) -> Option<Equality> {
        if word.is_block() {
            return None;
        }
        if self.word == Some(word) && self.class != Class::Any {
            return Some(Equality::Equal);
        }
        Some(self.equals_other_word(word))
    }

    fn equals_other_word(&self, word: Word) -> Equality {
        if self.class == Class::Any || word.is_handle() {
            return Equality::Unknown;
        }
        // Words are canonical, so two that differ are equal only as numbers of two classes.
        if self.class != Class::Number {
            return Equality::Different;
        }
        if let Some(int) = word.as_int() {
            return from_bool(self.small == Some(int));
        }
        let number = match word.kind() {
            WordKind::Bool(value) => Event::Int(i64::from(value)),
            WordKind::Int(value) => Event::Int(value),
            WordKind::Float(value) => Event::Float(value),
            _ => return Equality::Different,
        };
        if let (Some(mine), Some(other)) = (self.small, small(&number)) {
            return from_bool(mine == other);
        }
        match Decoder::new(&self.bytes).next() {
            Ok(mine) => from_bool(numbers_equal(&mine, &number)),
            Err(_) => Equality::Unknown,
        }
    }

    /// Compares it with an encoding of `length` bytes as far as its first bytes tell, which are
    /// padded; `None` if [all of them](Self::equals_bytes) are needed.
    pub fn glance(&self, head: [u8; 8], length: u64) -> Option<Equality> {
        let other = class_of_head(head);
        if self.class == Class::Any || other == Class::Any {
            return Some(Equality::Unknown);
        }
        let same_length = !matches!(other, Class::Str | Class::Bytes) || length == self.bytes.len() as u64;
        (self.class != other || !same_length).then_some(Equality::Different)
    }

    /// Its encoding, if it is a str or bytes, which equal only what has the same bytes.
    pub fn text(&self) -> Option<&[u8]> {
        matches!(self.class, Class::Str | Class::Bytes).then_some(&self.bytes)
    }

    /// Compares it with an encoding.
    pub fn equals_bytes(&self, other: &[u8]) -> Result<Equality, DecodeError> {
        if self.class == Class::Any {
            return Ok(Equality::Unknown);
        }
        if let Some(decided) = self.compare_parts(other) {
            return Ok(decided);
        }
        compare(&mut Decoder::new(&self.bytes), &mut Decoder::new(other))
    }
}

impl Needle {
    /// Compares part by part where they stand. While all were equal so far, the next one stands at
    /// the same place in both.
    fn compare_parts(&self, other: &[u8]) -> Option<Equality> {
        if self.parts.is_empty() {
            return None;
        }
        for part in &self.parts {
            let mine = &self.bytes[part.at.clone()];
            let rest = other.get(part.at.start..)?;
            if rest.starts_with(mine) {
                continue;
            }
            let mut head = [0; 8];
            let length = rest.len().min(8);
            head[..length].copy_from_slice(&rest[..length]);
            let class = class_of_head(head);
            let other_is_int = !matches!(head[0], 0xc2 | 0xc3 | 0xca | 0xcb);
            let mine_is_int = !matches!(mine[0], 0xc2 | 0xc3 | 0xca | 0xcb);
            // Integers have one form each; of other numbers the form does not tell.
            let may_be_equal = part.is_number && !(mine_is_int && other_is_int);
            if class == Class::Any || (class == part.class && may_be_equal) {
                return None;
            }
            return Some(Equality::Different);
        }
        Some(from_bool(other.len() == self.bytes.len()))
    }
}

/// The parts of a tuple or list, in their order; none if one is a container, or equals nothing.
fn parts(bytes: &[u8]) -> Result<Vec<Part>, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let header = decoder.next()?;
    let (count, start) = match header {
        // The length in bytes stands before the array, and depends on how numbers are written.
        Event::Tuple(count) => (count, 6),
        Event::List(count) => (count, 0),
        _ => return Ok(Vec::new()),
    };
    let mut parts = vec![Part { at: start..decoder.position(), class: Class::List, is_number: false }];
    for _ in 0..count {
        let start = decoder.position();
        let event = decoder.next()?;
        let class = class(&event);
        let is_scalar = matches!(class, Class::None | Class::Number | Class::Str | Class::Bytes);
        if !is_scalar || matches!(event, Event::Float(value) if value.is_nan()) {
            return Ok(Vec::new());
        }
        parts.push(Part { at: start..decoder.position(), class, is_number: class == Class::Number });
    }
    Ok(parts)
}

/// Why a value cannot be looked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NeedleError {
    /// Its encoding is damaged.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

fn from_bool(equal: bool) -> Equality {
    if equal { Equality::Equal } else { Equality::Different }
}

fn encode_word(word: Word) -> Result<Vec<u8>, NeedleError> {
    let mut encoder = Encoder::new();
    match word.kind() {
        WordKind::Bool(value) => encoder.bool(value),
        WordKind::Int(value) => encoder.int(value),
        WordKind::Float(value) => encoder.float(value),
        WordKind::Str(text) => {
            let text =
                text.as_str().map_err(|_| DecodeError::Invalid { what: "a str that is no UTF-8", at: 0 })?;
            encoder.str(text)?;
        }
        WordKind::Bytes(bytes) => encoder.bytes(bytes.as_bytes())?,
        WordKind::Handle(offset) => encoder.handle(offset),
        WordKind::None | WordKind::Absent | WordKind::Block(_) | WordKind::Invalid => encoder.none(),
    }
    Ok(encoder.as_slice().to_vec())
}

/// Compares the next value of each.
fn compare(left: &mut Decoder<'_>, right: &mut Decoder<'_>) -> Result<Equality, DecodeError> {
    // Values that are still to be compared.
    let mut left_to_do = 1_usize;
    let mut answer = Equality::Equal;
    while left_to_do > 0 {
        left_to_do -= 1;
        let (mine, other) = (left.next()?, right.next()?);
        let (my_class, other_class) = (class(&mine), class(&other));
        if my_class == Class::Any || other_class == Class::Any {
            answer = Equality::Unknown;
            skip(&mine, left)?;
            skip(&other, right)?;
            continue;
        }
        if my_class != other_class {
            return Ok(Equality::Different);
        }
        match (mine, other) {
            (Event::List(mine), Event::List(other)) | (Event::Tuple(mine), Event::Tuple(other)) => {
                if mine != other {
                    return Ok(Equality::Different);
                }
                // No overflow: the sum is at most the number of bytes.
                left_to_do += mine;
            }
            (Event::Map(mine), Event::Map(other)) | (Event::Set(mine), Event::Set(other)) => {
                if mine != other {
                    return Ok(Equality::Different);
                }
                if mine > 0 {
                    // In another order they may be equal.
                    return Ok(Equality::Unknown);
                }
            }
            (mine, other) => {
                let equal =
                    if my_class == Class::Number { numbers_equal(&mine, &other) } else { mine == other };
                if !equal {
                    return Ok(Equality::Different);
                }
            }
        }
    }
    Ok(answer)
}

/// Reads what belongs to an event that was read.
fn skip(event: &Event<'_>, decoder: &mut Decoder<'_>) -> Result<(), DecodeError> {
    let count = match *event {
        Event::List(count) | Event::Tuple(count) | Event::Set(count) => count,
        Event::Map(count) => 2 * count,
        _ => 0,
    };
    (0..count).try_for_each(|_| decoder.skip())
}

/// Whether two numbers are equal, exactly, whatever their classes. A NaN equals nothing.
fn numbers_equal(left: &Event<'_>, right: &Event<'_>) -> bool {
    match (small(left), small(right)) {
        (Some(left), Some(right)) => left == right,
        (None, None) => match (left, right) {
            // Neither equals an integer of 64 bits: the rest is decided by value, or by the bytes
            // of the one form that equal numbers have.
            (Event::Float(left), Event::Float(right)) => left.partial_cmp(right) == Some(Ordering::Equal),
            _ => large(left).is_some_and(|left| Some(left) == large(right)),
        },
        _ => false,
    }
}

/// The integer of 64 bits that a number equals.
fn small(event: &Event<'_>) -> Option<i64> {
    match *event {
        Event::Bool(value) => Some(i64::from(value)),
        Event::Int(value) => Some(value),
        Event::Float(value) => match canonical::float(value) {
            FloatKey::Int(int) => Some(int),
            FloatKey::Big(_) | FloatKey::Float(_) => None,
        },
        _ => None,
    }
}

/// The canonical bytes of a number that is an integer beyond 64 bits, or none.
fn large(event: &Event<'_>) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new();
    match *event {
        Event::UInt(value) => encoder.uint(value),
        Event::BigInt(bytes) => encoder.big_int(bytes).ok()?,
        Event::Float(value) if value.is_finite() => canonical::write_float(value, &mut encoder).ok()?,
        _ => return None,
    }
    Some(encoder.as_slice().to_vec())
}

#[cfg(test)]
mod tests {
    use super::{Equality, Needle};
    use crate::value::Value;
    use crate::{Encoded, Word};

    fn encoded(value: &Value) -> Encoded {
        Encoded::Bytes { bytes: value.encode().unwrap(), handles: Vec::new() }
    }

    fn compare(left: &Value, right: &Value) -> Equality {
        let needle = Needle::new(&encoded(left)).unwrap();
        let bytes = right.encode().unwrap();
        let mut head = [0; 8];
        let length = bytes.len().min(8);
        head[..length].copy_from_slice(&bytes[..length]);
        let whole = needle.equals_bytes(&bytes).unwrap();
        if let Some(glance) = needle.glance(head, bytes.len() as u64) {
            assert_eq!(glance, whole, "{left} and {right}");
        }
        whole
    }

    #[test]
    fn values_are_equal_as_python_says() {
        let tuple = |values: &[Value]| Value::Tuple(values.to_vec());
        let ints: [(Value, Value); 8] = [
            (1.into(), 1.0.into()),
            (1.into(), true.into()),
            (0.into(), (-0.0).into()),
            (0.0.into(), (-0.0).into()),
            ("text".into(), "text".into()),
            (tuple(&[1.into(), "a".into()]), tuple(&[1.0.into(), "a".into()])),
            (tuple(&[]), tuple(&[])),
            ((1_u64 << 63).into(), 9_223_372_036_854_775_808.0.into()),
        ];
        for (left, right) in &ints {
            assert_eq!(compare(left, right), Equality::Equal, "{left} and {right}");
            assert_eq!(compare(right, left), Equality::Equal, "{right} and {left}");
        }
        let others: [(Value, Value); 8] = [
            (1.into(), "1".into()),
            (f64::NAN.into(), f64::NAN.into()),
            (tuple(&[f64::NAN.into()]), tuple(&[f64::NAN.into()])),
            (9_007_199_254_740_993_i64.into(), 9_007_199_254_740_992.0.into()),
            (Value::None, 0.into()),
            (tuple(&[1.into()]), Value::List(vec![1.into()])),
            (tuple(&[1.into()]), tuple(&[1.into(), 1.into()])),
            (f64::INFINITY.into(), (1_u64 << 63).into()),
        ];
        for (left, right) in &others {
            assert_eq!(compare(left, right), Equality::Different, "{left} and {right}");
            assert_eq!(compare(right, left), Equality::Different, "{right} and {left}");
        }
    }

    #[test]
    fn words_of_several_classes_of_numbers_are_equal() {
        let words = [Word::from_int(1).unwrap(), Word::from_float(1.0).unwrap(), Word::TRUE];
        for left in words {
            let needle = Needle::new(&Encoded::Word(left)).unwrap();
            for right in words {
                assert_eq!(needle.equals_word(right), Some(Equality::Equal));
            }
            assert_eq!(needle.equals_word(Word::NONE), Some(Equality::Different));
            assert_eq!(needle.equals_word(Word::handle(64)), Some(Equality::Unknown));
            assert_eq!(needle.equals_word(Word::block(64)), None);
        }
        assert_eq!(Needle::any().equals_word(Word::TRUE), Some(Equality::Unknown));
    }
}
