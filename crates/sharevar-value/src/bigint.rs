//! Integers beyond 64 bits, as bytes. No arithmetic: they are stored, compared and shown.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// An integer in two's complement, lowest byte first, in as few bytes as it needs.
///
/// Since the bytes are minimal, equal integers have equal bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BigInt(Vec<u8>);

/// An integer in the smallest of the three forms that exist for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reduced<'a> {
    Int(i64),
    UInt(u64),
    Big(&'a [u8]),
}

/// Cuts redundant sign bytes off and recognises what fits 64 bits.
pub(crate) fn reduce(le_bytes: &[u8]) -> Reduced<'_> {
    let minimal = minimal(le_bytes);
    match minimal.len() {
        0..=8 => Reduced::Int(i64::from_le_bytes(extended(minimal))),
        9 if minimal[8] == 0 => Reduced::UInt(u64::from_le_bytes(extended(&minimal[..8]))),
        _ => Reduced::Big(minimal),
    }
}

fn minimal(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., below, top] = bytes {
        let sign = if below & 0x80 == 0 { 0 } else { 0xff };
        if *top != sign {
            break;
        }
        bytes = &bytes[..=rest.len()];
    }
    bytes
}

fn extended<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [if is_negative(bytes) { 0xff } else { 0 }; N];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

fn is_negative(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|top| top & 0x80 != 0)
}

fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut carry = true;
    let mut out: Vec<u8> = bytes
        .iter()
        .map(|byte| {
            let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
            carry = overflow;
            sum
        })
        .collect();
    // The most negative integer of a width needs one byte more when positive.
    if !out.is_empty() && is_negative(bytes) && is_negative(&out) {
        out.push(0);
    }
    out
}

impl BigInt {
    /// From two's complement, lowest byte first; redundant sign bytes are cut off.
    pub fn from_le_bytes(bytes: &[u8]) -> Self {
        Self(minimal(bytes).to_vec())
    }

    /// Two's complement, lowest byte first, minimal.
    pub fn as_le_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same integer as an `i128`, if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        to_i128(&self.0)
    }

    /// The same integer as a `u128`, if it fits.
    pub fn to_u128(&self) -> Option<u128> {
        to_u128(&self.0)
    }

    /// The integer that a finite double without a fraction stands for.
    pub(crate) fn from_integral(value: f64) -> Self {
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as usize;
        let significand = (bits & ((1 << 52) - 1)) | (u64::from(exponent != 0) << 52);
        // value = significand * 2^(exponent - 1075)
        let mut bytes = if let Some(shift) = exponent.checked_sub(1075) {
            let mut bytes = vec![0; shift / 8];
            bytes.extend_from_slice(&(u128::from(significand) << (shift % 8)).to_le_bytes());
            bytes
        } else {
            let right = 1075 - exponent;
            (if right < 64 { significand >> right } else { 0 }).to_le_bytes().to_vec()
        };
        bytes.push(0);
        if value < 0.0 {
            bytes = negated(&bytes);
        }
        Self::from_le_bytes(&bytes)
    }
}

pub(crate) fn to_i128(le_bytes: &[u8]) -> Option<i128> {
    let bytes = minimal(le_bytes);
    (bytes.len() <= 16).then(|| i128::from_le_bytes(extended(bytes)))
}

pub(crate) fn to_u128(le_bytes: &[u8]) -> Option<u128> {
    let bytes = minimal(le_bytes);
    if is_negative(bytes) {
        return None;
    }
    match bytes {
        [low @ .., 0] if low.len() == 16 => Some(u128::from_le_bytes(extended(&[low, &[0]].concat()))),
        _ if bytes.len() <= 16 => Some(u128::from_le_bytes(extended(bytes))),
        _ => None,
    }
}

