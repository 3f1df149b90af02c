//! Values as the server has them.
//!
//! An integer of a word is decimal digits, so that the server can add to it. `h` and a number is a reference
//! to a variable. `m` and `MessagePack` is any other value; with `r`, numbers and `;` instead of the `m`, it
//! refers to those variables, one number for each reference.

use crate::error::corrupt;
use sharevar::engine::{Content, Handle};
use sharevar::{Error, Result};
use sharevar_value::{Decoder, Encoded, Event, Value, Word};

/// The longest encoding of a value that may be a word.
const LONGEST_WORD: usize = 9;

pub(crate) fn write(value: &Encoded) -> Result<Vec<u8>> {
    match value {
        Encoded::Word(word) => {
            if let Some(int) = word.as_int() {
                return Ok(int.to_string().into_bytes());
            }
            if let Some(number) = word.handle_offset() {
                return Ok(format!("h{number}").into_bytes());
            }
            let value = Value::from_word(*word).ok().flatten().ok_or(corrupt("a word has a meaning"))?;
            Ok(with_tag(&value.encode()?))
        }
        Encoded::Bytes { bytes, handles } if handles.is_empty() => Ok(with_tag(bytes)),
        Encoded::Bytes { bytes, handles } => {
            let numbers: Vec<String> = handles.iter().map(u64::to_string).collect();
            let mut stored = format!("r{};", numbers.join(",")).into_bytes();
            stored.extend_from_slice(bytes);
            Ok(stored)
        }
    }
}

fn with_tag(bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(bytes.len() + 1);
    stored.push(b'm');
    stored.extend_from_slice(bytes);
    stored
}

/// A value as it was read; `handle` makes handles of the numbers it refers to, which the script has counted.
pub(crate) fn read(stored: &[u8], mut handle: impl FnMut(u64) -> Handle) -> Result<Content> {
    let damaged = || corrupt("a stored value is one");
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    match stored.first() {
        Some(b'm') => {
            let bytes = &stored[1..];
            let word = if bytes.len() <= LONGEST_WORD { word(bytes)? } else { None };
            Ok(word.map_or_else(|| Content::Bytes(bytes.to_vec(), Vec::new()), Content::Word))
        }
        Some(b'h') => Ok(Content::Handle(handle(number(&stored[1..]).ok_or_else(damaged)?))),
        Some(b'r') => {
            let end = stored.iter().position(|byte| *byte == b';').ok_or_else(damaged)?;
            let numbers = stored[1..end].split(|byte| *byte == b',');
            let numbers =
                numbers.map(|digits| number(digits).ok_or_else(damaged)).collect::<Result<Vec<_>>>()?;
            Ok(Content::Bytes(stored[end + 1..].to_vec(), numbers.into_iter().map(handle).collect()))
        }
        _ => {
            let int = std::str::from_utf8(stored).ok().and_then(|digits| digits.parse().ok());
            int.and_then(Word::from_int).map(Content::Word).ok_or_else(damaged)
        }
    }
}

/// The word of a short value, if it has one.
fn word(bytes: &[u8]) -> Result<Option<Word>> {
    let mut decoder = Decoder::new(bytes);
    Ok(match decoder.next().map_err(Error::Decode)? {
        Event::None => Some(Word::NONE),
        Event::Bool(value) => Some(Word::from_bool(value)),
        Event::Float(value) => Word::from_float(value),
        Event::Str(text) => Word::from_short_str(text),
        Event::Bytes(bytes) => Word::from_short_bytes(bytes),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was() {
        let values = [
            Value::None,
            Value::Bool(true),
            Value::Int(-(1 << 62)),
            Value::Int(i64::MAX),
            Value::Float(-0.0),
            Value::Float(1e300),
            Value::Float(0.1),
            Value::Str("seven b".to_owned()),
            Value::Str("eight by".to_owned()),
            Value::Bytes(vec![0, 1]),
            Value::Tuple(vec![Value::Int(1)]),
        ];
        for value in values {
            let encoded = value.to_encoded().unwrap();
            let read = read(&write(&encoded).unwrap(), |_| panic!("it refers to nothing")).unwrap();
            match (read, encoded) {
                (Content::Word(read), Encoded::Word(word)) => assert_eq!(read, word),
                (Content::Bytes(read, _), Encoded::Bytes { bytes, .. }) => assert_eq!(read, bytes),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        for stored in [&b""[..], b"x", b"h", b"hx", b"r1", b"r1,;", b"99999999999999999999", b"m"] {
            assert!(read(stored, |_| panic!("no number")).is_err(), "{stored:?}");
        }
    }
}
