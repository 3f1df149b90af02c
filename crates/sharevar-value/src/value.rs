//! The dynamic value, as a tree.

use crate::bigint::{self, BigInt, Reduced};
use crate::decode::{Decoder, Event};
use crate::encode::{Encoded, Encoder};
use crate::error::{DecodeError, EncodeError};
use crate::word::{Word, WordKind};

/// Any value that a shared variable can hold.
///
/// Equality is that of Rust, not of Python: `Int(1)` is not `Float(1.0)`, and
/// sets and maps compare in order. [`crate::key`] has Python's equality of keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// None.
    None,
    /// A bool.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// An integer beyond 64 bits.
    BigInt(BigInt),
    /// A double.
    Float(f64),
    /// A str.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A dict, in insertion order.
    Map(Vec<(Value, Value)>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set, in the writer's order.
    Set(Vec<Value>),
    /// A reference to the shared variable whose header is at this offset.
    Handle(u64),
    /// A pickle of Python's. Rust passes it on and never reads it.
    Pickle(Vec<u8>),
    /// The body of a [`BufferedPickle`](crate::BufferedPickle): a pickle with arrays behind it.
    BufferedPickle(Vec<u8>),
}

impl Value {
    /// Reads a block's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let value = Self::read(&mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }

    /// Reads the next value from `decoder`.
    pub fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match decoder.next()? {
            Event::None => Self::None,
            Event::Bool(value) => Self::Bool(value),
            Event::Int(value) => Self::Int(value),
            Event::UInt(value) => Self::from(value),
            Event::BigInt(bytes) => Self::from_le_bytes(bytes),
            Event::Float(value) => Self::Float(value),
            Event::Str(value) => Self::Str(value.to_owned()),
            Event::Bytes(value) => Self::Bytes(value.to_owned()),
            Event::List(count) => Self::List(read_many(decoder, count)?),
            Event::Tuple(count) => Self::Tuple(read_many(decoder, count)?),
            Event::Set(count) => Self::Set(read_many(decoder, count)?),
            Event::Map(count) => {
                let mut entries = Vec::with_capacity(count);
                for _ in 0..count {
                    entries.push((Self::read(decoder)?, Self::read(decoder)?));
                }
                Self::Map(entries)
            }
            Event::Handle(offset) => Self::Handle(offset),
            Event::Pickle(bytes) => Self::Pickle(bytes.to_owned()),
            Event::BufferedPickle(body) => Self::BufferedPickle(body.to_owned()),
        })
    }

    /// Returns the value of a word; `None` when it is absent.
    ///
    /// [`DecodeError::NotInline`] for a word that is the offset of a block.
    pub fn from_word(word: Word) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match word.kind() {
            WordKind::Absent => return Ok(None),
            WordKind::None => Self::None,
            WordKind::Bool(value) => Self::Bool(value),
            WordKind::Int(value) => Self::Int(value),
            WordKind::Float(value) => Self::Float(value),
            WordKind::Str(text) => {
                Self::Str(text.as_str().map_err(|_| DecodeError::NotUtf8 { at: 0 })?.to_owned())
            }
            WordKind::Bytes(text) => Self::Bytes(text.as_bytes().to_owned()),
            WordKind::Handle(offset) => Self::Handle(offset),
            WordKind::Block(_) | WordKind::Invalid => return Err(DecodeError::NotInline(word.0)),
        }))
    }

    /// An integer given as two's complement, lowest byte first.
    pub fn from_le_bytes(bytes: &[u8]) -> Self {
        match bigint::reduce(bytes) {
            Reduced::Int(value) => Self::Int(value),
            Reduced::UInt(value) => Self::BigInt(u128::from(value).into()),
            Reduced::Big(bytes) => Self::BigInt(BigInt::from_le_bytes(bytes)),
        }
    }

    /// The value as a word, if it needs no block.
    pub fn to_word(&self) -> Option<Word> {
        match self {
            Self::None => Some(Word::NONE),
            Self::Bool(value) => Some(Word::from_bool(*value)),
            Self::Int(value) => Word::from_int(*value),
            Self::Float(value) => Word::from_float(*value),
            Self::Str(value) => Word::from_short_str(value),
            Self::Bytes(value) => Word::from_short_bytes(value),
            Self::Handle(offset) => Some(Word::handle(*offset)),
            _ => None,
        }
    }

    /// The value in the form in which a container stores it.
    pub fn to_encoded(&self) -> Result<Encoded, EncodeError> {
        if let Some(word) = self.to_word() {
            return Ok(Encoded::Word(word));
        }
        let mut encoder = Encoder::new();
        self.write(&mut encoder)?;
        let (bytes, handles) = encoder.finish()?;
        Ok(Encoded::Bytes { bytes, handles })
    }

    /// The value as a block's bytes, even if it would fit into a word.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut encoder = Encoder::new();
        self.write(&mut encoder)?;
        Ok(encoder.finish()?.0)
    }

    /// Writes the value into `encoder`.
    pub fn write(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::None => encoder.none(),
            Self::Bool(value) => encoder.bool(*value),
            Self::Int(value) => encoder.int(*value),
            Self::BigInt(value) => encoder.big_int(value.as_le_bytes())?,
            Self::Float(value) => encoder.float(*value),
            Self::Str(value) => encoder.str(value)?,
            Self::Bytes(value) => encoder.bytes(value)?,
            Self::List(values) => {
                encoder.list_header(values.len())?;
                write_many(values, encoder)?;
            }
            Self::Map(entries) => {
                encoder.map_header(entries.len())?;
                for (key, value) in entries {
                    key.write(encoder)?;
                    value.write(encoder)?;
                }
            }
            Self::Tuple(values) => {
                let body = encoder.begin_tuple(values.len())?;
                write_many(values, encoder)?;
                encoder.end_tuple(body)?;
            }
            Self::Set(values) => {
                let body = encoder.begin_set(values.len())?;
                write_many(values, encoder)?;
                encoder.end_set(body)?;
            }
            Self::Handle(offset) => encoder.handle(*offset),
            Self::Pickle(bytes) => encoder.pickle(bytes)?,
            Self::BufferedPickle(body) => encoder.buffered_pickle(body)?,
        }
        Ok(())
    }
}

fn read_many(decoder: &mut Decoder<'_>, count: usize) -> Result<Vec<Value>, DecodeError> {
    // The decoder has checked that at least `count` bytes are left for these.
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(Value::read(decoder)?);
    }
    Ok(values)
}

fn write_many(values: &[Value], encoder: &mut Encoder) -> Result<(), EncodeError> {
    values.iter().try_for_each(|value| value.write(encoder))
}

macro_rules! from {
    ($($source:ty => |$value:ident| $target:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $target
            }
        }
    )*};
}

from! {
    () => |_value| Self::None;
    bool => |value| Self::Bool(value);
    i32 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    i64 => |value| Self::Int(value);
    u64 => |value| i64::try_from(value).map_or_else(|_| Self::BigInt(u128::from(value).into()), Self::Int);
    i128 => |value| Self::from_le_bytes(&value.to_le_bytes());
    BigInt => |value| Self::from_le_bytes(value.as_le_bytes());
    f64 => |value| Self::Float(value);
    &str => |value| Self::Str(value.to_owned());
    String => |value| Self::Str(value);
    &[u8] => |value| Self::Bytes(value.to_owned());
    Vec<Value> => |value| Self::List(value);
    Vec<(Value, Value)> => |value| Self::Map(value);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
