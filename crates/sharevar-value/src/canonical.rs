//! Bringing a key to the one form that all keys equal to it share.

use crate::bigint::BigInt;
use crate::decode::{Decoder, Event};
use crate::encode::Encoder;
use crate::error::KeyError;

/// A float by Python's equality.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FloatKey {
    /// It equals this integer.
    Int(i64),
    /// It equals an integer beyond `i64`.
    Big(f64),
    /// It equals no integer: it has a fraction, or is infinite or NaN.
    Float(f64),
}

#[inline]
pub(crate) fn float(value: f64) -> FloatKey {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !value.is_finite() || value.trunc().to_bits() << 1 != value.to_bits() << 1 {
        FloatKey::Float(value)
    } else if (-LIMIT..LIMIT).contains(&value) {
        FloatKey::Int(value as i64)
    } else {
        FloatKey::Big(value)
    }
}

impl Encoder {
    /// Writes a float as a key: the integer that it equals, if there is one.
    pub fn key_float(&mut self, value: f64) -> Result<(), KeyError> {
        match float(value) {
            FloatKey::Int(int) => self.int(int),
            FloatKey::Big(value) => self.big_int(BigInt::from_integral(value).as_le_bytes())?,
            FloatKey::Float(value) => self.float(value),
        }
        Ok(())
    }
}

/// Rewrites the next value of `decoder` as a key. Depth is bounded by the decoder.
pub(crate) fn write_next(decoder: &mut Decoder<'_>, encoder: &mut Encoder) -> Result<(), KeyError> {
    match decoder.next()? {
        Event::None => encoder.none(),
        Event::Bool(value) => encoder.int(i64::from(value)),
        Event::Int(value) => encoder.int(value),
        Event::UInt(value) => encoder.uint(value),
        Event::BigInt(bytes) => encoder.big_int(bytes)?,
        Event::Float(value) => encoder.key_float(value)?,
        Event::Str(value) => encoder.str(value)?,
        Event::Bytes(value) => encoder.bytes(value)?,
        Event::Tuple(count) => {
            let body = encoder.begin_tuple(count)?;
            for _ in 0..count {
                write_next(decoder, encoder)?;
            }
            encoder.end_tuple(body)?;
        }
        Event::List(_) => return Err(KeyError::Unhashable { kind: "list" }),
        Event::Map(_) => return Err(KeyError::Unhashable { kind: "dict" }),
        Event::Set(_) => return Err(KeyError::Unhashable { kind: "set" }),
        Event::Handle(_) => {
            return Err(KeyError::Unhashable { kind: "shared variable" });
        }
        Event::Pickle(_) | Event::BufferedPickle(_) => return Err(KeyError::OpaquePart),
    }
    Ok(())
}
