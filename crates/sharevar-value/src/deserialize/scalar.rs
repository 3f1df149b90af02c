//! A deserializer of one scalar.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::bigint::{self, BigInt};
use crate::error::DecodeError;
use crate::handle::HANDLE_NAME;
use crate::word::{ShortText, Word, WordKind};

/// A scalar, from a word or from bytes.
#[derive(Clone, Copy)]
pub(super) enum ScalarDeserializer<'de> {
    None,
    Bool(bool),
    Int(i64),
    UInt(u64),
    BigInt(&'de [u8]),
    Float(f64),
    Str(&'de str),
    Bytes(&'de [u8]),
    ShortStr(ShortText),
    ShortBytes(ShortText),
    Handle(u64),
    Pickle,
}

impl ScalarDeserializer<'_> {
    #[inline]
    pub(super) fn from_word(word: Word) -> Result<Self, DecodeError> {
        Ok(match word.kind() {
            WordKind::Int(value) => Self::Int(value),
            WordKind::Float(value) => Self::Float(value),
            WordKind::None => Self::None,
            WordKind::Bool(value) => Self::Bool(value),
            WordKind::Str(text) => Self::ShortStr(text),
            WordKind::Bytes(text) => Self::ShortBytes(text),
            WordKind::Handle(offset) => Self::Handle(offset),
            WordKind::Absent | WordKind::Block(_) | WordKind::Invalid => {
                return Err(DecodeError::NotInline(word.0));
            }
        })
    }
}

fn short_str(text: &ShortText) -> Result<&str, DecodeError> {
    text.as_str().map_err(|_| DecodeError::NotUtf8 { at: 0 })
}

#[cold]
fn inexact(value: String, wanted: &'static str) -> DecodeError {
    DecodeError::OutOfRange { value, wanted }
}

fn exact(value: i128, wanted: &'static str, bits: u32) -> Result<f64, DecodeError> {
    // Between them the highest and the lowest bit set may be as far apart as the significand is wide.
    let magnitude = value.unsigned_abs();
    let width = u128::BITS
        - magnitude.leading_zeros()
        - magnitude.trailing_zeros().min(u128::BITS - magnitude.leading_zeros());
    if width > bits { Err(inexact(value.to_string(), wanted)) } else { Ok(value as f64) }
}

/// Reads an integer without a call, and any other form by `deserialize_any`.
macro_rules! integers {
    ($($method:ident)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self {
                Self::Int(value) => visitor.visit_i64(value),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for ScalarDeserializer<'de> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::None => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Int(value) => visitor.visit_i64(value),
            Self::UInt(value) => visitor.visit_u64(value),
            Self::Float(value) => visitor.visit_f64(value),
            Self::Str(value) => visitor.visit_borrowed_str(value),
            Self::Bytes(value) => visitor.visit_borrowed_bytes(value),
            Self::ShortStr(text) => visitor.visit_str(short_str(&text)?),
            Self::ShortBytes(text) => visitor.visit_bytes(text.as_bytes()),
            Self::BigInt(bytes) => match (bigint::to_i128(bytes), bigint::to_u128(bytes)) {
                (Some(value), _) => visitor.visit_i128(value),
                (None, Some(value)) => visitor.visit_u128(value),
                (None, None) => Err(inexact(BigInt::from_le_bytes(bytes).to_string(), "128 bits")),
            },
            Self::Handle(_) => Err(DecodeError::Handle),
            Self::Pickle => Err(DecodeError::Pickled),
        }
    }

    #[inline(always)]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            _ => self.deserialize_any(visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Float(value) => visitor.visit_f64(value),
            Self::Int(value) => visitor.visit_f64(exact(value.into(), "f64", f64::MANTISSA_DIGITS)?),
            Self::UInt(value) => visitor.visit_f64(exact(value.into(), "f64", f64::MANTISSA_DIGITS)?),
            Self::BigInt(bytes) => match bigint::to_exact_float(bytes) {
                Some(value) => visitor.visit_f64(value),
                None => Err(inexact(BigInt::from_le_bytes(bytes).to_string(), "f64")),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Int(value) => visitor.visit_f64(exact(value.into(), "f32", f32::MANTISSA_DIGITS)?),
            Self::UInt(value) => visitor.visit_f64(exact(value.into(), "f32", f32::MANTISSA_DIGITS)?),
            Self::BigInt(bytes) => Err(inexact(BigInt::from_le_bytes(bytes).to_string(), "f32")),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Handle(offset) if name == HANDLE_NAME => visitor.visit_u64(offset),
            // Any other value would be taken for an offset.
            _ if name == HANDLE_NAME => Err(de::Error::invalid_type(Unexpected::Other("value"), &visitor)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(value) => visitor.visit_enum(BorrowedStrDeserializer::<DecodeError>::new(value)),
            Self::ShortStr(text) => visitor.visit_enum(short_str(&text)?.into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    // `Vec<u8>` and its like read Python's bytes.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let bytes = match &self {
            Self::Bytes(value) => value,
            Self::ShortBytes(text) => text.as_bytes(),
            _ => return self.deserialize_any(visitor),
        };
        de::value::SeqDeserializer::new(bytes.iter().copied()).deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match &self {
            Self::Bytes(value) if value.len() != length => {
                Err(de::Error::invalid_length(value.len(), &visitor))
            }
            Self::ShortBytes(text) if text.as_bytes().len() != length => {
                Err(de::Error::invalid_length(text.as_bytes().len(), &visitor))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf
        unit unit_struct tuple_struct map struct identifier
    }
}
