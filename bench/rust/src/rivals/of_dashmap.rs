//! dashmap: a map of one process with a lock for each part.

use crate::failure::Result;
use crate::operation::{ITEMS, Operation};
use crate::rows::{keys, number};
use dashmap::DashMap;
use std::path::Path;
use std::sync::Arc;

pub fn start(_: &Path) -> Result<Vec<Operation>> {
    let keys = keys();
    let map = |values: fn(usize) -> u64| -> Arc<DashMap<String, u64>> {
        Arc::new(keys.iter().cloned().zip((0..ITEMS).map(values)).collect())
    };
    let (read, written, fresh) = (map(number), map(|_| 0), Arc::new(DashMap::new()));
    let (seen, left) = (written.clone(), fresh.clone());
    Ok(vec![
        Operation::new("dict get", move |item| *read.get(keys[item].as_str()).expect("it is there")),
        Operation::new("dict set", move |item| {
            *written.get_mut(keys[item].as_str()).expect("it is there") = number(item);
            0
        })
        .stores(move || seen.iter().map(|entry| *entry).sum()),
        Operation::new("dict insert and remove", move |item| {
            fresh.insert(keys[item].clone(), number(item));
            fresh.remove(keys[item].as_str()).expect("it is there").1
        })
        .stores(move || left.len() as u64),
    ])
}
