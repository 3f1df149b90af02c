//! The Rust side of sharevar beside other libraries. `make bench` builds and runs it.
//!
//! `sharevar-bench operations FOLDER`, `sharevar-bench growth ENTRIES` and `sharevar-bench readers`
//! print one JSON object each, which `bench/compare/in_rust.py` reads.

mod failure;
mod growth;
mod operation;
mod readers;
mod rivals;
mod rounds;
mod rows;

use serde_json::{Map, Value, json};
use std::path::Path;

/// Measures the rivals that start, and names the others with the reason.
fn compare(folder: &Path) -> Value {
    let (mut started, mut missing) = (Vec::new(), Map::new());
    for (name, start) in rivals::all() {
        match failure::catch(|| start(folder)).and_then(|operations| operations) {
            Ok(operations) => started.push((name, operations)),
            Err(reason) => _ = missing.insert(name.to_string(), reason.into()),
        }
    }
    let mut results = Vec::new();
    for row in rows::ROWS {
        let mut having = Vec::new();
        for (name, operations) in &mut started {
            if let Some(at) = operations.iter().position(|operation| operation.name() == row.operation) {
                having.push((*name, operations.swap_remove(at)));
            }
        }
        results.push(json!({"operation": row.operation, "results": rounds::measure(row, having)}));
    }
    for (name, operations) in &started {
        for operation in operations {
            missing.insert((*name).to_string(), format!("no row is named {}", operation.name()).into());
        }
    }
    json!({"rows": results, "missing": missing})
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let document = match arguments[..] {
        ["operations", folder] => compare(Path::new(folder)),
        ["growth", entries] => growth::measure(entries.parse().expect("a number of entries")),
        ["readers"] => readers::measure(),
        [readers::CHILD] => return readers::read_when_asked(),
        _ => panic!("usage: sharevar-bench operations FOLDER | growth ENTRIES | readers"),
    };
    println!("{document}");
}
