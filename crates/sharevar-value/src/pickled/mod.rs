//! Objects of the standard library that pickle writes in one fixed form, read without Python.
//!
//! The form is that of protocol 5 of the pickle module in C: the class, the state, and the call
//! that makes one of the other, each at its place. Anything else, however near, is not recognised,
//! and stays for Python to compare.

mod decimal;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use decimal::{Decimal, OwnDecimal};
pub(crate) use tree::{LONGEST, Node, read as read_tree};

use crate::layout::{FieldOrder, Parts};
use std::mem::{self, Discriminant};

/// An object whose equality and order are those of its state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pickled<'a> {
    /// `datetime.date`: year, month, day.
    Date([u8; 4]),
    /// `datetime.datetime` without a zone: its 10 bytes, without the fold.
    NaiveDateTime([u8; 10]),
    /// `datetime.datetime` with the offset of a `timezone`: microseconds in UTC.
    AwareDateTime(i64),
    /// `datetime.time` without a zone: its 6 bytes, without the fold.
    NaiveTime([u8; 6]),
    /// `datetime.timedelta`: microseconds.
    TimeDelta(i128),
    /// `uuid.UUID`.
    Uuid(u128),
    /// `decimal.Decimal`, neither infinite nor NaN.
    Decimal(Decimal<'a>),
}

const HEADER: usize = 11;
const LONG1: u8 = 0x8a;
/// The bits that all digits have in common, and no other character of a number has.
const DIGIT: u8 = 0xf0;
/// The bit that a fold has in a month or an hour; it counts neither for equality nor for order.
const FOLD: u8 = 0x80;
const DATETIME: &[u8] = b"\x8c\x08datetime\x94\x8c";
const DATE: &[u8] = b"\x04date\x94\x93\x94C\x04";
const LOCAL: &[u8] = b"\x08datetime\x94\x93\x94C\x0a";
const TIME: &[u8] = b"\x04time\x94\x93\x94C\x06";
const CALL_OF_ONE: &[u8] = b"\x94\x85\x94R\x94.";
const TIMEZONE: &[u8] = b"\x94h\x00\x8c\x08timezone\x94\x93\x94h\x00\x8c\x09timedelta\x94\x93\x94";
const UUID: &[u8] = b"\x8c\x04uuid\x94\x8c\x04UUID\x94\x93\x94)\x81\x94}\x94\x8c\x03int\x94";
const DECIMAL: &[u8] = b"\x8c\x07decimal\x94\x8c\x07Decimal\x94\x93\x94\x8c";

impl<'a> Pickled<'a> {
    /// Returns the object of a pickle, if it is one of these.
    pub(crate) fn read(pickle: &'a [u8]) -> Option<Self> {
        let (header, body) = pickle.split_first_chunk::<HEADER>()?;
        let (start, length) = header.split_at(3);
        if start != b"\x80\x05\x95" || length != (body.len() as u64).to_le_bytes() {
            return None;
        }
        if let Some(rest) = body.strip_prefix(DATETIME) {
            Self::read_of_datetime(rest)
        } else if let Some(rest) = body.strip_prefix(UUID) {
            read_natural(rest.strip_suffix(b"sb.")?).map(Self::Uuid)
        } else {
            let rest = body.strip_prefix(DECIMAL)?;
            let (length, rest) = rest.split_first()?;
            let text = rest.strip_suffix(CALL_OF_ONE)?;
            (text.len() == usize::from(*length)).then(|| Decimal::parse(text))?.map(Self::Decimal)
        }
    }

    fn read_of_datetime(rest: &[u8]) -> Option<Self> {
        if let Some(rest) = rest.strip_prefix(DATE) {
            let state = rest.strip_suffix(CALL_OF_ONE)?;
            return state.try_into().ok().map(Self::Date);
        }
        if let Some(rest) = rest.strip_prefix(LOCAL) {
            let (state, rest) = rest.split_first_chunk::<10>()?;
            let mut state = *state;
            state[2] &= !FOLD;
            if rest == CALL_OF_ONE {
                return Some(Self::NaiveDateTime(state));
            }
            let offset = read_zone(rest.strip_prefix(TIMEZONE)?.strip_suffix(b"\x94\x86\x94R\x94.")?)?;
            return Some(Self::AwareDateTime(microseconds(state)? - offset));
        }
        if let Some(rest) = rest.strip_prefix(TIME) {
            let mut state: [u8; 6] = rest.strip_suffix(CALL_OF_ONE)?.try_into().ok()?;
            state[0] &= !FOLD;
            return Some(Self::NaiveTime(state));
        }
        let rest = rest.strip_prefix(b"\x09timedelta\x94\x93\x94")?;
        read_delta(rest.strip_suffix(b"\x87\x94R\x94.")?).map(Self::TimeDelta)
    }

