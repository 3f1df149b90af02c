//! Whether two values are equal by Python's rule, as far as their encodings tell.
//!
//! The encoding is canonical, so most answers need no decoding: equal bytes are equal values,
//! but for NaN, and values of different classes differ, but for numbers. Of what Python has
//! pickled, only the objects of a few classes can be compared here; the rest may be an object of a
//! user's class, which only Python can compare.

mod class;
mod compare;
mod parts;
mod tree;

use crate::decode::{Decoder, Event};
use crate::encode::{Encoded, Encoder};
use crate::error::{DecodeError, EncodeError};
use crate::layout::Layout;
use crate::number;
use crate::pickled::{self, OwnDecimal, Pickled};
use crate::word::{Word, WordKind};
use class::Class;
use parts::Part;
use tree::Tree;

/// Whether two values are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Equality {
    /// They are equal.
    Equal,
    /// They are not.
    Different,
    /// Only Python can tell: one of them holds a shared variable, or is an object that it has
    /// pickled, or they are large sets or dicts of another order.
    Unknown,
}

impl Equality {
    /// Whether two parts and two other parts are equal.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Different, _) | (_, Self::Different) => Self::Different,
            (Self::Equal, Self::Equal) => Self::Equal,
            _ => Self::Unknown,
        }
    }
}

impl From<bool> for Equality {
    fn from(equal: bool) -> Self {
        if equal { Self::Equal } else { Self::Different }
    }
}

/// A longer pickle is of no object that is compared here.
const LONGEST_PICKLE: u64 = pickled::LONGEST as u64;

/// A value that is looked for among others.
#[derive(Debug, Clone)]
pub struct Needle {
    /// Its word, if it fits one.
    word: Option<Word>,
    /// Its encoding.
    bytes: Vec<u8>,
    /// [`Class::Pickle`] only if it is an object that can be compared.
    class: Class,
    /// The integer that it equals, if it is a number that equals one of 64 bits.
    small: Option<i64>,
    /// Itself, if it is a float.
    float: Option<f64>,
    /// The object that was pickled, unless it is a decimal.
    object: Option<Pickled<'static>>,
    decimal: Option<OwnDecimal>,
    /// The tuple, list or path that was pickled.
    tree: Option<Tree>,
    /// The parts of a container, if it holds nothing but scalars.
    parts: Vec<Part>,
    /// Where the values of its form differ from it.
    layout: Option<Layout>,
}

impl Needle {
    /// The value to look for, as it would be stored.
    pub fn new(value: &Encoded) -> Result<Self, NeedleError> {
        let (word, bytes) = match value {
            Encoded::Word(word) => (Some(*word), encode_word(*word)?),
            Encoded::Bytes { bytes, .. } => (None, bytes.clone()),
        };
        let mut needle = Self { word, bytes, ..Self::any() };
        let first = Decoder::new(&needle.bytes).next()?;
        needle.class = Class::of(&first);
        needle.small = number::small(&first);
        match first {
            Event::Float(value) => needle.float = Some(value),
            Event::List(_) | Event::Tuple(_) | Event::Map(_) => needle.parts = parts::of(&needle.bytes)?,
            Event::Pickle(pickle) => match Pickled::read(pickle) {
                Some(Pickled::Decimal(decimal)) => needle.decimal = Some(decimal.into()),
                Some(object) => needle.object = object.detached(),
                None => match Tree::read(pickle) {
                    Some(tree) => needle.tree = Some(tree),
                    None => needle.class = Class::Any,
                },
            },
            _ => {}
        }
        if needle.class != Class::Any {
            needle.layout = Layout::of(&needle.bytes);
        }
        Ok(needle)
    }

    /// A value that may equal any other: Python is asked each time.
    pub fn any() -> Self {
        Self {
            word: None,
            bytes: Vec::new(),
            class: Class::Any,
            small: None,
            float: None,
            object: None,
            decimal: None,
            tree: None,
            parts: Vec::new(),
            layout: None,
        }
    }

