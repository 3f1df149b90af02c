//! A client: this test program in another process, which its environment tells what to do.

use crate::log::{Log, Recorder, Request, now, say};
use crate::random::Random;
use crate::register::{Call, advanced};
use rustix::process::Signal;
use sharevar::engine::Failure;
use sharevar::{Dict, Error, Manager, Queue, Shared, Value};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How many numbers there are. Clients use one after the other, so that each has a short history.
pub(crate) const NUMBERS: usize = 48;
const TIME_OF_A_NUMBER: u64 = 300_000_000;
/// How long a client waits for an item.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The requests that a client makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Changes numbers, puts keys in, and puts and takes items.
    Writes,
    /// The same, and it reads without a change, which waits for no replica.
    ReadsToo,
    /// Counts under a lock, by fenced reads and writes.
    Counts,
    /// The same without a fence.
    CountsUnfenced,
    /// As [`Self::Counts`], and it stops in between by itself, until it is told to go on.
    Stops,
    /// As [`Self::CountsUnfenced`], and it stops.
    StopsUnfenced,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Writes, Self::ReadsToo, Self::Counts, Self::CountsUnfenced, Self::Stops, Self::StopsUnfenced];
}

const PART: &str = "SHAREVAR_HISTORY_PART";
const NUMBER: &str = "SHAREVAR_HISTORY_NUMBER";
const SEED: &str = "SHAREVAR_HISTORY_SEED";
const ADDRESS: &str = "SHAREVAR_HISTORY_ADDRESS";

/// The variables that clients use.
pub(crate) struct Variables {
    pub(crate) numbers: Vec<Value<i64>>,
    pub(crate) keys: Dict<u64, u64>,
    pub(crate) queue: Queue<u64>,
    pub(crate) count: Value<i64>,
    pub(crate) lock: sharevar::Lock,
}

impl Variables {
    pub(crate) fn of(manager: &Manager) -> sharevar::Result<Self> {
        let number = |place: usize| manager.named(&format!("number{place}")).value(0_i64);
        Ok(Self {
            numbers: (0..NUMBERS).map(number).collect::<sharevar::Result<_>>()?,
            keys: manager.named("keys").dict()?,
            queue: manager.named("queue").queue()?,
            count: manager.named("count").value(0)?,
            lock: manager.named("lock").lock()?,
        })
    }
}

