//! Showing a value as Python's `repr` would.

use std::fmt::{self, Display, Formatter, Write};

use crate::value::Value;

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            Self::Int(value) => write!(f, "{value}"),
            Self::BigInt(value) => write!(f, "{value}"),
            Self::Float(value) => float(*value, f),
            Self::Str(value) => text(value, f),
            Self::Bytes(value) => bytes(value, f),
            Self::List(values) => sequence("[", values, "]", f),
            Self::Tuple(values) => sequence("(", values, if values.len() == 1 { ",)" } else { ")" }, f),
            Self::Set(values) if values.is_empty() => f.write_str("set()"),
            Self::Set(values) => sequence("{", values, "}", f),
            Self::Map(entries) => {
                f.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", separator(index))?;
                }
                f.write_char('}')
            }
            Self::Handle(offset) => write!(f, "<shared variable at {offset:#x}>"),
            Self::BufferedPickle(body) => write!(f, "<pickle of {} bytes>", body.len()),
            Self::Pickle(bytes) => write!(f, "<pickle of {} bytes>", bytes.len()),
        }
    }
}

fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { ", " }
}

fn sequence(open: &str, values: &[Value], close: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        write!(f, "{}{value}", separator(index))?;
    }
    f.write_str(close)
}

fn float(value: f64, f: &mut Formatter<'_>) -> fmt::Result {
    // Python switches to an exponent below 1e-4 and from 1e16, and pads it to two digits.
    let magnitude = value.abs();
    if value.is_nan() {
        f.write_str("nan")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "inf" } else { "-inf" })
    } else if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let shown = format!("{value:e}");
        let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        write!(f, "{digits}e{sign}{exponent:0>2}")
    } else {
        write!(f, "{value:?}")
    }
}

fn quote(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn text(value: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let quote = quote(value.contains('\''), value.contains('"'));
    f.write_char(quote)?;
    for c in value.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if c == quote => write!(f, "\\{c}")?,
            _ if u32::from(c) < 0x100 && c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

fn bytes(value: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    let quote = quote(value.contains(&b'\''), value.contains(&b'"'));
    write!(f, "b{quote}")?;
    for &byte in value {
        match byte {
            b'\\' => f.write_str("\\\\")?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            _ if char::from(byte) == quote => write!(f, "\\{quote}")?,
            0x20..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_python() {
        let value = Value::Map(vec![
            ("it's".into(), Value::Tuple(vec![1.into()])),
            (
                Value::Bytes(vec![0, b'a', 0xff]),
                Value::List(vec![1.0.into(), 1e16.into(), 1.5e-7.into(), Value::None]),
            ),
            (true.into(), Value::Set(vec![Value::Str("\n\x01\u{85}é".into())])),
        ]);
        assert_eq!(
            value.to_string(),
            "{\"it's\": (1,), b'\\x00a\\xff': [1.0, 1e+16, 1.5e-07, None], True: {'\\n\\x01\\x85é'}}"
        );
        assert_eq!(Value::from(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(Value::from(123_456_789_012_345.0).to_string(), "123456789012345.0");
        assert_eq!(Value::from(0.0001).to_string(), "0.0001");
        assert_eq!(Value::from(f64::NEG_INFINITY).to_string(), "-inf");
    }
}
