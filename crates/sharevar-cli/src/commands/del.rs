//! `sharevar del`: an item of a variable, or a variable's name.

use crate::arguments::Item;
use crate::exit::{Exit, Failure, Result};
use crate::key;
use crate::named::{attach, find, no_variable, wrong_use};
use sharevar::shm::{RawDict, RawList};
use sharevar::{Handle, Kind};

pub(crate) fn run(item: &Item) -> Result<Exit> {
    let manager = attach(&item.name)?;
    let is_gone = match &item.key {
        None if manager.named(&item.variable).remove()? => return Ok(Exit::Success),
        None => return Err(no_variable(&manager, &item.variable)),
        Some(key) => remove(&find(&manager, &item.variable)?, key)?,
    };
    if is_gone {
        return Ok(Exit::Success);
    }
    let key = item.key.as_deref().unwrap_or_default();
    Err(Failure::not_found(format_args!("there is no key {key}")))
}

fn remove(handle: &Handle, text: &str) -> Result<bool> {
    let own = handle.clone().into_shm()?;
    Ok(match handle.kind() {
        Some(kind @ (Kind::Dict | Kind::Set)) => {
            let dict = RawDict::from_handle_as(own, kind)?;
            dict.remove(&key::of_dict(text, dict.seed())?)?.is_some()
        }
        Some(Kind::Namespace) => {
            let dict = RawDict::from_handle_as(own, Kind::Namespace)?;
            dict.remove(&key::of_attribute(text, dict.seed())?)?.is_some()
        }
        Some(Kind::List) => {
            let list = RawList::from_handle(own)?;
            let index = key::index(text, list.len()?)?;
            list.remove(index as i64)?;
            true
        }
        _ => return Err(wrong_use(handle, "has no items that can be removed by a key")),
    })
}
