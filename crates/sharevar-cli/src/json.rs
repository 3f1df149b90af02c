//! Values as JSON, and back. `docs/command.md` has the table of the forms.
//!
//! A value that JSON has no form for is an object with one key, which begins with `$`. A dict with
//! such keys of its own, or with keys that are no text, is written as `$dict`.

use crate::content::Read;
use crate::exit::{Failure, Result};
use serde_json::{Map, Number, Value as Json, json};
use sharevar_value::{BigInt, HashSeed, Key, Value};
use std::collections::HashSet;
use std::str::FromStr;

/// Returns the JSON of a value that was read.
pub(crate) fn of(read: &Read) -> Json {
    let kind_of = |offset| {
        let named = read.handles.iter().find(|handle| handle.id().number == offset);
        named.and_then(sharevar::Handle::kind).map_or("unknown", sharevar::Kind::name)
    };
    write(&read.value, &kind_of)
}

fn write(value: &Value, kind_of: &dyn Fn(u64) -> &'static str) -> Json {
    let many = |values: &[Value]| values.iter().map(|value| write(value, kind_of)).collect::<Vec<_>>();
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::BigInt(value) => Json::Number(integer(value)),
        Value::Float(value) => Number::from_f64(*value)
            .map_or_else(|| json!({"$float": Value::Float(*value).to_string()}), Json::Number),
        Value::Str(value) => json!(value),
        Value::Bytes(value) => json!({"$bytes": hex(value)}),
        Value::List(values) => Json::Array(many(values)),
        Value::Tuple(values) => json!({"$tuple": many(values)}),
        Value::Set(values) => json!({"$set": many(values)}),
        Value::Map(entries) => {
            let pair = |(key, value): &(Value, Value)| (write(key, kind_of), write(value, kind_of));
            dict(entries.iter().map(pair))
        }
        Value::Handle(offset) => json!({"$variable": kind_of(*offset)}),
        Value::BufferedPickle(body) => json!({"$pickle": body.len()}),
        Value::Pickle(bytes) => json!({"$pickle": bytes.len()}),
    }
}

fn integer(value: &BigInt) -> Number {
    Number::from_str(&value.to_string()).expect("the digits of an integer are a number")
}

/// Returns the JSON of a dict with these keys and values.
pub(crate) fn dict(entries: impl Iterator<Item = (Json, Json)>) -> Json {
    let entries: Vec<_> = entries.collect();
    let is_plain = |key: &Json| key.as_str().is_some_and(|text| !text.starts_with('$'));
    if entries.iter().all(|(key, _)| is_plain(key)) {
        let plain = |(key, value): (Json, Json)| (key.as_str().unwrap_or_default().to_owned(), value);
        return Json::Object(entries.into_iter().map(plain).collect());
    }
    json!({"$dict": entries.into_iter().map(|(key, value)| json!([key, value])).collect::<Vec<_>>()})
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Returns the value that a text of JSON stands for.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let json: Json = serde_json::from_str(text).map_err(|error| {
        let quoted = json!(text);
        Failure::usage(format_args!("{text:?} is no JSON: {error}; as text it is written '{quoted}'"))
    })?;
    read(json)
}

/// Returns what a text of JSON stands for; the text itself, if it is none.
pub(crate) fn parse_or_text(text: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(json) => read(json),
        // It was meant as JSON, which cannot hold it.
        Err(_) if text.starts_with('"') => parse(text),
        Err(_) => Ok(Value::Str(text.to_owned())),
    }
}

fn read(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::None,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => read_number(&number)?,
        Json::String(text) => Value::Str(text),
        Json::Array(values) => Value::List(read_many(values)?),
        Json::Object(entries) => {
            if !entries.keys().any(|key| key.starts_with('$')) {
                return read_object(entries);
            }
            if entries.len() > 1 {
                return Err(Failure::usage(
                    "a dict whose keys begin with $ is written {\"$dict\": [[KEY, VALUE], ...]}",
                ));
            }
            let form = entries.into_iter().next();
            form.map_or(Ok(Value::Map(Vec::new())), |(form, value)| read_form(&form, value))?
        }
    })
}

fn read_many(values: Vec<Json>) -> Result<Vec<Value>> {
    values.into_iter().map(read).collect()
}

fn read_object(entries: Map<String, Json>) -> Result<Value> {
    let pairs = entries.into_iter().map(|(key, value)| Ok((Value::Str(key), read(value)?)));
    Ok(Value::Map(pairs.collect::<Result<_>>()?))
}

fn read_number(number: &Number) -> Result<Value> {
    let text = number.as_str();
    if !text.contains(['.', 'e', 'E']) {
        if let Ok(value) = i64::from_str(text) {
            return Ok(Value::Int(value));
        }
        let wide = i128::from_str(text).map(BigInt::from).or_else(|_| u128::from_str(text).map(BigInt::from));
        return wide
            .map(Value::from)
            .map_err(|_| Failure::usage(format_args!("{text} has more than 128 bits")));
    }
    let value = f64::from_str(text).ok().filter(|value| value.is_finite());
    value.map(Value::Float).ok_or_else(|| Failure::usage(format_args!("{text} is beyond a double")))
}

