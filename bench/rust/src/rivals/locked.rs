//! The usual way to share between threads: a map under a lock.

use crate::failure::Result;
use crate::operation::{ITEMS, Operation};
use crate::rows::{keys, number};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

type Map = Arc<Mutex<HashMap<String, u64>>>;

fn locked(map: &Map) -> MutexGuard<'_, HashMap<String, u64>> {
    map.lock().expect("no panic under the lock")
}

pub fn start(_: &Path) -> Result<Vec<Operation>> {
    let keys = keys();
    let map = |values: fn(usize) -> u64| -> Map {
        Arc::new(Mutex::new(keys.iter().cloned().zip((0..ITEMS).map(values)).collect()))
    };
    let (read, written, fresh) = (map(number), map(|_| 0), Map::default());
    let (seen, left) = (written.clone(), fresh.clone());
    Ok(vec![
        Operation::new("dict get", move |item| locked(&read)[keys[item].as_str()]),
        Operation::new("dict set", move |item| {
            *locked(&written).get_mut(keys[item].as_str()).expect("it is there") = number(item);
            0
        })
        .stores(move || locked(&seen).values().sum()),
        Operation::new("dict insert and remove", move |item| {
            locked(&fresh).insert(keys[item].clone(), number(item));
            locked(&fresh).remove(keys[item].as_str()).expect("it is there")
        })
        .stores(move || locked(&left).len() as u64),
    ])
}
