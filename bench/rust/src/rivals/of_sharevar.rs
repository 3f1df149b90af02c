//! sharevar: the typed variables of a manager.

use crate::failure::{Result, describe};
use crate::operation::{ITEMS, Operation};
use crate::rows::{NUMBER, glance, is_long, keys, long, number, position};
use serde_bytes::ByteBuf;
use sharevar::Manager;
use std::hint::black_box;
use std::path::Path;

pub fn start(_: &Path) -> Result<Vec<Operation>> {
    make().map_err(describe)
}

fn make() -> sharevar::Result<Vec<Operation>> {
    let keys = keys();
    let manager = Manager::new()?;
    let [read, written, fresh] =
        [manager.dict::<String, u64>()?, manager.dict::<String, u64>()?, manager.dict::<String, u64>()?];
    read.extend((0..ITEMS).map(|item| (keys[item].clone(), number(item))))?;
    written.extend(keys.iter().map(|key| (key.clone(), 0)))?;
    let (full, value) = (manager.value(NUMBER)?, manager.value(0_u64)?);
    let (list, growing) = (manager.list::<u64>()?, manager.list::<u64>()?);
    list.extend((0..ITEMS).map(number))?;
    growing.extend((0..ITEMS).map(number))?;
    let (lock, queue) = (manager.lock()?, manager.queue::<u64>()?);
    let source = ByteBuf::from(long());
    let values = manager.dict::<String, ByteBuf>()?;
    values.insert("long", &source)?;
    let (long_get, long_set, long_seen) = (values.clone(), values.clone(), values.clone());
    let stored = (written.clone(), fresh.clone(), value.clone(), growing.clone(), queue.clone());
    Ok(vec![
        Operation::new("dict get", move |item| {
            read.get(keys[item].as_str()).expect("no damage").expect("it is there")
        }),
        Operation::new("dict set", move |item| {
            written.insert(keys[item].as_str(), &number(item)).expect("room");
            0
        })
        .stores(move || stored.0.values().expect("no damage").iter().sum()),
        Operation::new("dict insert and remove", move |item| {
            fresh.insert(keys[item].as_str(), &number(item)).expect("room");
            fresh.remove(keys[item].as_str()).expect("no damage").expect("it is there")
        })
        .stores(move || stored.1.len().expect("no damage") as u64),
        Operation::new("value get", move |_| full.get().expect("no damage")),
        Operation::new("value set", move |_| {
            value.set(&NUMBER).expect("room");
            0
        })
        .stores(move || stored.2.get().expect("no damage")),
        Operation::new("list index", move |item| list.get(item).expect("no damage").expect("it is there")),
        Operation::new("list append and pop", move |item| {
            growing.push(&number(item)).expect("room");
            growing.pop().expect("no damage").expect("it is there")
        })
        .stores(move || stored.3.len().expect("no damage") as u64),
        Operation::new("acquire and release", move |_| {
            drop(lock.lock().expect("no damage"));
            0
        }),
        Operation::new("put and get", move |item| {
            queue.put(&number(item)).expect("room");
            queue.get().expect("no damage")
        })
        .stores(move || stored.4.len().expect("no damage") as u64),
        Operation::new("get 1 MiB", move |item| {
            glance(&black_box(long_get.get("long").expect("no damage").expect("it is there")), item)
        }),
        Operation::new("set 1 MiB", move |_| {
            long_set.insert("set", &source).expect("room");
            0
        })
        .stores(move || is_long(&long_seen.get("set").expect("no damage").expect("it is there"))),
        Operation::new("view 1 MiB", move |item| {
            let view = values.view("long").expect("no damage").expect("it is there");
            let mut byte = [0];
            view.copy_to(position(item), &mut byte).expect("no damage");
            view.len() as u64 + u64::from(byte[0])
        }),
    ])
}