fn read_form(form: &str, value: Json) -> Result<Value> {
    let wrong = |value: &Json| Failure::usage(format_args!("{value} is not what a {form} is made of"));
    Ok(match (form, value) {
        ("$tuple", Json::Array(values)) => Value::Tuple(read_many(values)?),
        ("$set", Json::Array(values)) => {
            let elements = read_many(values)?;
            check_keys(elements.iter())?;
            Value::Set(elements)
        }
        ("$dict", Json::Array(pairs)) => {
            let pair = |pair| match read(pair)? {
                Value::List(pair) => match <[Value; 2]>::try_from(pair) {
                    Ok([key, value]) => Ok((key, value)),
                    Err(_) => Err(Failure::usage("a $dict is made of pairs")),
                },
                _ => Err(Failure::usage("a $dict is made of pairs")),
            };
            let pairs = pairs.into_iter().map(pair).collect::<Result<Vec<_>>>()?;
            check_keys(pairs.iter().map(|(key, _)| key))?;
            Value::Map(pairs)
        }
        ("$bytes", Json::String(digits)) => {
            Value::Bytes(from_hex(&digits).ok_or_else(|| wrong(&Json::String(digits)))?)
        }
        ("$float", Json::String(name)) => Value::Float(match name.as_str() {
            "nan" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            _ => return Err(wrong(&Json::String(name))),
        }),
        ("$variable" | "$pickle", _) => {
            return Err(Failure::usage(format_args!("a {form} is shown and cannot be written")));
        }
        ("$tuple" | "$set" | "$dict" | "$bytes" | "$float", value) => return Err(wrong(&value)),
        _ => {
            return Err(Failure::usage(format_args!(
                "there is no form {form}; a key that begins with $ is written {{\"$dict\": [[KEY, VALUE]]}}"
            )));
        }
    })
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4 | digit(*low)?) as u8);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// Refuses values that cannot be keys, and those that are equal.
fn check_keys<'a>(values: impl Iterator<Item = &'a Value>) -> Result<()> {
    let (seed, mut found) = (HashSeed::new(0), HashSet::new());
    for value in values {
        let key = Key::from_value(value, &seed);
        let key = key.map_err(|error| Failure::usage(format_args!("{value}: {error}")))?;
        if !found.insert(key.to_canonical()) {
            return Err(Failure::usage(format_args!("{value} is there twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: Value) -> String {
        of(&Read { value, handles: Vec::new() }).to_string()
    }

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for text in [
            "null",
            "true",
            "-3",
            "1.0",
            "1e300",
            "9223372036854775808",
            "-170141183460469231731687303715884105728",
            "340282366920938463463374607431768211455",
            r#""text with \"quotes\" and ä""#,
            "[1,[2,[]]]",
            r#"{"b":1,"a":{"c":null}}"#,
            r#"{"$tuple":[1,2]}"#,
            r#"{"$set":[1,"a"]}"#,
            r#"{"$bytes":"00ff"}"#,
            r#"{"$float":"-inf"}"#,
            r#"{"$float":"nan"}"#,
            r#"{"$dict":[[1,2],["$x",{"$tuple":[]}]]}"#,
        ] {
            assert_eq!(written(parse(text).unwrap()), text.replace("1e300", "1e+300"), "{text}");
        }
    }

    #[test]
    fn what_would_be_another_value_is_refused() {
        for text in [
            "hello",
            "",
            "1e999",
            "680564733841876926926749214863536422912",
            r#"{"$set":[[1]]}"#,
            r#"{"$set":[1,2,true]}"#,
            r#"{"$dict":[[1,"a"],[1.0,"b"]]}"#,
            r#"{"$dict":[[1]]}"#,
            r#"{"$dict":[[{},1]]}"#,
            r#"{"$bytes":"0"}"#,
            r#"{"$bytes":"+1"}"#,
            r#"{"$float":"1"}"#,
            r#"{"$pickle":3}"#,
            r#"{"$unknown":3}"#,
            r#"{"$tuple":[],"x":1}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_text_only_if_it_is_no_json() {
        for (text, value) in [
            ("apples", Value::Str("apples".to_owned())),
            ("", Value::Str(String::new())),
            ("-x", Value::Str("-x".to_owned())),
            ("3", Value::Int(3)),
            (r#""3""#, Value::Str("3".to_owned())),
        ] {
            assert_eq!(parse_or_text(text).unwrap(), value, "{text}");
        }
        for text in [
            "680564733841876926926749214863536422912",
            "1e400",
            r#""\ud800""#,
            r#"{"$pickle":1}"#,
            r#"{"$x":1}"#,
        ] {
            assert!(parse_or_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_json_has_no_form_for_is_said() {
        assert_eq!(written(Value::Pickle(vec![0; 5])), r#"{"$pickle":5}"#);
        assert_eq!(written(Value::Handle(16)), r#"{"$variable":"unknown"}"#);
    }
}
