//! Hosts of Rust and of Python at one server, which call each other's objects through it.
//!
//! It starts a server and Python (`PYTHON`, which has the module).
#![allow(clippy::print_stdout)] // It tells what it has seen.

use sharevar::hosted::{Client, Error, Host, Settings};
use sharevar_redis::testing::Program;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

const KEY: &str = "a key that both sides know";

#[derive(Default)]
struct Till(i64);

#[sharevar::hosted]
impl Till {
    pub fn add(&mut self, amount: i64) -> i64 {
        self.0 += amount;
        self.0
    }
}

/// Starts Python, which calls the till at `ours` and becomes a host at `theirs`.
fn start(ours: &str, theirs: &str) -> std::io::Result<Child> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/host_with_rust.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    let mut child = command.args([script, ours, theirs, KEY]).stdout(Stdio::piped()).spawn()?;
    let mut lines = child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines());
    if lines.any(|line| line.is_ok_and(|line| line == "ready")) {
        return Ok(child);
    }
    let ended = child.wait()?;
    Err(std::io::Error::other(format!("the Python host did not start: {ended}")))
}

/// Calls the host of Python, and ends it.
fn call(address: &str) -> Result<bool, Error> {
    let client = Client::connect_with(&address.parse()?, Settings::with_key(KEY.as_bytes()))?;
    let list = client.create("list", "", &([1, 2],))?;
    let long = "x".repeat(2 << 20);
    list.call::<Option<i64>>("append", &(&long,))?;
    let length: usize = list.call("__len__", &())?;
    let last: String = list.call("pop", &())?;
    client.shutdown()?;
    println!("the list of Python had {length} items, of which the last was {} long", last.len());
    Ok(length == 3 && last == long)
}

fn run(namespace: &str) -> Result<bool, Error> {
    let [ours, theirs] = ["rust", "python"].map(|name| format!("{namespace}&host={name}"));
    let host = Host::new().add("till", Till::default()).address(ours.parse()?).key(KEY.as_bytes()).start()?;
    let mut python = match start(&ours, &theirs) {
        Ok(python) => python,
        Err(failed) => {
            println!("{failed}");
            return Ok(false);
        }
    };
    let called = call(&theirs);
    if called.is_err() {
        // Otherwise it was asked for its end.
        let _ = python.kill();
    }
    let has_ended = python.wait().is_ok_and(|status| status.success());
    let sum: i64 = host.client()?.object("till")?.call("add", &(0,))?;
    println!("Python has added {sum}");
    Ok(called? && has_ended && sum == 5)
}

fn main() -> ExitCode {
    sharevar_redis::register();
    let Some(server) = Program::tested().find_map(Program::start) else {
        println!("SKIPPED: there is no valkey-server or redis-server here");
        return ExitCode::SUCCESS;
    };
    match run(&server.tcp_address("shop")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
