//! A Rust and a Python program that are no relatives count in one dict, which both find by a name.
//!
//! `cargo run --example named_with_python [script]`, with the Python package `sharevar` installed
//! for `python3`, or for the interpreter that the environment variable `PYTHON` names. The Python
//! half is `python/named_with_rust.py` beside this file. It is told nothing but the name.

#![allow(clippy::print_stdout)] // A demonstration.
#![allow(clippy::zombie_processes)] // It ends the program if an assertion fails.

use sharevar::{Manager, Result, Taken};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The number of rounds of each side.
const ROUNDS: i64 = 5000;

fn main() -> Result<()> {
    let name = format!("example-{}", std::process::id());
    let script = std::env::args().nth(1).unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/named_with_rust.py").to_owned()
    });
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let shop = Manager::open(&name)?;
    let counts = shop.named("counts").dict::<String, i64>()?;
    let lock = shop.named("lock").lock()?;
    let mut child = Command::new(python)
        .args([&script, &name, &ROUNDS.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    for _ in 0..ROUNDS {
        counts.increment("both", 1)?;
        counts.increment("rust", 1)?;
    }
    // It says a line once it has counted and holds the lock.
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
    assert_eq!(line, "I hold it\n");
    assert_eq!(counts.get("both")?, Some(2 * ROUNDS));
    assert_eq!((counts.get("rust")?, counts.get("python")?), (Some(ROUNDS), Some(ROUNDS)));
    let greetings = shop.named("greetings").list::<String>()?;
    assert_eq!(greetings.to_vec()?, ["Hello from Python"]);
    assert!(lock.try_lock()?.is_none());
    child.kill().expect("it lives");
    child.wait().expect("it has ended");
    assert!(matches!(lock.lock()?, Taken::OwnerDied(_)));
    println!("Rust and Python have counted to {} in the manager {name:?}", 2 * ROUNDS);
    Ok(())
}
