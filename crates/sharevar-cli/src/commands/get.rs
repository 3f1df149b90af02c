//! `sharevar get`: a variable, or an item of it, as JSON.

use crate::arguments::Item;
use crate::content::{Contents, Read};
use crate::exit::{Exit, Failure, Result};
use crate::named::{self, wrong_use};
use crate::{element, json, key, output};
use serde_json::Value as Json;
use sharevar::engine::{Backed, Elements, List, Map, Monitor};
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
    let Some(kind) = handle.kind() else { return Err(wrong_use(handle, "has no items; leave out KEY")) };
    let own = handle.clone();
    Ok(match kind {
        Kind::Dict | Kind::Namespace => {
            let dict = Backed::<RawDict, dyn Map>::open(own, kind)?;
            present(dict.any().get(&key::of(kind, text, dict.any().seed())?)?, text)?
        }
        Kind::Monitor => {
            let monitor = Backed::<RawMonitor, dyn Monitor>::open(own, kind)?;
            present(monitor.any().get(&key::of(kind, text, monitor.any().seed())?)?, text)?
        }
        Kind::Set => {
            let set = Backed::<RawDict, dyn Map>::open(own, kind)?;
            Json::Bool(set.any().contains(&key::of(kind, text, set.any().seed())?)?)
        }
        Kind::List => {
            let list = Backed::<RawList, dyn List>::open(own, kind)?;
            let index = key::index(text, list.any().len()?)?;
            json::of(&Read::of(list.any().get(index as i64)?)?)
        }
        Kind::Array => {
            let array = Backed::<RawArray, dyn Elements>::open(own, kind)?;
            let array = array.any();
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
