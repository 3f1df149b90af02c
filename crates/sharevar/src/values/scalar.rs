//! The fast path for keys and values that are an integer, a float or a short text. They fit into
//! words and refer to no variable, so that they need no scope (see [`encode`](crate::encode)).

use crate::shm::ShortBlock;
use serde::Serialize;
use serde::ser::{Error, Impossible, Serializer};
use sharevar_value::{HashSeed, ShortKey, Word};
use std::fmt;

/// The key, if it is short.
#[inline(always)]
pub(crate) fn key<Q: Serialize + ?Sized>(key: &Q, seed: &HashSeed) -> Option<ShortKey> {
    key.serialize(Scalar(AsKey(seed))).ok()
}

/// The value, if it is a word.
#[inline(always)]
pub(crate) fn word<T: Serialize + ?Sized>(value: &T) -> Option<Word> {
    value.serialize(Scalar(AsWord)).ok()
}

/// The same; a short text that is no word is put into `text`.
#[inline(always)]
pub(crate) fn word_or_text<T: Serialize + ?Sized>(value: &T, text: &mut Option<ShortBlock>) -> Option<Word> {
    value.serialize(Scalar(AsWordOrText(text))).ok()
}

/// The target of a scalar, if the scalar fits.
trait Sink {
    type Target;
    fn int(self, value: i64) -> Option<Self::Target>;
    fn float(self, value: f64) -> Option<Self::Target>;
    fn str(self, value: &str) -> Option<Self::Target>;
}

struct AsKey<'a>(&'a HashSeed);

impl Sink for AsKey<'_> {
    type Target = ShortKey;

    #[inline(always)]
    fn int(self, value: i64) -> Option<ShortKey> {
        Some(ShortKey::from_int(value, self.0))
    }

    // A float without a fraction equals an integer; the encoder knows.
    fn float(self, _: f64) -> Option<ShortKey> {
        None
    }

    #[inline(always)]
    fn str(self, value: &str) -> Option<ShortKey> {
        ShortKey::from_str(value, self.0)
    }
}

struct AsWord;

impl Sink for AsWord {
    type Target = Word;

    #[inline(always)]
    fn int(self, value: i64) -> Option<Word> {
        Word::from_int(value)
    }

    #[inline(always)]
    fn float(self, value: f64) -> Option<Word> {
        Word::from_float(value)
    }

    #[inline(always)]
    fn str(self, value: &str) -> Option<Word> {
        Word::from_short_str(value)
    }
}

struct AsWordOrText<'a>(&'a mut Option<ShortBlock>);

impl Sink for AsWordOrText<'_> {
    type Target = Word;

    #[inline(always)]
    fn int(self, value: i64) -> Option<Word> {
        AsWord.int(value)
    }

    #[inline(always)]
    fn float(self, value: f64) -> Option<Word> {
        AsWord.float(value)
    }

    #[inline(always)]
    fn str(self, value: &str) -> Option<Word> {
        let word = AsWord.str(value);
        if word.is_none() {
            *self.0 = ShortBlock::of_str(value);
        }
        word
    }
}

/// The value is encoded the general way, which also reports its errors.
#[derive(Debug)]
struct Otherwise;

impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a scalar")
    }
}

impl std::error::Error for Otherwise {}

impl Error for Otherwise {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Scalar<S>(S);

macro_rules! scalars {
    ($($method:ident($type:ty) => $target:ident;)*) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<S::Target, Otherwise> {
            self.0.$target(value.into()).ok_or(Otherwise)
        }
    )*};
}

macro_rules! others {
    ($($method:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        #[inline(always)]
        fn $method(self, $(_: $argument),*) -> Result<$result, Otherwise> {
            Err(Otherwise)
        }
    )*};
}

type No<S> = Impossible<<S as Sink>::Target, Otherwise>;

impl<S: Sink> Serializer for Scalar<S> {
    type Ok = S::Target;
    type Error = Otherwise;
    type SerializeSeq = No<S>;
    type SerializeTuple = No<S>;
    type SerializeTupleStruct = No<S>;
    type SerializeTupleVariant = No<S>;
    type SerializeMap = No<S>;
    type SerializeStruct = No<S>;
    type SerializeStructVariant = No<S>;

    scalars! {
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
    }

    #[inline(always)]
    fn serialize_u64(self, value: u64) -> Result<S::Target, Otherwise> {
        i64::try_from(value).ok().and_then(|value| self.0.int(value)).ok_or(Otherwise)
    }

    others! {
        serialize_bool(bool) -> S::Target;
        serialize_char(char) -> S::Target;
        serialize_bytes(&[u8]) -> S::Target;
        serialize_none() -> S::Target;
        serialize_unit() -> S::Target;
        serialize_unit_struct(&'static str) -> S::Target;
        serialize_unit_variant(&'static str, u32, &'static str) -> S::Target;
        serialize_seq(Option<usize>) -> No<S>;
        serialize_tuple(usize) -> No<S>;
        serialize_tuple_struct(&'static str, usize) -> No<S>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No<S>;
        serialize_map(Option<usize>) -> No<S>;
        serialize_struct(&'static str, usize) -> No<S>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No<S>;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Target, Otherwise> {
        Err(Otherwise)
    }

    // A handle is a newtype too, and no number.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Target, Otherwise> {
        Err(Otherwise)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<S::Target, Otherwise> {
        Err(Otherwise)
    }
}
