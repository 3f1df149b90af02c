//! A deserializer of the next value of a decoder.

use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::compound::{self, Elements, Variant};
use super::scalar::ScalarDeserializer;
use crate::decode::{Decoder, Event};
use crate::error::DecodeError;

pub(super) struct TreeDeserializer<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
}

/// A scalar, or the number of elements of a container that follow.
enum Next<'de> {
    Scalar(ScalarDeserializer<'de>),
    Sequence(usize),
    Map(usize),
}

impl<'a, 'de> TreeDeserializer<'a, 'de> {
    pub(super) fn new(decoder: &'a mut Decoder<'de>) -> Self {
        Self { decoder }
    }

    fn next(&mut self) -> Result<Next<'de>, DecodeError> {
        Ok(Next::Scalar(match self.decoder.next()? {
            Event::None => ScalarDeserializer::None,
            Event::Bool(value) => ScalarDeserializer::Bool(value),
            Event::Int(value) => ScalarDeserializer::Int(value),
            Event::UInt(value) => ScalarDeserializer::UInt(value),
            Event::BigInt(bytes) => ScalarDeserializer::BigInt(bytes),
            Event::Float(value) => ScalarDeserializer::Float(value),
            Event::Str(value) => ScalarDeserializer::Str(value),
            Event::Bytes(value) => ScalarDeserializer::Bytes(value),
            Event::Handle(offset) => ScalarDeserializer::Handle(offset),
            Event::Pickle(_) | Event::BufferedPickle(_) => ScalarDeserializer::Pickle,
            Event::List(count) | Event::Tuple(count) | Event::Set(count) => {
                return Ok(Next::Sequence(count));
            }
            Event::Map(count) => return Ok(Next::Map(count)),
        }))
    }

    /// Hands a scalar to `scalar` and a container to the visitor.
    fn dispatch<V: Visitor<'de>>(
        mut self,
        visitor: V,
        scalar: impl FnOnce(ScalarDeserializer<'de>, V) -> Result<V::Value, DecodeError>,
    ) -> Result<V::Value, DecodeError> {
        match self.next()? {
            Next::Scalar(value) => scalar(value, visitor),
            Next::Sequence(count) => Elements::new(self.decoder, count).visit_seq(visitor),
            Next::Map(count) => Elements::new(self.decoder, count).visit_map(visitor),
        }
    }
}

macro_rules! forward_scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.dispatch(visitor, |scalar, visitor| de::Deserializer::$method(scalar, visitor))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for TreeDeserializer<'_, 'de> {
    type Error = DecodeError;

    forward_scalars! { deserialize_any deserialize_f32 deserialize_f64 deserialize_seq }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.dispatch(visitor, |scalar, visitor| scalar.deserialize_tuple(length, visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.decoder.is_none_next() {
            self.decoder.next()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name != crate::handle::HANDLE_NAME {
            return visitor.visit_newtype_struct(self);
        }
        match self.next()? {
            Next::Scalar(scalar) => scalar.deserialize_newtype_struct(name, visitor),
            Next::Sequence(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
            Next::Map(_) => Err(de::Error::invalid_type(de::Unexpected::Map, &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.next()? {
            Next::Scalar(scalar) => scalar.deserialize_enum(name, variants, visitor),
            Next::Map(1) => visitor.visit_enum(Variant::new(self.decoder)),
            Next::Map(_) | Next::Sequence(_) => Err(compound::not_a_variant(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.decoder.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf
        unit unit_struct tuple_struct map struct identifier
    }
}
