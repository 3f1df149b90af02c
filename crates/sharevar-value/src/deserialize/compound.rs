//! The elements of a container, and the content of an enum's variant.

use serde::de::{
    self, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::tree::TreeDeserializer;
use crate::decode::Decoder;
use crate::error::DecodeError;

pub(super) struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'a, 'de> Elements<'a, 'de> {
    pub(super) fn new(decoder: &'a mut Decoder<'de>, left: usize) -> Self {
        Self { decoder, left }
    }

    pub(super) fn visit_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let length = self.left;
        let value = visitor.visit_seq(&mut self)?;
        self.used_up(length, value)
    }

    pub(super) fn visit_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let length = self.left;
        let value = visitor.visit_map(&mut self)?;
        self.used_up(length, value)
    }

    /// A visitor that stops early would leave elements, which would be read as the next value.
    fn used_up<T>(&self, length: usize, value: T) -> Result<T, DecodeError> {
        if self.left == 0 {
            return Ok(value);
        }
        Err(de::Error::invalid_length(length, &format!("{} elements", length - self.left).as_str()))
    }

    fn take(&mut self) -> Option<TreeDeserializer<'_, 'de>> {
        self.left = self.left.checked_sub(1)?;
        Some(TreeDeserializer::new(self.decoder))
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.take().map(|element| seed.deserialize(element)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.take().map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        seed.deserialize(TreeDeserializer::new(self.decoder))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A dict of one entry: the variant's name and its content.
pub(super) struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
}

impl<'a, 'de> Variant<'a, 'de> {
    pub(super) fn new(decoder: &'a mut Decoder<'de>) -> Self {
        Self { decoder }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DecodeError> {
        let name = seed.deserialize(TreeDeserializer::new(self.decoder))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        de::Deserialize::deserialize(TreeDeserializer::new(self.decoder))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(TreeDeserializer::new(self.decoder))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_tuple(TreeDeserializer::new(self.decoder), length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_any(TreeDeserializer::new(self.decoder), visitor)
    }
}

pub(super) fn not_a_variant(expected: &dyn Expected) -> DecodeError {
    de::Error::invalid_type(Unexpected::Other("container that is no dict of one entry"), expected)
}