    /// The same object, if it borrows nothing.
    pub(crate) fn detached(self) -> Option<Pickled<'static>> {
        Some(match self {
            Self::Date(state) => Pickled::Date(state),
            Self::NaiveDateTime(state) => Pickled::NaiveDateTime(state),
            Self::AwareDateTime(time) => Pickled::AwareDateTime(time),
            Self::NaiveTime(state) => Pickled::NaiveTime(state),
            Self::TimeDelta(time) => Pickled::TimeDelta(time),
            Self::Uuid(int) => Pickled::Uuid(int),
            Self::Decimal(_) => return None,
        })
    }

    /// The same for all objects that this one has an order with.
    pub(crate) fn class(self) -> Discriminant<Pickled<'static>> {
        mem::discriminant(&self.detached().unwrap_or(Pickled::Decimal(Decimal::ZERO)))
    }

    /// The number of its class. It stands in shared memory.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Date(_) => 0,
            Self::NaiveDateTime(_) => 1,
            Self::AwareDateTime(_) => 2,
            Self::NaiveTime(_) => 3,
            Self::TimeDelta(_) => 4,
            Self::Uuid(_) => 5,
            Self::Decimal(_) => 6,
        }
    }

    /// Writes bytes that are ordered as the objects of this class are. No one's are the beginning
    /// of another's.
    pub(crate) fn write_order(&self, out: &mut Vec<u8>) {
        match self {
            Self::Date(state) => out.extend_from_slice(state),
            Self::NaiveDateTime(state) => out.extend_from_slice(state),
            Self::NaiveTime(state) => out.extend_from_slice(state),
            Self::AwareDateTime(time) => out.extend((*time as u64 ^ 1 << 63).to_be_bytes()),
            Self::TimeDelta(time) => out.extend((*time as u128 ^ 1 << 127).to_be_bytes()),
            Self::Uuid(int) => out.extend(int.to_be_bytes()),
            Self::Decimal(decimal) => decimal.write_order(out),
        }
    }
}

/// Notes where in an encoding, in which the pickle begins at `start`, another of the same form may
/// differ. `None` if it is none of these objects and no container of them, or if this does not tell
/// whether two are equal.
pub(crate) fn vary(pickle: &[u8], start: usize, parts: &mut Parts) -> Option<()> {
    let Some(object) = Pickled::read(pickle) else {
        return tree::read(pickle)?.vary(pickle, start, parts);
    };
    let of_datetime = HEADER + DATETIME.len();
    let at = match object {
        Pickled::Date(_) => of_datetime + DATE.len()..of_datetime + DATE.len() + 4,
        Pickled::NaiveDateTime(_) | Pickled::AwareDateTime(_) => {
            of_datetime + LOCAL.len()..of_datetime + LOCAL.len() + 10
        }
        Pickled::NaiveTime(_) => of_datetime + TIME.len()..of_datetime + TIME.len() + 6,
        Pickled::Uuid(_) => {
            let (at, end) = (HEADER + UUID.len(), pickle.len() - b"sb.".len());
            // In its long form, behind the opcode and the length.
            if pickle[at] != LONG1 {
                return Some(());
            }
            at + 2..end
        }
        Pickled::Decimal(_) => HEADER + DECIMAL.len() + 1..pickle.len() - CALL_OF_ONE.len(),
        Pickled::TimeDelta(_) => return None,
    };
    vary_state(&object, &pickle[at.clone()], start + at.start, parts)
}

