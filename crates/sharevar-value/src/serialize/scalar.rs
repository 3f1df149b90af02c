//! A serializer that knows scalars only and turns them into their target at once.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

use crate::handle::HANDLE_NAME;
use crate::hash::HashSeed;
use crate::key::Key;
use crate::word::Word;

/// The value is no scalar of this target; the tree serializer is asked instead.
#[derive(Debug)]
pub(super) struct NotScalar;

impl fmt::Display for NotScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a scalar")
    }
}

impl std::error::Error for NotScalar {}

impl ser::Error for NotScalar {
    // The type reports the same error to the tree serializer.
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// The target of a scalar; `None` when the scalar does not fit.
pub(super) trait Sink {
    type Target;
    fn none(self) -> Option<Self::Target>;
    fn bool(self, value: bool) -> Option<Self::Target>;
    fn int(self, value: i64) -> Option<Self::Target>;
    fn uint(self, value: u64) -> Option<Self::Target>;
    fn float(self, value: f64) -> Option<Self::Target>;
    fn str(self, value: &str) -> Option<Self::Target>;
    fn bytes(self, value: &[u8]) -> Option<Self::Target>;
    fn handle(self, offset: u64) -> Option<Self::Target>;
}

pub(super) struct WordSink;

impl Sink for WordSink {
    type Target = Word;

    #[inline]
    fn none(self) -> Option<Word> {
        Some(Word::NONE)
    }

    #[inline]
    fn bool(self, value: bool) -> Option<Word> {
        Some(Word::from_bool(value))
    }

    #[inline]
    fn int(self, value: i64) -> Option<Word> {
        Word::from_int(value)
    }

    #[inline]
    fn uint(self, value: u64) -> Option<Word> {
        i64::try_from(value).ok().and_then(Word::from_int)
    }

    #[inline]
    fn float(self, value: f64) -> Option<Word> {
        Word::from_float(value)
    }

    #[inline]
    fn str(self, value: &str) -> Option<Word> {
        Word::from_short_str(value)
    }

    #[inline]
    fn bytes(self, value: &[u8]) -> Option<Word> {
        Word::from_short_bytes(value)
    }

    #[inline]
    fn handle(self, offset: u64) -> Option<Word> {
        Some(Word::handle(offset))
    }
}

pub(super) struct KeySink<'a>(pub(super) &'a HashSeed);

impl Sink for KeySink<'_> {
    type Target = Key;

    #[inline]
    fn none(self) -> Option<Key> {
        Some(Key::from_none(self.0))
    }

    #[inline]
    fn bool(self, value: bool) -> Option<Key> {
        Some(Key::from_bool(value, self.0))
    }

    #[inline]
    fn int(self, value: i64) -> Option<Key> {
        Some(Key::from_int(value, self.0))
    }

    #[inline]
    fn uint(self, value: u64) -> Option<Key> {
        Some(Key::from_uint(value, self.0))
    }

    #[inline]
    fn float(self, value: f64) -> Option<Key> {
        Some(Key::from_float(value, self.0))
    }

    #[inline]
    fn str(self, value: &str) -> Option<Key> {
        Key::from_str(value, self.0).ok()
    }

    #[inline]
    fn bytes(self, value: &[u8]) -> Option<Key> {
        Key::from_bytes(value, self.0).ok()
    }

    #[inline]
    fn handle(self, _offset: u64) -> Option<Key> {
        None
    }
}

pub(super) struct ScalarSerializer<S> {
    sink: S,
    is_handle: bool,
}

impl<S> ScalarSerializer<S> {
    #[inline]
    pub(super) fn new(sink: S) -> Self {
        Self { sink, is_handle: false }
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) => $target:ident;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<Self::Ok, NotScalar> {
            self.sink.$target(value.into()).ok_or(NotScalar)
        }
    )*};
}

macro_rules! compounds {
    ($($method:ident($($argument:ty),*) -> $associated:ident;)*) => {$(
        #[inline]
        fn $method(self, $(_: $argument),*) -> Result<Self::$associated, NotScalar> {
            Err(NotScalar)
        }
    )*};
}

impl<S: Sink> ser::Serializer for ScalarSerializer<S> {
    type Ok = S::Target;
    type Error = NotScalar;
    type SerializeSeq = Impossible<S::Target, NotScalar>;
    type SerializeTuple = Impossible<S::Target, NotScalar>;
    type SerializeTupleStruct = Impossible<S::Target, NotScalar>;
    type SerializeTupleVariant = Impossible<S::Target, NotScalar>;
    type SerializeMap = Impossible<S::Target, NotScalar>;
    type SerializeStruct = Impossible<S::Target, NotScalar>;
    type SerializeStructVariant = Impossible<S::Target, NotScalar>;

    scalars! {
        serialize_bool(bool) => bool;
        serialize_i8(i8) => int;
        serialize_i16(i16) => int;
        serialize_i32(i32) => int;
        serialize_i64(i64) => int;
        serialize_u8(u8) => int;
        serialize_u16(u16) => int;
        serialize_u32(u32) => int;
        serialize_f32(f32) => float;
        serialize_f64(f64) => float;
        serialize_str(&str) => str;
        serialize_bytes(&[u8]) => bytes;
    }

    compounds! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<Self::Ok, NotScalar> {
        if self.is_handle { self.sink.handle(value) } else { self.sink.uint(value) }.ok_or(NotScalar)
    }

    fn serialize_i128(self, value: i128) -> Result<Self::Ok, NotScalar> {
        i64::try_from(value).ok().and_then(|value| self.sink.int(value)).ok_or(NotScalar)
    }

    fn serialize_u128(self, value: u128) -> Result<Self::Ok, NotScalar> {
        u64::try_from(value).ok().and_then(|value| self.sink.uint(value)).ok_or(NotScalar)
    }

    fn serialize_char(self, value: char) -> Result<Self::Ok, NotScalar> {
        self.sink.str(value.encode_utf8(&mut [0; 4])).ok_or(NotScalar)
    }

    #[inline]
    fn serialize_none(self) -> Result<Self::Ok, NotScalar> {
        self.sink.none().ok_or(NotScalar)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, NotScalar> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<Self::Ok, NotScalar> {
        self.sink.none().ok_or(NotScalar)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Self::Ok, NotScalar> {
        self.sink.none().ok_or(NotScalar)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, NotScalar> {
        self.sink.str(variant).ok_or(NotScalar)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, NotScalar> {
        self.is_handle = name == HANDLE_NAME;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Self::Ok, NotScalar> {
        Err(NotScalar)
    }

    // Its default writes the text into a String first, which the tree serializer would do again.
    fn collect_str<T: fmt::Display + ?Sized>(self, _value: &T) -> Result<Self::Ok, NotScalar> {
        Err(NotScalar)
    }
}
