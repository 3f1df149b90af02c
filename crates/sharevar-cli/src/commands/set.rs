//! `sharevar set`: a value, or an item of a variable, as one operation for all processes.

use crate::exit::{Exit, Failure, Result};
use crate::named::{attach, find, wrong_use};
use crate::{element, json, key};
use sharevar::engine::{Backed, Cell, Elements, Event, List, Map};
use sharevar::shm::{RawArray, RawDict, RawEvent, RawList, RawValue};
use sharevar::{Error, Handle, Kind};
use sharevar_value::{Encoded, Value, Word};

pub(crate) fn run(name: &str, variable: &str, key_and_value: &[String]) -> Result<Exit> {
    let (key, text) = match key_and_value {
        [value] => (None, value),
        [key, value] => (Some(key), value),
        _ => return Err(Failure::usage("give a VALUE, or a KEY and a VALUE")),
    };
    let value = json::parse(text)?;
    let manager = attach(name)?;
    let handle = find(&manager, variable)?;
    match key {
        None => set_whole(&handle, &value)?,
        Some(key) => set_item(&handle, key, &value)?,
    }
    Ok(Exit::Success)
}

fn encoded(value: &Value) -> Result<Encoded> {
    Ok(value.to_encoded().map_err(Error::from)?)
}

fn set_whole(handle: &Handle, value: &Value) -> Result<()> {
    let own = handle.clone();
    match (handle.kind(), value) {
        (Some(Kind::Value), value) => {
            Backed::<RawValue, dyn Cell>::open(own, Kind::Value)?.any().set(&encoded(value)?)?;
        }
        (Some(Kind::Event), Value::Bool(is_set)) => {
            let event = Backed::<RawEvent, dyn Event>::open(own, Kind::Event)?;
            if *is_set { event.any().set()? } else { event.any().clear()? }
        }
        (Some(Kind::Event), _) => return Err(wrong_use(handle, "is true or false")),
        (Some(Kind::Dict | Kind::Namespace | Kind::Set | Kind::List | Kind::Array), _) => {
            return Err(wrong_use(handle, "is not set as a whole; give a KEY of it"));
        }
        _ => return Err(wrong_use(handle, "has no value that can be set; its own methods change it")),
    }
    Ok(())
}

fn set_item(handle: &Handle, text: &str, value: &Value) -> Result<()> {
    let own = handle.clone();
    match handle.kind() {
        Some(kind @ (Kind::Dict | Kind::Namespace)) => {
            let dict = Backed::<RawDict, dyn Map>::open(own, kind)?;
            dict.any().insert(&key::of(kind, text, dict.any().seed())?, &encoded(value)?)?;
        }
        Some(Kind::Set) => {
            let set = Backed::<RawDict, dyn Map>::open(own, Kind::Set)?;
            let element = key::of(Kind::Set, text, set.any().seed())?;
            match value {
                Value::Bool(true) => drop(set.any().get_or_insert(&element, &Encoded::Word(Word::NONE))?),
                Value::Bool(false) => drop(set.any().discard(&element)?),
                _ => return Err(wrong_use(handle, "has an element (true) or not (false)")),
            }
        }
        Some(Kind::List) => {
            let list = Backed::<RawList, dyn List>::open(own, Kind::List)?;
            let index = key::index(text, list.any().len()?)?;
            list.any().set(index as i64, &encoded(value)?)?;
        }
        Some(Kind::Array) => {
            let array = Backed::<RawArray, dyn Elements>::open(own, Kind::Array)?;
            let array = array.any();
            let index = key::index(text, array.len())?;
            let bits = element::write(array.format(), value).ok_or_else(|| {
                Failure::usage(format_args!("{value} is no element of format {:?}", array.format()))
            })?;
            array.store(index, bits)?;
        }
        _ => {
            return Err(wrong_use(
                handle,
                "has no items that can be set by a key; its own methods change it",
            ));
        }
    }
    Ok(())
}
