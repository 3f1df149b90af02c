//! An object with a list, kept in a host, changed by two processes.
//!
//! The list holds a start flag. Each process has a proxy of the object, calls a method that
//! appends, and prints all items; the later one prints three.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::hosted::{CallError, Host};
use sharevar::{Manager, Result, process};
use std::process::ExitCode;

/// An object that is more than data: it has a rule.
struct Guests {
    names: Vec<String>,
    limit: usize,
}

#[sharevar::hosted]
impl Guests {
    pub fn new(limit: usize) -> Self {
        Self { names: Vec::new(), limit }
    }

    pub fn welcome(&mut self, name: &str) -> std::result::Result<usize, String> {
        if self.names.len() == self.limit {
            return Err(format!("no room for {name}"));
        }
        self.names.push(name.to_owned());
        Ok(self.names.len())
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Runs in a process of its own. Gives back how many guests it saw.
fn arrive((guests, name): (GuestsProxy, String)) -> std::result::Result<usize, String> {
    let work = || -> Result<usize> {
        guests.welcome(&name)?;
        let names = guests.names()?;
        println!("{name} sees {names:?}");
        Ok(names.len())
    };
    work().map_err(|error| error.to_string())
}

fn run() -> Result<bool> {
    process::Functions::new().with(arrive).start()?;
    let host = Host::new().register::<Guests>().start()?;
    let guests = GuestsProxy::new(&host.client()?, 3)?;
    guests.welcome("start")?;
    let manager = Manager::new()?;
    let children =
        ["first", "second"].map(|name| process::spawn(&manager, arrive, (guests.clone(), name.to_owned())));
    let mut seen = Vec::new();
    for child in children {
        seen.push(child?.join()?);
    }
    seen.sort();
    println!("the parent sees {:?}", guests.names()?);
    // The object's own error, as it is.
    let refused = guests.welcome("third");
    println!("the third is told: {refused:?}");
    Ok(matches!(seen[..], [Ok(2 | 3), Ok(3)])
        && refused == Err(CallError::Method("no room for third".to_owned())))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("hosted_list: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hosted_list: {error}");
            ExitCode::FAILURE
        }
    }
}
