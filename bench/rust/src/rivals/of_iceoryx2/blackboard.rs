//! A blackboard: a fixed set of keys, one writer, and reads without a lock.

use super::node;
use crate::failure::{Result, describe};
use crate::operation::{ITEMS, Operation};
use crate::rows::{LONG_LENGTH, NUMBER, glance, is_long, keys, long, number};
use std::path::Path;
use std::rc::Rc;

/// A text has no place in its memory, so a key is an array of characters.
type Name = [u8; 16];
type Long = [u8; LONG_LENGTH];

fn name(text: &str) -> Name {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

pub fn start(folder: &Path) -> Result<Vec<Operation>> {
    let names: Vec<Name> = keys().iter().map(|key| name(key)).collect();
    let mut builder = node(folder)?
        .service_builder(&"sharevar/bench/values".try_into().map_err(describe)?)
        .blackboard_creator::<Name>()
        .add::<u64>(name("full"), NUMBER)
        .add::<u64>(name("value"), 0);
    for (item, key) in keys().iter().enumerate() {
        builder = builder.add::<u64>(name(key), number(item)).add::<u64>(name(&format!("set {key}")), 0);
    }
    let service = builder.create().map_err(describe)?;
    let reader = Rc::new(service.reader_builder().create().map_err(describe)?);
    let writer = service.writer_builder().create().map_err(describe)?;
    let full = reader.entry::<u64>(&name("full")).map_err(describe)?;
    let value = writer.entry::<u64>(&name("value")).map_err(describe)?;
    let written: Vec<Name> = keys().iter().map(|key| name(&format!("set {key}"))).collect();
    let (read, seen, set) = (reader.clone(), reader.clone(), written.clone());
    let get = move |name: &Name| *seen.entry::<u64>(name).expect("it is there").get();
    let number_of_value = get.clone();
    let mut operations = vec![
        Operation::new("dict get", move |item| *read.entry::<u64>(&names[item]).expect("it is there").get()),
        Operation::new("dict set", move |item| {
            writer.entry::<u64>(&written[item]).expect("no other handle").update_with_copy(number(item));
            0
        })
        .stores(move || (0..ITEMS).map(|item| get(&set[item])).sum()),
        Operation::new("value get", move |_| *full.get()),
        Operation::new("value set", move |_| {
            value.update_with_copy(NUMBER);
            0
        })
        .stores(move || number_of_value(&name("value"))),
    ];
    operations.extend(of_long_values(folder)?);
    Ok(operations)
}

fn of_long_values(folder: &Path) -> Result<[Operation; 2]> {
    let bytes: &'static Long = long().try_into().map_err(describe)?;
    let service = node(folder)?
        .service_builder(&"sharevar/bench/long".try_into().map_err(describe)?)
        .blackboard_creator::<Name>()
        .add::<Long>(name("long"), *bytes)
        .add::<Long>(name("set"), *bytes)
        .create()
        .map_err(describe)?;
    let reader = service.reader_builder().create().map_err(describe)?;
    let writer = service.writer_builder().create().map_err(describe)?;
    let read = reader.entry::<Long>(&name("long")).map_err(describe)?;
    let seen = reader.entry::<Long>(&name("set")).map_err(describe)?;
    let set = writer.entry::<Long>(&name("set")).map_err(describe)?;
    Ok([
        Operation::new("get 1 MiB", move |item| glance(&*read.get(), item)),
        Operation::new("set 1 MiB", move |_| {
            set.update_with_copy(*bytes);
            0
        })
        .stores(move || is_long(&*seen.get())),
    ])
}