/// Plays the part of a client, if this process was started for that.
#[test]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    let told = |name| std::env::var(name).unwrap();
    let part = Part::ALL.into_iter().find(|known| format!("{known:?}") == part).unwrap();
    let number: u64 = told(NUMBER).parse().unwrap();
    sharevar_redis::register();
    let until = Instant::now() + PATIENCE;
    let (_manager, variables) = loop {
        let connected = Manager::connect(&told(ADDRESS));
        match connected.and_then(|manager| Ok((Variables::of(&manager)?, manager))) {
            Ok((variables, manager)) => break (manager, variables),
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        thread::sleep(Duration::from_millis(50));
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = is_over.clone();
    let (tell, told_to_go_on) = mpsc::channel();
    thread::spawn(move || {
        while std::io::stdin().read(&mut [0]).is_ok_and(|count| count > 0) {
            tell.send(()).unwrap();
        }
        ends.store(true, Ordering::Relaxed);
    });
    let mut client = Client {
        variables,
        recorder: Recorder::default(),
        random: Random::new(told(SEED).parse().unwrap()),
        next: number << 32,
        is_holder_unknown: false,
        told_to_go_on,
    };
    while !is_over.load(Ordering::Relaxed) {
        let turn = match part {
            Part::Writes | Part::ReadsToo => client.change(part == Part::ReadsToo),
            Part::Counts | Part::CountsUnfenced => client.count(part == Part::Counts, false),
            Part::Stops | Part::StopsUnfenced => client.count(part == Part::Stops, true),
        };
        match turn {
            // Its server is a replica by now, or has lost its data.
            Err(Error::Engine(Failure::Refused { .. }) | Error::Closed) => break,
            // It may have the lock or not: that ends with its lease.
            Err(error @ Error::Engine(_)) if client.is_holder_unknown => {
                say(&format!("leaves {error}"));
                break;
            }
            Ok(()) | Err(Error::Engine(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    // Nothing is given back, so that a primary which is gone is not waited for.
    std::process::exit(0);
}

struct Client {
    variables: Variables,
    recorder: Recorder,
    random: Random,
    /// The next value that no other client has.
    next: u64,
    /// Whether this process may hold the lock without knowing.
    is_holder_unknown: bool,
    told_to_go_on: mpsc::Receiver<()>,
}

impl Client {
    fn change(&mut self, reads_too: bool) -> sharevar::Result<()> {
        self.next += 1;
        let (next, random, recorder) = (self.next, &mut self.random, &mut self.recorder);
        let place = (now() / TIME_OF_A_NUMBER) as usize % NUMBERS;
        let by = 1 + random.below(9) as i64;
        let call = match random.below(if reads_too { 10 } else { 8 }) {
            0 => {
                let insert = || self.variables.keys.insert(&next, &next);
                return recorder.record(Request::Insert(next), insert, |()| 0);
            }
            1 => return recorder.record(Request::Put(next), || self.variables.queue.put(&next), |()| 0),
            2 => {
                let take = || self.variables.queue.get_timeout(LONGEST_WAIT);
                let item = |item: &Option<u64>| item.map_or(-1, |item| item as i64);
                return recorder.record(Request::Take, take, item).map(drop);
            }
            3 => Call::Set(next as i64),
            // This is how to read what all replicas have.
            4 => Call::Add(0),
            5 => Call::Add(by),
            6 | 7 => Call::Advance(by),
            _ => Call::Get,
        };
        let number = &self.variables.numbers[place];
        let act = || match call {
            Call::Get => number.get(),
            Call::Set(value) => number.set(&value).map(|()| 0),
            Call::Add(by) => number.fetch_add(by).map(|old| old + by),
            Call::Advance(by) => number.update(|old| advanced(old, by)),
        };
        recorder.record(Request::Number(place, call), act, |result| *result).map(drop)
    }

    fn count(&mut self, is_fenced: bool, stops: bool) -> sharevar::Result<()> {
        let Self { variables: Variables { count, lock, .. }, recorder, told_to_go_on, .. } = self;
        let acquire = || {
            // It is given back below, and told whether that worked.
            std::mem::forget(lock.lock()?.guard());
            Ok(lock.token()?.expect("a lock on a server has a token"))
        };
        let acquired = recorder.record(Request::Acquire, acquire, |token| *token as i64);
        self.is_holder_unknown = acquired.as_ref().is_err_and(|error| error.happened().is_none());
        acquired?;
        let counted = (|| {
            let count = if is_fenced { &count.fenced(lock)? } else { count };
            let next = count.get()? + 1;
            if stops {
                rustix::process::kill_process(rustix::process::getpid(), Signal::STOP).unwrap();
                // The signal may reach another thread first, and this one runs on until that stops them all.
                let _ = told_to_go_on.recv();
            }
            recorder.record(Request::Write(next), || count.set(&next), |()| 0)
        })();
        let released = lock.release();
        let is_given_back = |error: &Error| {
            matches!(error, Error::NotLocked | Error::Engine(Failure::LeaseLost))
                || error.happened() == Some(true)
        };
        self.is_holder_unknown = released.as_ref().is_err_and(|error| !is_given_back(error));
        counted.and(if self.is_holder_unknown { released } else { Ok(()) })
    }
}

/// A client that runs, and is killed at the end.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) number: usize,
    pub(crate) part: Part,
    child: Child,
    reader: Option<thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(number: usize, part: Part, seed: u64, address: &str, log: &Arc<Mutex<Log>>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "client::plays_its_part", "--nocapture"]);
        command.env(PART, format!("{part:?}")).env(NUMBER, number.to_string());
        command.env(SEED, seed.to_string()).env(ADDRESS, address);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = log.clone();
        let reader = thread::spawn(move || {
            for line in lines {
                log.lock().unwrap().enter(number, &line.unwrap());
            }
        });
        Self { number, part, child, reader: Some(reader) }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Has it go on after it has stopped by itself.
    pub(crate) fn go_on(&mut self) {
        self.signal(Signal::CONT);
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Waits until it has stopped by itself.
    pub(crate) fn await_stop(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        let options = rustix::process::WaitIdOptions::STOPPED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(process), options).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.finish();
    }

    /// Lets it end what it does, and waits for that.
    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        self.finish();
    }

    fn finish(&mut self) {
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a client may take for something, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(50);
