//! Decimals, as Python shows them.

/// A decimal number: 0.DIGITS times a power of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    is_negative: bool,
    /// Of the first digit; of zero, 0.
    exponent: i64,
    /// Before the point and behind it; both begin with no zero, unless the other has digits.
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> Decimal<'a> {
    pub(super) const ZERO: Decimal<'static> =
        Decimal { is_negative: false, exponent: 0, whole: &[], fraction: &[] };

    /// Reads what `str(Decimal)` gives.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (is_negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let (mut point, mut end) = (None, text.len());
        for (place, byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {}
                b'.' if point.is_none() => point = Some(place),
                b'E' => {
                    end = place;
                    break;
                }
                _ => return None,
            }
        }
        let exponent = match text.get(end + 1..) {
            None => 0,
            Some(exponent) => std::str::from_utf8(exponent).ok()?.parse::<i64>().ok()?,
        };
        // Python's own stay far below.
        if exponent.unsigned_abs() > 1 << 62 || end == usize::from(point.is_some()) {
            return None;
        }
        let (whole, fraction) = match point {
            None => (&text[..end], &[][..]),
            Some(point) => (&text[..point], &text[point + 1..end]),
        };
        let before = whole.iter().position(|digit| *digit != b'0');
        let whole = &whole[before.unwrap_or(whole.len())..];
        let behind =
            if whole.is_empty() { fraction.iter().position(|digit| *digit != b'0') } else { Some(0) };
        let zeros = behind.unwrap_or(fraction.len());
        let fraction = &fraction[zeros..];
        let is_zero = whole.is_empty() && fraction.is_empty();
        let exponent = if is_zero { 0 } else { exponent + whole.len() as i64 - zeros as i64 };
        Some(Self { is_negative: is_negative && !is_zero, exponent, whole, fraction })
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        let zeros = |digits: &[u8]| digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let fraction = &self.fraction[..self.fraction.len() - zeros(self.fraction)];
        let whole = &self.whole[..self.whole.len() - if fraction.is_empty() { zeros(self.whole) } else { 0 }];
        whole.iter().chain(fraction).copied()
    }

    pub(super) fn write_order(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.whole.is_empty() && self.fraction.is_empty() {
            return out.push(0x80);
        }
        // One byte for the common exponents.
        match self.exponent {
            exponent @ -60..=60 => out.push((0xc0 + exponent) as u8),
            exponent => {
                out.push(if exponent < 0 { 0x81 } else { 0xfe });
                out.extend((exponent as u64 ^ 1 << 63).to_be_bytes());
            }
        }
        out.extend(self.digits());
        out.push(0);
        if self.is_negative {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

/// A decimal number that borrows nothing.
#[derive(Debug, Clone)]
pub(crate) struct OwnDecimal {
    is_negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl OwnDecimal {
    pub(crate) fn is(&self, other: &Decimal<'_>) -> bool {
        (self.is_negative, self.exponent) == (other.is_negative, other.exponent)
            && other.digits().eq(self.digits.iter().copied())
    }
}

impl From<Decimal<'_>> for OwnDecimal {
    fn from(decimal: Decimal<'_>) -> Self {
        let Decimal { is_negative, exponent, .. } = decimal;
        Self { is_negative, exponent, digits: decimal.digits().collect() }
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.is_negative, self.exponent) == (other.is_negative, other.exponent)
            && self.digits().eq(other.digits())
    }
}