/// The double that is exactly this integer, if there is one.
pub(crate) fn to_exact_float(le_bytes: &[u8]) -> Option<f64> {
    let bytes = minimal(le_bytes);
    let magnitude = if is_negative(bytes) { Cow::Owned(negated(bytes)) } else { Cow::Borrowed(bytes) };
    // Beyond 2^1024 there is no finite double.
    if magnitude.len() > 130 {
        return None;
    }
    // Each step is exact or rounds; the comparison below catches rounding.
    let mut float = magnitude.iter().rev().fold(0.0, |sum: f64, &byte| sum * 256.0 + f64::from(byte));
    if is_negative(bytes) {
        float = -float;
    }
    (float.is_finite() && BigInt::from_integral(float).as_le_bytes() == bytes).then_some(float)
}

/// In decimal, as Python's `repr` shows it.
impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHUNK: u64 = 1_000_000_000;
        let negative = is_negative(&self.0);
        let magnitude = if negative { negated(&self.0) } else { self.0.clone() };
        let mut limbs: Vec<u64> =
            magnitude.chunks(4).map(|chunk| u64::from(u32::from_le_bytes(padded(chunk)))).collect();
        let mut groups = Vec::new();
        while !limbs.is_empty() {
            let mut remainder = 0;
            for limb in limbs.iter_mut().rev() {
                let current = (remainder << 32) | *limb;
                *limb = current / CHUNK;
                remainder = current % CHUNK;
            }
            while limbs.last() == Some(&0) {
                limbs.pop();
            }
            groups.push(remainder);
        }
        let mut digits = groups.pop().unwrap_or(0).to_string();
        for group in groups.iter().rev() {
            write!(digits, "{group:09}")?;
        }
        f.pad_integral(!negative, "", &digits)
    }
}

impl fmt::Debug for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn padded(chunk: &[u8]) -> [u8; 4] {
    let mut out = [0; 4];
    out[..chunk.len()].copy_from_slice(chunk);
    out
}

impl From<i128> for BigInt {
    fn from(value: i128) -> Self {
        Self::from_le_bytes(&value.to_le_bytes())
    }
}

impl From<u128> for BigInt {
    fn from(value: u128) -> Self {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&value.to_le_bytes());
        Self::from_le_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_decimal_and_reduces() {
        for value in [
            0,
            1,
            -1,
            255,
            -256,
            i128::from(i64::MIN),
            i128::MAX,
            i128::MIN,
            10_i128.pow(18),
            -(10_i128.pow(27)),
        ] {
            let big = BigInt::from(value);
            assert_eq!(big.to_string(), value.to_string());
            assert_eq!(big.to_i128(), Some(value));
        }
        assert_eq!(BigInt::from(u128::MAX).to_string(), u128::MAX.to_string());
        assert_eq!(BigInt::from(u128::MAX).to_u128(), Some(u128::MAX));
        assert_eq!(BigInt::from(-1_i128).to_u128(), None);
        assert_eq!(reduce(&[]), Reduced::Int(0));
        assert_eq!(reduce(&[0xff; 20]), Reduced::Int(-1));
        assert_eq!(reduce(&u64::MAX.to_le_bytes()), Reduced::Int(-1));
        assert_eq!(reduce(BigInt::from(u128::from(u64::MAX)).as_le_bytes()), Reduced::UInt(u64::MAX));
    }

    #[test]
    fn doubles_and_integers_convert_exactly() {
        for value in [0.0, 1.0, -1.0, 1e15, 1e22, -1e22, f64::MAX, f64::MIN, 9_007_199_254_740_992.0, 1.8e19]
        {
            let big = BigInt::from_integral(value);
            assert_eq!(to_exact_float(big.as_le_bytes()), Some(value), "{value}");
        }
        assert_eq!(BigInt::from_integral(1e22).to_string(), "10000000000000000000000");
        assert_eq!(to_exact_float(BigInt::from((1_i128 << 53) + 1).as_le_bytes()), None);
        let mut beyond = vec![0; 128];
        beyond.push(1);
        assert_eq!(to_exact_float(&beyond), None);
    }
}
