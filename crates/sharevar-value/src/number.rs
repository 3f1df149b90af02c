//! Numbers of all classes, compared exactly.

use crate::bigint::{self, Reduced};
use crate::canonical::{self, FloatKey};
use crate::decode::Event;
use crate::encode::Encoder;
use std::cmp::Ordering;

/// Whether two numbers are equal, exactly, whatever their classes. A NaN equals nothing.
pub(crate) fn are_equal(left: &Event<'_>, right: &Event<'_>) -> bool {
    match (small(left), small(right)) {
        (Some(left), Some(right)) => left == right,
        (None, None) => match (left, right) {
            // Neither equals an integer of 64 bits: the rest is decided by value, or by the bytes
            // of the one form that equal numbers have.
            (Event::Float(left), Event::Float(right)) => left.partial_cmp(right) == Some(Ordering::Equal),
            (Event::UInt(left), Event::UInt(right)) => left == right,
            (Event::BigInt(left), Event::BigInt(right)) => bigint::reduce(left) == bigint::reduce(right),
            (Event::UInt(_), Event::BigInt(bytes)) | (Event::BigInt(bytes), Event::UInt(_))
                if matches!(bigint::reduce(bytes), Reduced::Big(_)) =>
            {
                false
            }
            _ => large(left).is_some_and(|left| Some(left) == large(right)),
        },
        _ => false,
    }
}

/// The integer of 64 bits that a number equals.
pub(crate) fn small(event: &Event<'_>) -> Option<i64> {
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
        Event::Float(value) if value.is_finite() => encoder.key_float(value).ok()?,
        _ => return None,
    }
    Some(encoder.as_slice().to_vec())
}

/// Writes bytes that are ordered as numbers are, of whatever classes: equal ones have equal bytes,
/// and no one's are the beginning of another's. `None` if it is NaN, or no number.
///
/// They are those of the magnitude, inverted if it is negative: the exponent, then the binary
/// digits from the first one on, eight bytes at a time, each followed by whether there are more.
pub(crate) fn write_order(event: &Event<'_>, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let is_negative = match *event {
        Event::Bool(value) => write_magnitude(u64::from(value), 0, out),
        Event::Int(value) => {
            write_magnitude(value.unsigned_abs(), 0, out);
            value < 0
        }
        Event::UInt(value) => write_magnitude(value, 0, out),
        Event::BigInt(bytes) => write_big_int(bytes, out),
        Event::Float(value) if value.is_nan() => return None,
        Event::Float(value) if value.is_infinite() => {
            out.push(0xff);
            value < 0.0
        }
        Event::Float(value) => {
            let bits = value.to_bits();
            let exponent = (bits >> 52 & 0x7ff) as i64;
            let significand = bits & ((1 << 52) - 1) | u64::from(exponent != 0) << 52;
            write_magnitude(significand, exponent.max(1) - 1075, out);
            value < 0.0
        }
        _ => return None,
    };
    if is_negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Some(())
}

const ZERO: u8 = 0x80;

/// Writes `digits` times two to the power of `exponent`. `false`: it is not negative.
fn write_magnitude(digits: u64, exponent: i64, out: &mut Vec<u8>) -> bool {
    if digits == 0 {
        out.push(ZERO);
        return false;
    }
    let shift = digits.leading_zeros();
    write_exponent(exponent + 64 - i64::from(shift), out);
    out.extend((digits << shift).to_be_bytes());
    out.push(0);
    false
}

/// The common exponents take one byte.
fn write_exponent(exponent: i64, out: &mut Vec<u8>) {
    if (1..=64).contains(&exponent) {
        return out.push(0x81 + exponent as u8);
    }
    out.push(if exponent < 1 { 0x81 } else { 0xc2 });
    out.extend((exponent as u64 ^ 1 << 63).to_be_bytes());
}

/// Writes the magnitude of two's complement, lowest byte first. Whether it is negative.
fn write_big_int(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let is_negative = bytes.last().is_some_and(|top| *top >= 0x80);
    let mut carry = true;
    let mut magnitude = |byte: u8| {
        if !is_negative {
            return byte;
        }
        let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
        carry = overflow;
        sum
    };
    let mut digits: Vec<u8> = bytes.iter().map(|byte| magnitude(*byte)).collect();
    digits.reverse();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    let Some(first) = digits.first() else {
        out.push(ZERO);
        return false;
    };
    let shift = first.leading_zeros();
    write_exponent(digits.len() as i64 * 8 - i64::from(shift), out);
    if shift > 0 {
        for place in 0..digits.len() {
            let next = digits.get(place + 1).copied().unwrap_or(0);
            digits[place] = digits[place] << shift | next >> (8 - shift);
        }
    }
    let end = digits.iter().rposition(|digit| *digit != 0).map_or(1, |last| last + 1);
    let mut chunks = digits[..end].chunks(8).peekable();
    while let Some(chunk) = chunks.next() {
        out.extend_from_slice(chunk);
        out.resize(out.len() + 8 - chunk.len(), 0);
        out.push(u8::from(chunks.peek().is_some()));
    }
    is_negative
}
