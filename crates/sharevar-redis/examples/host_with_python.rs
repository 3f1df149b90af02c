//! Hosts of Rust and of Python at one server, which call each other's objects through it.
//!
//! It starts a server and Python (`PYTHON`, which has the module).

use sharevar::hosted::{Address, Client, Error, Host, Settings};
use sharevar_redis::testing::Program;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

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

fn run(namespace: &str) -> Result<bool, Error> {
    let place = |host: &str| format!("{namespace}&host={host}");
    let ours: Address = place("rust").parse()?;
    let host = Host::new().add("till", Till::default()).address(ours).key(KEY.as_bytes()).start()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/host_with_rust.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.args([script, &place("rust"), &place("python"), KEY]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    let output = child.stdout.take().map(BufReader::new).expect("it has an output");
    let is_ready = output.lines().map_while(Result::ok).any(|line| line == "ready");
    // Python has called the till, and is a host by now.
    let client = Client::connect_with(&place("python").parse()?, Settings::with_key(KEY.as_bytes()))?;
    let list = client.create("list", "", &([1, 2],))?;
    list.call::<Option<i64>>("append", &(3,))?;
    let long = "x".repeat(2 << 20);
    list.call::<Option<i64>>("append", &(&long,))?;
    let length: usize = list.call("__len__", &())?;
    let last: String = list.call("pop", &())?;
    let sum: i64 = host.client()?.object("till")?.call("add", &(0,))?;
    println!("Python has added {sum}, and its list has {length} items");
    client.shutdown()?;
    let is_over = child.wait().is_ok_and(|status| status.success());
    Ok(is_ready && length == 4 && last == long && sum == 5 && is_over)
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
