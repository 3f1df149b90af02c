//! A container of scalars, compared with others part by part where they stand.
//!
//! Most items of a list have the form of the needle: the same containers, the same keys.
//! While all parts were equal so far, the next one stands at the same place in both encodings, and
//! none needs to be decoded.

use super::class::Class;
use crate::decode::{Decoder, Event};
use crate::error::DecodeError;
use std::ops::Range;

/// More parts than these are compared by decoding them.
const MOST: usize = 64;

/// A piece of an encoding.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Where in the encoding.
    at: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The head of a container, or a key: if another stands there, this does not tell.
    Form,
    /// A scalar of this class that is no number: only the same bytes equal it.
    Text(Class),
    Number,
}

/// The parts of a tuple, list or dict, in their order; none if that tells nothing.
pub(super) fn of(bytes: &[u8]) -> Result<Vec<Part>, DecodeError> {
    let mut parts = Vec::new();
    let is_told = collect(&mut Decoder::new(bytes), bytes, false, &mut parts)?;
    if !is_told {
        parts.clear();
    }
    Ok(parts)
}

/// Adds the parts of the next value. `false` if it is not equal to a value of the same bytes, or
/// has too many parts. Recursion ends: the decoder bounds the depth.
fn collect(
    decoder: &mut Decoder<'_>,
    bytes: &[u8],
    is_key: bool,
    parts: &mut Vec<Part>,
) -> Result<bool, DecodeError> {
    let start = decoder.position();
    let event = decoder.next()?;
    let at = start..decoder.position();
    let mut form = |at| parts.push(Part { at, kind: Kind::Form });
    let (count, is_map) = match event {
        Event::List(count) => {
            form(at);
            (count, false)
        }
        Event::Map(count) => {
            form(at);
            (2 * count, true)
        }
        Event::Tuple(count) if bytes[start] == 0xc9 => {
            // The length in bytes between these depends on how numbers are written.
            form(start..start + 1);
            form(start + 5..at.end);
            (count, false)
        }
        Event::Tuple(_) | Event::Set(_) | Event::Handle(_) | Event::Pickle(_) | Event::BufferedPickle(_) => {
            return Ok(false);
        }
        Event::Float(value) if value.is_nan() => return Ok(false),
        _ => {
            let kind = match Class::of(&event) {
                _ if is_key => Kind::Form,
                Class::Number => Kind::Number,
                class => Kind::Text(class),
            };
            parts.push(Part { at, kind });
            return Ok(parts.len() <= MOST);
        }
    };
    for place in 0..count {
        let is_key = is_key || (is_map && place % 2 == 0);
        if parts.len() > MOST || !collect(decoder, bytes, is_key, parts)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `other` is equal to `bytes`, which has these parts; `None` if they do not tell.
#[inline]
pub(super) fn compare(parts: &[Part], bytes: &[u8], other: &[u8]) -> Option<bool> {
    for part in parts {
        let mine = &bytes[part.at.clone()];
        let rest = other.get(part.at.start..)?;
        // No encoding is the beginning of another.
        if !rest.starts_with(mine) {
            return differ(part.kind, mine, rest);
        }
    }
    Some(other.len() == bytes.len())
}

/// Whether a part that is not `mine` makes the whole different: `Some(false)`, or `None`.
fn differ(kind: Kind, mine: &[u8], rest: &[u8]) -> Option<bool> {
    let mut head = [0; 8];
    let length = rest.len().min(8);
    head[..length].copy_from_slice(&rest[..length]);
    let class = Class::of_head(head);
    match kind {
        _ if class.is_foreign() => None,
        Kind::Form => None,
        Kind::Text(_) => Some(false),
        Kind::Number if class != Class::Number => Some(false),
        // Integers have one form each, and so have doubles, but for zero; of two numbers in
        // different forms the bytes do not tell.
        Kind::Number => {
            let is_int = |head: u8| !matches!(head, 0xc2 | 0xc3 | 0xca | 0xcb);
            let is_zero = |double: &[u8]| double.get(2..9).is_none_or(|rest| rest == [0; 7]);
            let are_ints = is_int(mine[0]) && is_int(head[0]);
            let are_doubles = mine[0] == 0xcb && head[0] == 0xcb && !(is_zero(mine) && is_zero(rest));
            let are_bools = mine[0] & 0xfe == 0xc2 && head[0] & 0xfe == 0xc2;
            (are_ints || are_doubles || are_bools).then_some(false)
        }
    }
}
