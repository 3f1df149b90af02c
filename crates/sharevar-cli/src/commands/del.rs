//! `sharevar del`: an item of a variable, or a variable's name.

use crate::arguments::Item;
use crate::exit::{Exit, Failure, Result};
use crate::key;
use crate::named::{attach, find, no_variable, wrong_use};
use sharevar::engine::{Backed, List, Map};
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
    let own = handle.clone();
    Ok(match handle.kind() {
        Some(kind @ (Kind::Dict | Kind::Set | Kind::Namespace)) => {
            let dict = Backed::<RawDict, dyn Map>::open(own, kind)?;
            dict.any().discard(&key::of(kind, text, dict.any().seed())?)?
        }
        Some(Kind::List) => {
            let list = Backed::<RawList, dyn List>::open(own, Kind::List)?;
            let index = key::index(text, list.any().len()?)?;
            list.any().discard(index as i64)?;
            true
        }
        _ => return Err(wrong_use(handle, "has no items that can be removed by a key")),
    })
}
