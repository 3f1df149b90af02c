//! A deserializer of one part whose bytes are the reader's to keep.

use serde::de::value::SeqDeserializer;
use serde::de::{self, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::error::DecodeError;
use crate::handle::HANDLE_NAME;

/// A long text, or long bytes. What it is read as is what [`ScalarDeserializer`](super::ScalarDeserializer) makes of
/// the same, which only borrows it.
pub(super) enum PartDeserializer {
    Str(String),
    Bytes(Vec<u8>),
}

impl<'de> de::Deserializer<'de> for PartDeserializer {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(text) => visitor.visit_string(text),
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == HANDLE_NAME {
            return Err(de::Error::invalid_type(Unexpected::Other("value"), &visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(text) => visitor.visit_enum(text.into_deserializer()),
            Self::Bytes(_) => self.deserialize_any(visitor),
        }
    }

    // `Vec<u8>` and its like read Python's bytes.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Bytes(bytes) => SeqDeserializer::new(bytes.into_iter()).deserialize_seq(visitor),
            Self::Str(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match &self {
            Self::Bytes(bytes) if bytes.len() != length => {
                Err(de::Error::invalid_length(bytes.len(), &visitor))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use crate::{Encoded, LongPart, Value, from_bytes, from_part, to_encoded};
    use serde::{Deserialize, Serialize};
    use std::fmt::Debug;

    /// Reads a part in both ways: the result, or the error, is the same.
    fn assert_same<T: for<'de> Deserialize<'de> + PartialEq + Debug>(class: LongPart, encoding: &[u8]) {
        let head = encoding.first_chunk().unwrap();
        let (found, start) = LongPart::read_head(head, encoding.len() as u64).unwrap();
        assert_eq!(found, class);
        let whole = from_bytes::<T>(encoding).map_err(|error| error.to_string());
        let part = from_part::<T>(class, encoding[start..].to_vec()).map_err(|error| error.to_string());
        assert_eq!(part, whole);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Named {
        One,
    }

    #[test]
    fn a_part_is_read_as_the_whole_encoding_is() {
        let text = "x".repeat(LongPart::LEAST);
        for (class, value) in [
            (LongPart::Str, Value::from(&*text)),
            (LongPart::Bytes, Value::Bytes(text.clone().into_bytes())),
            (LongPart::Pickle, Value::Pickle(text.clone().into_bytes())),
        ] {
            let Encoded::Bytes { bytes, .. } = value.to_encoded().unwrap() else { unreachable!() };
            assert_same::<String>(class, &bytes);
            assert_same::<Vec<u8>>(class, &bytes);
            assert_same::<Option<Vec<u8>>>(class, &bytes);
            assert_same::<Option<String>>(class, &bytes);
            assert_same::<Wrapped>(class, &bytes);
            assert_same::<Named>(class, &bytes);
            assert_same::<(u8, u8)>(class, &bytes);
            assert_same::<u64>(class, &bytes);
            assert_same::<f64>(class, &bytes);
            assert_same::<()>(class, &bytes);
            assert_same::<serde::de::IgnoredAny>(class, &bytes);
            assert_same::<Vec<String>>(class, &bytes);
        }
        let Encoded::Bytes { bytes, .. } = to_encoded(&Wrapped(text)).unwrap() else { unreachable!() };
        assert_same::<Wrapped>(LongPart::Str, &bytes);
    }

    #[test]
    fn a_text_that_is_no_utf_8_is_refused() {
        assert!(from_part::<String>(LongPart::Str, vec![b'x', 0xff]).is_err());
    }
}
