//! Rust and Python change the same variables at the same time.
//!
//! `cargo run --example with_python [script]`, with the Python package `sharevar` installed for
//! `python3`, or for the interpreter that the environment variable `PYTHON` names. The Python
//! half is `python/with_rust.py` beside this file.

#![allow(clippy::print_stdout)] // A demonstration.

use serde::{Deserialize, Serialize};
use sharevar::process::CommandExt;
use sharevar::{Dict, Error, List, Lock, Manager, Monitor, PriorityQueue, Result, Value};
use std::process::{Command, ExitCode};

/// The number of rounds of each side.
const ROUNDS: i64 = 5000;

/// A dict with these keys, for Python.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    from: String,
    numbers: Vec<i64>,
    note: Option<f64>,
}

/// An object of Python's class `Turns`.
#[derive(Monitor)]
struct Turns {
    count: i64,
    last: Vec<String>,
}

impl Turns {
    fn take(&mut self, name: &str) {
        self.count += 1;
        self.last.push(name.to_owned());
        if self.last.len() > 3 {
            self.last.remove(0);
        }
    }
}

struct Variables {
    counts: Dict<String, i64>,
    events: List<(String, i64)>,
    total: Value<i64>,
    hits: Value<i64>,
    levels: sharevar::Array<f64>,
    lock: Lock,
    messages: Dict<String, Message>,
    lists: Dict<String, List<i64>>,
    turns: Monitor<Turns>,
    jobs: PriorityQueue<(i64, String)>,
    /// The ranks of all jobs that were taken, added up.
    ranks: Value<i64>,
}

impl Variables {
    fn of(manager: &Manager) -> Result<Self> {
        Ok(Self {
            counts: manager.named("counts").dict()?,
            events: manager.named("events").list()?,
            total: manager.named("total").value(0)?,
            hits: manager.named("hits").value(0)?,
            levels: manager.named("levels").array(3)?,
            lock: manager.named("lock").lock()?,
            messages: manager.named("messages").dict()?,
            lists: manager.named("lists").dict()?,
            turns: manager.named("turns").monitor(Turns { count: 0, last: Vec::new() })?,
            jobs: manager.named("jobs").priority_queue()?,
            ranks: manager.named("ranks").value(0)?,
        })
    }

    fn work(&self) -> Result<()> {
        for number in 0..ROUNDS {
            self.counts.increment("both", 1)?;
            self.counts.insert(&format!("rust {number}"), &number)?;
            self.events.push(&("rust".to_owned(), number))?;
            self.hits.fetch_add(1)?;
            self.turns.call(|turns| {
                turns.take("rust");
                Ok(())
            })?;
            self.jobs.put(&(number % 7, "rust".to_owned()))?;
            self.ranks.fetch_add(self.jobs.get()?.0)?;
            // Several operations each, which only the lock makes one.
            let _guard = self.lock.lock()?.guard();
            self.total.set(&(self.total.get()? + 1))?;
            for index in 0..self.levels.len() {
                self.levels.set(index, self.levels.get(index)? + 0.5)?;
            }
        }
        Ok(())
    }

    fn is_right(&self) -> Result<bool> {
        let of = |name: &str| -> Result<bool> {
            let events = self.events.iter()?.filter(|(from, _)| from == name).map(|(_, number)| number);
            Ok(events.eq(0..ROUNDS)
                && self.counts.get(&format!("{name} {}", ROUNDS - 1))? == Some(ROUNDS - 1))
        };
        let both = self.counts.get("both")?;
        let (keys, hits, total) = (self.counts.len()? as i64, self.hits.get()?, self.total.get()?);
        println!(
            "Rust sees    both {both:?}, keys {keys}, hits {hits}, total {total}, levels {:?}",
            self.levels.to_vec()?
        );
        let answer = Message { from: "python".to_owned(), numbers: vec![1, 2, 1 << 62], note: Some(0.5) };
        let message = self.messages.get("answer")?;
        println!("Rust reads   {message:?}");
        let turns = self.turns.get()?;
        // Every job was taken once, by whichever side came to it.
        let ranks = 2 * (0..ROUNDS).map(|number| number % 7).sum::<i64>();
        Ok(of("rust")?
            && of("python")?
            && both == Some(2 * ROUNDS)
            && (keys, hits, total) == (2 * ROUNDS + 1, 2 * ROUNDS, 2 * ROUNDS)
            && self.levels.to_vec()? == [ROUNDS as f64; 3]
            && message == Some(answer)
            && (turns.count, turns.last.len()) == (2 * ROUNDS, 3)
            && (self.ranks.get()?, self.jobs.len()?) == (ranks, 0)
            && self.lists.get("ours")?.is_some_and(|list| list.to_vec().is_ok_and(|items| items == [1, 2]))
            && self.lists.get("theirs")?.is_some_and(|list| list.to_vec().is_ok_and(|items| items == [3])))
    }
}

fn run() -> Result<bool> {
    let script = std::env::args().nth(1);
    let script =
        script.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/with_rust.py").into());
    let manager = Manager::new()?;
    let variables = Variables::of(&manager)?;
    let question = Message { from: "rust".to_owned(), numbers: vec![-1, i64::MAX], note: None };
    variables.messages.insert("question", &question)?;
    // A list that stands in a dict; Python appends to it and puts one of its own beside it.
    let ours = manager.list()?;
    ours.push(&1)?;
    variables.lists.insert("ours", &ours)?;
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let child = Command::new(&python).args([&script, &ROUNDS.to_string()]).share(&manager)?.spawn();
    let mut child =
        child.map_err(|error| Error::Process { what: "cannot start Python", cause: error.to_string() })?;
    // Both begin when Python is there.
    let ready = manager.named("ready").value(false)?;
    while !ready.get()? {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return Ok(false);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    variables.work()?;
    let status =
        child.wait().map_err(|error| Error::Process { what: "cannot wait", cause: error.to_string() })?;
    let report = manager.check()?;
    Ok(status.success() && variables.is_right()? && report.is_clean())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("with_python: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("with_python: {error}");
            ExitCode::FAILURE
        }
    }
}