    /// Whether every comparison is left to Python.
    pub fn is_any(&self) -> bool {
        self.class == Class::Any
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
        if self.class != Class::Number && self.class != Class::Pickle {
            return Equality::Different;
        }
        let number = if let Some(int) = word.as_int() {
            Event::Int(int)
        } else {
            match word.kind() {
                WordKind::Bool(value) => Event::Int(i64::from(value)),
                WordKind::Int(value) => Event::Int(value),
                WordKind::Float(value) => Event::Float(value),
                _ => return Equality::Different,
            }
        };
        self.equals_number(&number)
    }

    /// Compares it with a number.
    #[inline]
    fn equals_number(&self, number: &Event<'_>) -> Equality {
        if self.class == Class::Pickle {
            // A decimal may be equal to it.
            return if self.decimal.is_some() { Equality::Unknown } else { Equality::Different };
        }
        match *number {
            Event::Int(int) => (self.small == Some(int)).into(),
            Event::Float(other) if self.float.is_some() => (self.float == Some(other)).into(),
            _ if self.small.is_some() => (self.small == number::small(number)).into(),
            _ => match Decoder::new(&self.bytes).next() {
                Ok(mine) => number::are_equal(&mine, number).into(),
                Err(_) => Equality::Unknown,
            },
        }
    }

    /// Compares it with an encoding of `length` bytes as far as its first bytes tell, which are
    /// padded; `None` if [all of them](Self::equals_bytes) are needed.
    #[inline]
    pub fn glance(&self, head: [u8; 8], length: u64) -> Option<Equality> {
        let other = Class::of_head(head);
        if self.class == Class::Any || other == Class::Any {
            return Some(Equality::Unknown);
        }
        if other == Class::Pickle {
            return (length > LONGEST_PICKLE).then_some(Equality::Unknown);
        }
        if self.class != other {
            if self.may_equal_container(other) {
                return Some(Equality::Unknown);
            }
            let may_be_equal = self.class == Class::Pickle && other == Class::Number;
            return (!may_be_equal).then_some(Equality::Different);
        }
        let same_length = !matches!(other, Class::Str | Class::Bytes) || length == self.bytes.len() as u64;
        (!same_length).then_some(Equality::Different)
    }

    /// Its layout, by which values of its form are compared with it; they may have no handles.
    #[inline]
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// Returns whether it is of the class of the values whose encoding begins with this byte.
    #[inline]
    pub fn is_of_class(&self, head: [u8; 8]) -> bool {
        self.class == Class::of_head(head)
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
        if let Some(decided) = parts_decide(&self.parts, &self.bytes, other) {
            return Ok(decided);
        }
        let first = Decoder::new(other).next()?;
        match first {
            Event::Pickle(pickle) => Ok(self.equals_pickle(pickle)),
            Event::Handle(_) | Event::BufferedPickle(_) => Ok(Equality::Unknown),
            _ if Class::of(&first) == Class::Number => match self.class {
                Class::Number | Class::Pickle => Ok(self.equals_number(&first)),
                _ => Ok(Equality::Different),
            },
            _ if self.may_equal_container(Class::of(&first)) => Ok(Equality::Unknown),
            _ if self.class != Class::of(&first) => Ok(Equality::Different),
            _ => compare::compare(&self.bytes, other),
        }
    }

    /// Whether it was pickled and may equal a container of this class that was not: pickle also
    /// writes what has a form of its own, if the same list is in it twice.
    fn may_equal_container(&self, other: Class) -> bool {
        matches!(other, Class::Tuple | Class::List) && self.tree.as_ref().is_some_and(Tree::is_container)
    }

    fn equals_pickle(&self, pickle: &[u8]) -> Equality {
        let Some(other) = Pickled::read(pickle) else {
            return match &self.tree {
                Some(tree) => tree.equals(pickle),
                None => Equality::Unknown,
            };
        };
        match (&self.object, &self.decimal, &other) {
            (Some(mine), _, other) => (mine == other).into(),
            (None, Some(mine), Pickled::Decimal(other)) => mine.is(other).into(),
            // Not one of the numbers that the encoding has.
            (None, None, Pickled::Decimal(_)) if self.class == Class::Number => Equality::Unknown,
            _ => Equality::Different,
        }
    }
}

#[inline]
fn parts_decide(parts: &[Part], mine: &[u8], other: &[u8]) -> Option<Equality> {
    if parts.is_empty() {
        return None;
    }
    parts::compare(parts, mine, other).map(Equality::from)
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
