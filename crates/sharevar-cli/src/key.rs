//! Keys and indices as they are given on the command line.

use crate::exit::{Failure, Result};
use crate::json;
use sharevar::Kind;
use sharevar_value::{HashSeed, Key};

/// Returns the key of a dict or set: what `text` means as JSON; the text itself, if it is none.
fn of_dict(text: &str, seed: &HashSeed) -> Result<Key> {
    let value = json::parse_or_text(text)?;
    Key::from_value(&value, seed).map_err(|error| Failure::usage(format_args!("{text:?}: {error}")))
}

/// Returns the key of an attribute, whose name is always text.
fn of_attribute(text: &str, seed: &HashSeed) -> Result<Key> {
    Key::from_str(text, seed).map_err(|error| Failure::usage(format_args!("{text:?}: {error}")))
}

/// Returns the key of a variable of that kind.
pub(crate) fn of(kind: Kind, text: &str, seed: &HashSeed) -> Result<Key> {
    match kind {
        Kind::Namespace | Kind::Monitor => of_attribute(text, seed),
        _ => of_dict(text, seed),
    }
}

/// Returns an index, which counts from the end if it is negative.
pub(crate) fn index(text: &str, length: u64) -> Result<u64> {
    let index: i64 = text.parse().map_err(|_| Failure::usage(format_args!("{text:?} is no index")))?;
    let found = if index < 0 { length.checked_sub(index.unsigned_abs()) } else { Some(index as u64) };
    found
        .filter(|index| *index < length)
        .ok_or_else(|| Failure::not_found(format_args!("there is no item {index}: there are {length}")))
}
