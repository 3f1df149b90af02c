//! A list and a lock, handed to two processes as arguments.
//!
//! The list holds a start flag. Each process appends its name under the lock and prints all
//! items; the later one prints three.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::{List, Lock, Manager, Result, process};
use std::process::ExitCode;

/// Runs in a process of its own. Gives back how many items it saw.
fn append((list, lock, name): (List<String>, Lock, String)) -> std::result::Result<usize, String> {
    let work = || -> Result<usize> {
        let _guard = lock.lock()?.guard();
        list.push(&name)?;
        let items = list.to_vec()?;
        println!("{name} sees {items:?}");
        Ok(items.len())
    };
    work().map_err(|error| error.to_string())
}

fn run() -> Result<bool> {
    process::Functions::new().with(append).start()?;
    let manager = Manager::new()?;
    let (list, lock) = (manager.list()?, manager.lock()?);
    list.push("start")?;
    let children = ["first", "second"].map(|name| {
        let arguments = (list.clone(), lock.clone(), name.to_owned());
        process::spawn(&manager, append, arguments)
    });
    let mut seen = Vec::new();
    for child in children {
        seen.push(child?.join()?);
    }
    seen.sort();
    println!("the parent sees {:?}", list.to_vec()?);
    Ok(seen == [Ok(2), Ok(3)] && list.len()? == 3)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("list_and_lock: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("list_and_lock: {error}");
            ExitCode::FAILURE
        }
    }
}