/// Notes where the state of an object, which begins at `at`, may differ.
fn vary_state(object: &Pickled<'_>, state: &[u8], at: usize, parts: &mut Parts) -> Option<()> {
    let all = at..at + state.len();
    match object {
        Pickled::Date(_) => parts.vary(all, FieldOrder::Bytes, 0),
        // Of two with the same offset, the earlier is that of the earlier local time.
        Pickled::NaiveDateTime(_) | Pickled::AwareDateTime(_) => {
            parts.vary(all, FieldOrder::Bytes, 0);
            parts.keep(at + 2..at + 3, FOLD);
        }
        Pickled::NaiveTime(_) => parts.vary(all, FieldOrder::Bytes, FOLD),
        Pickled::Uuid(_) => parts.vary(all, FieldOrder::FromTheLast, 0x80),
        Pickled::Decimal(_) => {
            // With the point at one place, other digits are another number.
            if state.contains(&b'E') {
                return None;
            }
            let order = if state[0] == b'-' { FieldOrder::Opposite } else { FieldOrder::Bytes };
            let mut at = at;
            for digits in state.chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit()) {
                if digits[0].is_ascii_digit() {
                    parts.vary(at..at + digits.len(), order, 0);
                    parts.keep(at..at + digits.len(), DIGIT);
                }
                at += digits.len();
            }
        }
        Pickled::TimeDelta(_) => return None,
    }
    Some(())
}

/// Reads an int that is not negative, all of `bytes`.
fn read_natural(bytes: &[u8]) -> Option<u128> {
    let (digits, most) = match bytes {
        [b'K', digits @ ..] if digits.len() == 1 => (digits, 1),
        [b'M', digits @ ..] if digits.len() == 2 => (digits, 2),
        [b'J', digits @ ..] if digits.len() == 4 && digits[3] < 0x80 => (digits, 4),
        // Two's complement, which has one more byte where the highest bit is set.
        [LONG1, length, digits @ ..] if digits.len() == usize::from(*length) => (digits, 17),
        _ => return None,
    };
    if digits.len() > most || (most == 17 && digits.last().is_none_or(|top| *top >= 0x80)) {
        return None;
    }
    let mut int = [0; 17];
    int[..digits.len()].copy_from_slice(digits);
    let (low, high) = int.split_first_chunk::<16>()?;
    (high == [0]).then(|| u128::from_le_bytes(*low))
}

/// Takes an int of 32 bits from the beginning.
fn take_int(bytes: &mut &[u8]) -> Option<i128> {
    let (int, rest) = match **bytes {
        [b'K', low, ref rest @ ..] => (i128::from(low), rest),
        [b'M', low, high, ref rest @ ..] => (i128::from(u16::from_le_bytes([low, high])), rest),
        [b'J', a, b, c, d, ref rest @ ..] => (i128::from(i32::from_le_bytes([a, b, c, d])), rest),
        _ => return None,
    };
    *bytes = rest;
    Some(int)
}

/// Reads days, seconds and microseconds, all of `bytes`.
fn read_delta(mut bytes: &[u8]) -> Option<i128> {
    let (days, seconds) = (take_int(&mut bytes)?, take_int(&mut bytes)?);
    let microseconds = take_int(&mut bytes)?;
    bytes.is_empty().then_some((days * 86_400 + seconds) * 1_000_000 + microseconds)
}

/// Reads the arguments of a `timezone`: its offset, and a name, or none.
fn read_zone(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.strip_suffix(b"\x94R")?;
    let delta = if let Some(alone) = bytes.strip_suffix(b"\x85") {
        alone.strip_suffix(b"\x87\x94R\x94")?
    } else {
        let named = bytes.strip_suffix(b"\x94\x86")?;
        // An offset with this byte in one of its ints is not recognised.
        let at = named.iter().take(20).position(|byte| *byte == 0x87)?;
        let (delta, rest) = named.split_at(at);
        let name = rest.strip_prefix(b"\x87\x94R\x94\x8c")?;
        if name.len() != usize::from(*name.first()?) + 1 {
            return None;
        }
        delta
    };
    i64::try_from(read_delta(delta)?).ok()
}

/// The microseconds of a `datetime` since the beginning of the year 0.
fn microseconds(state: [u8; 10]) -> Option<i64> {
    let [century, year, month, day, hour, minute, second, micros @ ..] = state.map(i64::from);
    if !(1..=12).contains(&month) {
        return None;
    }
    // Years begin in March, so that the day that is not always there is the last.
    let year = century * 256 + year - i64::from(month < 3);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day;
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + (micros[0] << 16 | micros[1] << 8 | micros[2]))
}
