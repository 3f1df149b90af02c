//! A host that is killed again and again, and whose callers go on.
//!
//! Its object counts in a shared variable. Two processes call it while it is killed: what they were
//! told is there, and nothing was done twice. Then the other ends that a host can take.

#![allow(clippy::print_stdout)] // A demonstration.

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use sharevar::hosted::{Client, Error, Host, Proxied, supervise};
use sharevar::{Manager, Result, Value, process};
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Counter {
    value: Value<i64>,
    /// Where nothing is kept.
    calls: u64,
}

#[sharevar::hosted]
impl Counter {
    pub fn new(value: Value<i64>) -> Self {
        Self { value, calls: 0 }
    }

    pub fn add(&mut self, by: i64) -> i64 {
        self.calls += 1;
        self.value.fetch_add(by).unwrap() + by
    }

    pub fn calls(&self) -> u64 {
        self.calls
    }

    #[allow(clippy::unused_self)] // It is about the object's process.
    pub fn process(&self) -> u32 {
        std::process::id()
    }

    #[allow(clippy::unused_self)] // It is the end of the object's process.
    pub fn exit(&self, code: i32) {
        std::process::exit(code);
    }
}

/// What each life of the host is.
fn counter((value, lives): (Value<i64>, Value<i64>)) -> Result<Host> {
    lives.fetch_add(1)?;
    Ok(Host::new().register::<Counter>().add("counter", Counter::new(value)))
}

/// One that has no life long enough for a call.
fn short_lived(lives: Value<i64>) -> Result<Host> {
    if lives.fetch_add(1)? > 0 {
        std::process::exit(7);
    }
    Ok(Host::new().add("counter", Counter::new(lives)))
}

#[allow(clippy::needless_pass_by_value)] // As every such function has its argument.
fn impossible(address: String) -> Result<Host> {
    Ok(Host::new().address(address.parse().map_err(Error::from)?))
}

