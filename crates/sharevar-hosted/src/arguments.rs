//! The arguments of a call: those by position, and those by name.

use super::protocol::Refusal;
use super::refused::Refused;
use serde::{Deserialize, Serialize};
use sharevar_value::{DecodeError, Decoder, EncodeError, Event, append_bytes, from_bytes, from_prefix};
use std::ops::Range;

/// An empty list: no arguments.
pub(super) const NONE: u8 = 0x90;
/// The encoding of the unit, which is Rust's tuple of no elements.
const UNIT: u8 = 0xc0;
/// A list with a length of 32 bits.
const LIST: u8 = 0xdd;

/// Appends the arguments of a call: a tuple.
#[inline]
pub(super) fn write<A: Serialize + ?Sized>(arguments: &A, frame: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = frame.len();
    append_bytes(arguments, frame)?;
    if frame[start..] == [UNIT] {
        frame.truncate(start);
        frame.push(NONE);
    }
    Ok(())
}

/// Reads a tuple of the arguments in the order of `names`.
#[inline]
pub(super) fn read<'a: 'b, 'b, T: Deserialize<'b>>(
    method: &str,
    arguments: &'a [u8],
    names: &[&str],
    ordered: &'b mut Option<Vec<u8>>,
) -> Result<T, Refused> {
    if let Ok((read, [])) = from_prefix::<T>(arguments) {
        return Ok(read);
    }
    let ordered = ordered.insert(in_order(method, arguments, names)?);
    from_bytes(ordered).map_err(|error| refused(format!("{method}({}): {error}", names.join(", "))))
}

/// All arguments as a list in the order of `names`.
#[cold]
pub(super) fn in_order(method: &str, arguments: &[u8], names: &[&str]) -> Result<Vec<u8>, Refused> {
    let unreadable =
        |error: DecodeError| refused(format!("the arguments of {method} cannot be read: {error}"));
    let (mut found, rest) = positional(arguments).map_err(unreadable)?;
    if found.len() > names.len() {
        let (given, taken) = (found.len(), names.len());
        return Err(refused(format!("{method}({}) takes {taken} arguments, not {given}", names.join(", "))));
    }
    let mut values: Vec<_> = found.drain(..).map(Some).collect();
    values.resize(names.len(), None);
    for (name, value) in by_name(rest).map_err(unreadable)? {
        let position = names.iter().position(|known| *known == name);
        match position.and_then(|position| values.get_mut(position)) {
            None => return Err(refused(format!("{method}({}) has no argument {name:?}", names.join(", ")))),
            Some(Some(_)) => return Err(refused(format!("{method} is given {name:?} twice"))),
            Some(unset) => *unset = Some(value),
        }
    }
    let mut ordered = vec![LIST];
    ordered.extend_from_slice(&(names.len() as u32).to_be_bytes());
    for (name, value) in names.iter().zip(values) {
        match value {
            Some(value) => ordered.extend_from_slice(value),
            None => return Err(refused(format!("{method}({}) lacks {name:?}", names.join(", ")))),
        }
    }
    Ok(ordered)
}

fn refused(message: String) -> Refused {
    Refused::new(Refusal::Arguments, message)
}

/// The bytes of each argument by position, and the rest.
fn positional(arguments: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), DecodeError> {
    let mut decoder = Decoder::new(arguments);
    let count = match decoder.next()? {
        Event::None => 0,
        Event::List(count) | Event::Tuple(count) => count,
        Event::Pickle(_) | Event::BufferedPickle(_) => return Err(DecodeError::Pickled),
        _ => return Err(DecodeError::Invalid { what: "list of arguments", at: 0 }),
    };
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(&arguments[skipped(&mut decoder)?]);
    }
    Ok((found, decoder.rest()?))
}

/// The names and the bytes of each argument by name.
fn by_name(arguments: &[u8]) -> Result<Vec<(&str, &[u8])>, DecodeError> {
    if arguments.is_empty() {
        return Ok(Vec::new());
    }
    let mut decoder = Decoder::new(arguments);
    let Event::Map(count) = decoder.next()? else {
        return Err(DecodeError::Invalid { what: "map of arguments", at: 0 });
    };
    let mut found = Vec::new();
    for _ in 0..count {
        let Event::Str(name) = decoder.next()? else {
            return Err(DecodeError::Invalid { what: "name of an argument", at: decoder.position() });
        };
        found.push((name, &arguments[skipped(&mut decoder)?]));
    }
    decoder.finish()?;
    Ok(found)
}

fn skipped(decoder: &mut Decoder<'_>) -> Result<Range<usize>, DecodeError> {
    let start = decoder.position();
    decoder.skip()?;
    Ok(start..decoder.position())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharevar_value::Value;

    fn call(positional: &[Value], named: &[(&str, Value)]) -> Vec<u8> {
        let mut bytes = Value::Tuple(positional.to_vec()).encode().unwrap();
        if !named.is_empty() {
            let named = named.iter().map(|(name, value)| (Value::from(*name), value.clone())).collect();
            bytes.extend(Value::Map(named).encode().unwrap());
        }
        bytes
    }

    fn two(bytes: &[u8]) -> Result<(i64, String), String> {
        let mut ordered = None;
        let read = read::<(i64, &str)>("put", bytes, &["number", "text"], &mut ordered);
        read.map(|(number, text)| (number, text.to_owned())).map_err(|refused| refused.message)
    }

    #[test]
    fn arguments_come_by_position_and_by_name() {
        let right = Ok((5, "five".to_owned()));
        let (number, text) = (|| Value::from(5), || Value::from("five"));
        assert_eq!(two(&call(&[number(), text()], &[])), right);
        assert_eq!(two(&call(&[number()], &[("text", text())])), right);
        assert_eq!(two(&call(&[], &[("text", text()), ("number", number())])), right);
        let empty = Value::Map(Vec::new()).encode().unwrap();
        assert_eq!(two(&[call(&[number(), text()], &[]), empty].concat()), right);
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        let (number, text) = (|| Value::from(5), || Value::from("five"));
        let told = |bytes: &[u8], part: &str| {
            let message = two(bytes).unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        told(&call(&[number()], &[]), "lacks \"text\"");
        told(&call(&[number(), text(), number()], &[]), "takes 2 arguments, not 3");
        told(&call(&[number(), text()], &[("text", text())]), "\"text\" twice");
        told(&call(&[number()], &[("txt", text())]), "no argument \"txt\"");
        told(&call(&[text(), number()], &[]), "put(number, text): ");
        told(&Value::from(5).encode().unwrap(), "list of arguments");
        told(&Value::Pickle(vec![1]).encode().unwrap(), "pickle");
        told(&[], "cannot be read");
        told(&[call(&[number(), text()], &[]), vec![0xff]].concat(), "map of arguments");
    }

    #[test]
    fn no_arguments_are_an_empty_list() {
        let mut frame = Vec::new();
        write(&(), &mut frame).unwrap();
        assert_eq!(frame, [NONE]);
        for bytes in [frame, vec![UNIT], call(&[], &[])] {
            assert!(in_order("get", &bytes, &[]).is_ok());
        }
        assert!(in_order("get", &call(&[1.into()], &[]), &[]).is_err());
    }
}
