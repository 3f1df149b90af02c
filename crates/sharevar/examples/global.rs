//! A global list that two child processes append their names to.
//!
//! First the trap: a plain static, of which every process has its own. Then a shared list that
//! every process finds by its name.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::process::CommandExt;
use sharevar::{List, Manager, Result};
use std::process::{Command, ExitCode};
use std::sync::Mutex;

static PLAIN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn shared(manager: &Manager) -> Result<List<String>> {
    manager.named("share_var").list()
}

/// Appends `name` to the static and to the shared list, and prints both.
fn append(manager: &Manager, name: &str) -> Result<()> {
    let mut plain = PLAIN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    plain.push(name.to_owned());
    let list = shared(manager)?;
    list.push(name)?;
    println!("{name} sees  static {plain:?}  shared {:?}", list.to_vec()?);
    Ok(())
}

fn run() -> Result<bool> {
    if let Some(name) = std::env::args().nth(1) {
        append(&Manager::inherited()?, &name)?;
        return Ok(true);
    }
    let manager = Manager::new()?;
    append(&manager, "parent")?;
    for name in ["child 1", "child 2"] {
        let child = Command::new("/proc/self/exe").arg(name).share(&manager)?.status();
        if !child.is_ok_and(|status| status.success()) {
            return Ok(false);
        }
    }
    let plain = PLAIN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let all = shared(&manager)?.to_vec()?;
    println!("at the end  static {plain:?}  shared {all:?}");
    Ok(plain == ["parent"] && all == ["parent", "child 1", "child 2"])
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("global: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("global: {error}");
            ExitCode::FAILURE
        }
    }
}
