//! `sharevar get`: a variable, or an item of it, as JSON.

use crate::arguments::Item;
use crate::content::{Contents, Read};
use crate::exit::{Exit, Failure, Result};
use crate::named::{self, wrong_use};
use crate::{element, json, key, output};
use serde_json::Value as Json;
use sharevar::shm::{RawArray, RawDict, RawList, RawMonitor};
use sharevar::{Content, Handle, Kind};
use std::io::Write;

pub(crate) fn run(item: &Item, output: &mut dyn Write) -> Result<Exit> {
    let found = named::look_into(&item.name, |manager| {
        let handle = named::find(manager, &item.variable)?;
        match &item.key {
            None => Ok(Contents::read(&handle, usize::MAX)?.json()),
            Some(key) => at(&handle, key),
        }
    })?;
    output::json(output, &found)?;
    Ok(Exit::Success)
}

fn at(handle: &Handle, text: &str) -> Result<Json> {
    let own = handle.clone().into_shm()?;
    Ok(match handle.kind() {
        Some(Kind::Dict) => {
            let dict = RawDict::from_handle(own)?;
            present(dict.get(&key::of_dict(text, dict.seed())?)?, text)?
        }
        Some(Kind::Namespace) => {
            let dict = RawDict::from_handle_as(own, Kind::Namespace)?;
            present(dict.get(&key::of_attribute(text, dict.seed())?)?, text)?
        }
        Some(Kind::Monitor) => {
            let monitor = RawMonitor::from_handle(own)?;
            let attributes = monitor.attributes();
            present(attributes.get(&key::of_attribute(text, attributes.seed())?)?, text)?
        }
        Some(Kind::Set) => {
            let set = RawDict::from_handle_as(own, Kind::Set)?;
            Json::Bool(set.contains(&key::of_dict(text, set.seed())?)?)
        }
        Some(Kind::List) => {
            let list = RawList::from_handle(own)?;
            let index = key::index(text, list.len()?)?;
            json::of(&Read::of(list.get(index as i64)?)?)
        }
        Some(Kind::Array) => {
            let array = RawArray::from_handle(own)?;
            let bits = array.load(key::index(text, array.len())?)?;
            let value = element::read(array.format(), array.element_size(), bits);
            json::of(&Read { value, handles: Vec::new() })
        }
        _ => return Err(wrong_use(handle, "has no items with keys; leave out KEY")),
    })
}

fn present(content: Option<Content>, key: &str) -> Result<Json> {
    let content = content.ok_or_else(|| Failure::not_found(format_args!("there is no key {key}")))?;
    Ok(json::of(&Read::of(content)?))
}
