//! A variable as `Debug` shows it: its kind, its id, and its first items.

use crate::engine::{Content, Handle};
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::{RawDict, RawList, RawQueue, RawValue};
use sharevar_value::Value;
use std::fmt;

/// The items that are shown, and the characters of one.
const ITEMS: usize = 8;
const CHARACTERS: usize = 40;

/// Writes a variable. Contents that cannot be read, as after a close, are left out.
pub(crate) fn write(
    handle: &Handle,
    kind: Kind,
    id: &dyn fmt::Display,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{kind:?}({id}")?;
    if let Ok(Some(contents)) = contents(handle, kind) {
        write!(f, ", {contents}")?;
    }
    write!(f, ")")
}

/// Returns the first items of a variable in shared memory, if it is of a kind that has some. An
/// engine on a server is not asked: that would be a message.
fn contents(handle: &Handle, kind: Kind) -> Result<Option<String>> {
    let Handle::Shm(handle) = handle.clone() else { return Ok(None) };
    // One more than is shown tells whether there are more.
    let most = ITEMS + 1;
    let text = match kind {
        Kind::Dict | Kind::Namespace => {
            let items = RawDict::from_handle_as(handle, kind)?.first_items(most)?;
            braced('{', items.iter().map(|item| format!("{}: {}", key(&item.key), value(&item.value))), '}')
        }
        Kind::Set => {
            let items = RawDict::from_handle_as(handle, kind)?.first_items(most)?;
            braced('{', items.iter().map(|item| key(&item.key)), '}')
        }
        Kind::List => {
            let (items, _) = RawList::from_handle(handle)?.slice(0, most as u64)?;
            braced('[', items.iter().map(value), ']')
        }
        Kind::Queue => braced('[', RawQueue::from_handle(handle)?.peek(most)?.iter().map(value), ']'),
        Kind::Value => RawValue::from_handle(handle)?.get()?.as_ref().map_or_else(|| "None".into(), value),
        _ => return Ok(None),
    };
    Ok(Some(text))
}

fn braced(open: char, items: impl Iterator<Item = String>, close: char) -> String {
    let mut shown: Vec<String> = items.collect();
    if shown.len() > ITEMS {
        shown.truncate(ITEMS);
        shown.push("...".into());
    }
    format!("{open}{}{close}", shown.join(", "))
}

fn key(bytes: &[u8]) -> String {
    Value::decode(bytes).map_or_else(|_| "?".into(), |value| short(&value))
}

fn value(content: &Content) -> String {
    let decoded = match content {
        Content::Word(word) => Value::from_word(*word).map(|value| value.unwrap_or(Value::None)),
        Content::Bytes(bytes, _) => Value::decode(bytes),
        Content::Long(long) => match long.load() {
            Ok((bytes, _)) => Value::decode(&bytes),
            Err(_) => return "?".into(),
        },
        Content::Handle(handle) => return format!("<{}>", handle.kind().map_or("variable", Kind::name)),
    };
    decoded.map_or_else(|_| "?".into(), |value| short(&value))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Manager, Result, Shared};

    #[test]
    fn a_variable_is_shown_with_its_first_items() -> Result<()> {
        let manager = Manager::new()?;
        let stock = manager.dict::<String, i64>()?;
        stock.insert("apples", &3)?;
        assert_eq!(format!("{stock:?}"), format!("Dict({}, {{'apples': 3}})", stock.id()));
        let numbers = manager.list::<i64>()?;
        numbers.extend(0..100)?;
        let shown = format!("{numbers:?}");
        assert!(shown.ends_with(", [0, 1, 2, 3, 4, 5, 6, 7, ...])"), "{shown}");
        let text = manager.value("x".repeat(10_000))?;
        assert!(format!("{text:?}").len() < 120);
        assert_eq!(format!("{:?}", manager.lock()?).matches(',').count(), 0);
        Ok(())
    }
}