/// Calls until its number of calls is done: how many certainly were, and how many perhaps.
fn call_often((counter, calls): (CounterProxy, i64)) -> (i64, i64) {
    let (mut done, mut perhaps) = (0, 0);
    for _ in 0..calls {
        match counter.add(1) {
            Ok(_) => done += 1,
            Err(Error::HostDied { started: true, .. }) => perhaps += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (done, perhaps)
}

/// A supervisor that tells where its host is, and never ends by itself.
fn guard((value, address): (Value<i64>, Value<String>)) {
    let host = supervise(&Manager::inherited().unwrap(), counter, (value.clone(), value)).unwrap();
    address.set(&host.address().to_string()).unwrap();
    loop {
        std::thread::park();
    }
}

fn kill(process: u32) {
    let process = Pid::from_raw(process as i32).unwrap();
    // It may have died by itself.
    let _ = kill_process(process, Signal::KILL);
}

fn killed_again_and_again(manager: &Manager) -> Result<bool> {
    let (value, lives) = (manager.value(0)?, manager.value(0)?);
    let host = supervise(manager, counter, (value.clone(), lives.clone()))?;
    let client = host.client()?;
    let proxy: CounterProxy = client.proxy("counter")?;
    let made = CounterProxy::new(&client, value.clone())?;
    proxy.add(5)?;
    let first = proxy.process()?;
    kill(first);
    until(|| host.id() != first);
    let goes_on = proxy.add(2)? == 7 && proxy.calls()? == 1 && proxy.process()? != first;
    let expired = made.add(1);
    println!("an object that a client had made: {expired:?}");

    value.set(&0)?;
    let workers: Vec<_> =
        (0..2).map(|_| process::spawn(manager, call_often, (proxy.clone(), 3000))).collect::<Result<_>>()?;
    let mut workers: Vec<_> = workers.into_iter().map(Some).collect();
    let (mut done, mut perhaps) = (0, 0);
    while workers.iter().any(Option::is_some) {
        // Once it has served somebody it may die again. It may be dying already.
        match proxy.calls() {
            Ok(_) | Err(Error::HostDied { started: true, .. }) => {}
            Err(error) => return Err(error.into()),
        }
        kill(host.id());
        for worker in &mut workers {
            if let Some(mut child) = worker.take() {
                if child.is_finished()? {
                    let (certainly, maybe) = child.join()?;
                    (done, perhaps) = (done + certainly, perhaps + maybe);
                } else {
                    *worker = Some(child);
                }
            }
        }
    }
    let value = value.get()?;
    println!("{} lives: {value} is {done} and of {perhaps} some", lives.get()?);
    Ok(goes_on
        && matches!(expired, Err(Error::HandleExpired { .. }))
        && lives.get()? > 1
        && done + perhaps == 6000
        && (done..=done + perhaps).contains(&value))
}

/// Waits until something is so. What never comes is an error.
fn until(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while !is_so() {
        if begin.elapsed() > Duration::from_secs(30) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Only a host that was asked to end has ended in order, whatever its exit code; and a new process
/// that cannot be started now may be started later.
fn started_again(manager: &Manager) -> Result<bool> {
    let value = manager.value(0)?;
    let host = supervise(manager, counter, (value.clone(), value.clone()))?;
    let proxy: CounterProxy = host.client()?.proxy("counter")?;
    value.set(&10)?;
    let exited = proxy.exit(0);
    // The next life counts itself, too.
    let after_exit = proxy.add(1);
    println!("it exits: {exited:?}, and is started again: {after_exit:?}");

    let before = getrlimit(Resource::Nofile);
    let process = host.id();
    // A new process takes descriptors.
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
    kill(process);
    until(|| !std::fs::exists(format!("/proc/{process}")).unwrap());
    let begin = Instant::now();
    while host.is_running() && begin.elapsed() < Duration::from_millis(100) {
        std::thread::yield_now();
    }
    setrlimit(Resource::Nofile, before).unwrap();
    let after_failure = proxy.add(1);
    println!("a start fails, and the next does not: {after_failure:?}");
    Ok(matches!(exited, Err(Error::HostDied { started: true, .. }))
        && after_exit == Ok(12)
        && after_failure == Ok(14))
}

fn other_ends(manager: &Manager) -> Result<bool> {
    let value = manager.value(0)?;
    let shut_down = supervise(manager, counter, (value.clone(), value.clone()))?;
    shut_down.client()?.shutdown()?;
    let mut stopped = supervise(manager, counter, (value.clone(), value.clone()))?;
    let proxy: CounterProxy = stopped.client()?.proxy("counter")?;
    stopped.stop();
    let died = proxy.with_timeout(Duration::from_secs(20)).add(1);
    println!("after its end: {died:?}");

    let lives = manager.value(0)?;
    let hopeless = supervise(manager, short_lived, lives.clone())?;
    kill(hopeless.id());
    let gives_up = until(|| !hopeless.is_running()) && lives.get()? == 6;
    let impossible = supervise(manager, impossible, "no address".to_owned()).map(|_| ());
    let unknown = supervise(manager, |()| Ok(Host::new()), ()).map(|_| ());
    println!("{impossible:?}\n{unknown:?}");

    let place = manager.value(String::new())?;
    let mut guardian = process::spawn(manager, guard, (value, place.clone()))?;
    let starts = until(|| !place.get().unwrap().is_empty());
    let address = place.get()?.parse().map_err(Error::from)?;
    let lives = Client::connect(&address).is_ok();
    guardian.kill()?;
    let ends = until(|| Client::connect(&address).is_err());
    println!("gives up: {gives_up}; with its guardian: starts {starts}, lives {lives}, ends {ends}");
    Ok(until(|| !shut_down.is_running())
        && matches!(died, Err(Error::HostDied { started: false, .. }))
        && gives_up
        && matches!(impossible, Err(Error::NotSupervised { .. }))
        && matches!(unknown, Err(Error::NotSupervised { .. }))
        && (starts && lives && ends))
}

fn run() -> Result<bool> {
    process::Functions::new()
        .with(call_often)
        .with(guard)
        .with_host(counter)
        .with_host(short_lived)
        .with_host(impossible)
        .start()?;
    let manager = Manager::new()?;
    let is_as_expected =
        killed_again_and_again(&manager)? && started_again(&manager)? && other_ends(&manager)?;
    // The guardian's host goes some time after its socket. What is left behind stays for ever.
    let mut report = manager.check()?;
    until(|| {
        report = manager.check().unwrap();
        report.is_clean()
    });
    println!("as expected: {is_as_expected}; in the end: {report:?}");
    Ok(is_as_expected && report.is_clean())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("supervised_host: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("supervised_host: {error}");
            ExitCode::FAILURE
        }
    }
}
