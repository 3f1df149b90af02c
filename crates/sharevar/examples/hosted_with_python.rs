//! A Rust program calls an object that lives in a Python host, and a Python program one that lives
//! in a Rust host.
//!
//! `cargo run --example hosted_with_python`, with the Python package `sharevar` installed for
//! `python3`, or for the interpreter that the environment variable `PYTHON` names. The Python
//! half is `python/hosted_with_rust.py` beside this file.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::hosted::protocol::{Refusal, Reply, write_request};
use sharevar::hosted::{Address, Client, Error, Host, Object, Proxy, Settings, Stream, TryStream};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

const KEY: &str = "known to both sides";

struct Guests(Vec<String>);

#[sharevar::hosted]
impl Guests {
    pub fn welcome(&mut self, name: &str) -> Result<usize, String> {
        if self.0.len() == 2 {
            return Err(format!("no room for {name}"));
        }
        self.0.push(name.to_owned());
        Ok(self.0.len())
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }

    pub fn one_by_one(&self) -> Stream<String> {
        Stream::new(self.0.clone())
    }

    pub fn seats(&self, count: u64) -> TryStream<u64, String> {
        let taken = self.0.len() as u64;
        let seat = move |number| if number < taken { Ok(number) } else { Err(format!("{number} is free")) };
        TryStream::new((0..count).map(seat))
    }

    pub fn numbers_to_come(&self) -> Stream<u64> {
        let first = self.0.len() as u64;
        Stream::new((first..).inspect(|number| assert!(*number < 100_000, "it was not closed")))
    }

    pub fn table(&self, seats: usize) -> Object<Table> {
        Object::new(Table((0..seats).map(|seat| self.0.get(seat).cloned()).collect()))
    }
}

/// Who sits where.
struct Table(Vec<Option<String>>);

#[sharevar::hosted]
impl Table {
    pub fn sit(&mut self, seat: usize, name: String) -> Option<String> {
        self.0[seat].replace(name)
    }
}

/// Starts Python, which calls the guests at `ours` and becomes a host at `address`.
fn start(address: &Address, ours: &Address) -> std::io::Result<Child> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/hosted_with_rust.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Address::Unix(path) = address else { unreachable!("it is a Unix socket") };
    let mut child = Command::new(&python)
        .args([script, &path.to_string_lossy(), KEY, &ours.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        match line?.as_str() {
            "ready" => return Ok(child),
            line => println!("{line}"),
        }
    }
    Err(std::io::Error::other("the Python host did not start"))
}

fn run(address: &Address) -> Result<bool, Error> {
    let client = Client::connect_with(address, Settings::with_key(KEY.as_bytes()))?;
    // A type of Python has one constructor, which has no name.
    let tally = client.create("Tally", "", &(10,))?;
    println!("it is a {}, which has {:?}", tally.typeid(), tally.exposed().collect::<Vec<_>>());
    tally.call::<i64>("add", &("apples",))?;
    let apples: i64 = tally.call("add", &("apples", 4))?;
    let all: BTreeMap<String, i64> = tally.call("all", &())?;
    println!("apples: {apples}, all: {all:?}");
    // An exception comes back with its type, its text and where it was raised.
    let raised = tally.call::<i64>("add", &("pears", -1));
    let is_told = matches!(&raised, Err(Error::Raised { typename, message, traceback })
        if typename.ends_with("ValueError") && message == "-1 is less than nothing" && traceback.contains("in add"));
    println!("{raised:?}");
    let hidden = tally.call::<i64>("__init__", &());
    println!("{hidden:?}");
    // Three calls with one message.
    let mut batch = client.batch();
    let plums = batch.call::<i64>(&tally, "add", &("plums",));
    let refused = batch.call::<i64>(&tally, "add", &("plums", -1));
    let more = batch.call::<i64>(&tally, "add", &("plums", 2));
    batch.send()?;
    let plums = (plums.result()?, refused.result().map_err(|error| error.to_string()), more.result()?);
    println!("plums: {plums:?}");
    Ok(stream(&tally)?
        && refuses_what_is_no_request(address, Settings::with_key(KEY.as_bytes()))?
        && apples == 15
        && all == BTreeMap::from([("apples".to_owned(), 15)])
        && is_told
        && matches!(hidden, Err(Error::NotExposed { .. }))
        && plums == (11, Err("builtins.ValueError: -1 is less than nothing".to_owned()), 13))
}

/// A host of either language says that a message is no request, and serves the next one.
fn refuses_what_is_no_request(address: &Address, settings: Settings) -> Result<bool, Error> {
    let mut connection = sharevar_transport::Client::new(address.clone(), settings).connection()?;
    let mut ask = |request: &[u8]| -> Result<Option<Refusal>, Error> {
        connection.send(request, None)?;
        connection.receive(None)?;
        let refusal = match Reply::read(connection.message())? {
            Reply::Refused(refusal, _) => Some(refusal),
            _ => None,
        };
        connection.consume();
        Ok(refusal)
    };
    let mut unknown = Vec::new();
    write_request::find(&mut unknown, "nothing has this name")?;
    let (malformed, unknown) = (ask(&[99])?, ask(&unknown)?);
    println!("no request: {malformed:?}, no name: {unknown:?}");
    Ok((malformed, unknown) == (Some(Refusal::Malformed), Some(Refusal::UnknownName)))
}

/// Generators of Python are iterators here.
fn stream(tally: &Proxy) -> Result<bool, Error> {
    let all: Vec<i64> = tally.call_stream("count", &(10_000,))?.collect::<Result<_, _>>()?;
    let mut items = tally.call_stream::<i64>("fail_at", &(2,))?;
    let (first, second, last, end) = (items.next(), items.next(), items.next(), items.next());
    println!("{first:?} {second:?} {last:?} {end:?}");
    let is_told =
        matches!(last, Some(Err(Error::Raised { typename, .. })) if typename == "builtins.LookupError");
    let mut endless = tally.call_stream::<i64>("endless", &())?;
    let is_endless = endless.by_ref().take(1000).map(Result::unwrap_or_default).eq(0..1000);
    // With the items the generator is closed.
    drop(endless);
    let is_closed = tally.call("wait_closed", &())?;
    Ok(all.into_iter().eq(0..10_000)
        && (first, second, end) == (Some(Ok(0)), Some(Ok(1)), None)
        && is_told
        && is_endless
        && is_closed)
}

fn failed(what: &'static str, cause: &std::io::Error) -> sharevar_transport::Error {
    sharevar_transport::Error::Io { what, cause: cause.to_string() }
}

fn main() -> ExitCode {
    let path = std::env::temp_dir().join(format!("sharevar-with-python-{}", std::process::id()));
    let address = Address::Unix(path);
    let result = Host::new().add("guests", Guests(Vec::new())).start().and_then(|host| {
        if !refuses_what_is_no_request(host.address(), Settings::default())? {
            return Ok(false);
        }
        let started = start(&address, host.address());
        let mut python = started.map_err(|error| Error::Transport(failed("cannot start Python", &error)))?;
        let is_right = run(&address)?;
        drop(python.stdin.take());
        let ended = python.wait().map_err(|error| Error::Transport(failed("cannot wait", &error)))?;
        Ok(is_right && ended.success())
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("hosted_with_python: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hosted_with_python: {error}");
            ExitCode::FAILURE
        }
    }
}
