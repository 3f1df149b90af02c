//! The parts of a script's answer.

use crate::error::corrupt;
use redis::Value;
use sharevar::Result;
use sharevar::engine::Stamp;

const UNEXPECTED: &str = "a script's answer has the form that it should have";

pub(crate) fn int(value: Value) -> Result<i64> {
    match value {
        Value::Int(number) => Ok(number),
        Value::Nil => Ok(0),
        other => number(other),
    }
}

/// Whether a script says that it has done it.
pub(crate) fn yes(value: Value) -> Result<bool> {
    Ok(int(value)? != 0)
}

pub(crate) fn bytes(value: Value) -> Result<Option<Vec<u8>>> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        Value::Int(number) => Ok(Some(number.to_string().into_bytes())),
        _ => Err(corrupt(UNEXPECTED)),
    }
}

pub(crate) fn text(value: Value) -> Result<Option<String>> {
    let text = bytes(value)?.map(String::from_utf8).transpose();
    text.map_err(|_| corrupt(UNEXPECTED))
}

/// A number that is written as text, which keeps all its digits.
pub(crate) fn number<T: std::str::FromStr>(value: Value) -> Result<T> {
    let text = text(value)?.ok_or(corrupt(UNEXPECTED))?;
    text.parse().map_err(|_| corrupt(UNEXPECTED))
}

/// A count of changes in that history.
pub(crate) fn stamp(history: u16, count: Value) -> Result<Stamp> {
    Ok(Stamp::in_history(history, number(count)?))
}

pub(crate) fn list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(corrupt(UNEXPECTED)),
    }
}

/// An answer of `N` parts.
pub(crate) fn parts<const N: usize>(value: Value) -> Result<[Value; N]> {
    list(value)?.try_into().map_err(|_| corrupt(UNEXPECTED))
}
