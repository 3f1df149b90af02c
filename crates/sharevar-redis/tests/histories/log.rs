//! The record that a client writes: a line when a call begins, and a line when it ends. So the record of a killed
//! client tells of its last call, too.

use crate::register::Call;
use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::str::FromStr;

/// Something that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Of a number.
    Number(usize, Call),
    /// A key, which no other client puts in.
    Insert(u64),
    /// Into the queue.
    Put(u64),
    /// Out of the queue; the result is the item, or -1 if none came in time.
    Take,
    /// The lock; the result is the token.
    Acquire,
    /// A count, by the holder of the lock.
    Write(i64),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done {
        at: u64,
        result: i64,
    },
    /// It has not happened, and will not.
    NotDone,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) request: Request,
    pub(crate) called: u64,
    pub(crate) end: End,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number, Call::Get) => write!(f, "get {number} 0"),
            Self::Number(number, Call::Set(value)) => write!(f, "set {number} {value}"),
            Self::Number(number, Call::Add(by)) => write!(f, "add {number} {by}"),
            Self::Number(number, Call::Advance(by)) => write!(f, "advance {number} {by}"),
            Self::Insert(key) => write!(f, "insert {key} 0"),
            Self::Put(item) => write!(f, "put {item} 0"),
            Self::Take => write!(f, "take 0 0"),
            Self::Acquire => write!(f, "acquire 0 0"),
            Self::Write(count) => write!(f, "write 0 {count}"),
        }
    }
}

fn part<T: FromStr>(words: &[&str], place: usize) -> Option<T> {
    words.get(place)?.parse().ok()
}

fn request(words: &[&str]) -> Option<Request> {
    let value: i64 = part(words, 2)?;
    let number = |call| Some(Request::Number(part(words, 1)?, call));
    match words[0] {
        "get" => number(Call::Get),
        "set" => number(Call::Set(value)),
        "add" => number(Call::Add(value)),
        "advance" => number(Call::Advance(value)),
        "insert" => Some(Request::Insert(part(words, 1)?)),
        "put" => Some(Request::Put(part(words, 1)?)),
        "take" => Some(Request::Take),
        "acquire" => Some(Request::Acquire),
        "write" => Some(Request::Write(value)),
        _ => None,
    }
}

/// Nanoseconds of a clock that all processes of the machine share.
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Says a line at once, and wholly.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Where a client says what it does.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    count: u64,
}

impl Recorder {
    /// Has `act` do it. Its result, or the error that it ended with.
    pub(crate) fn record<T>(
        &mut self,
        request: Request,
        act: impl FnOnce() -> sharevar::Result<T>,
        result: impl FnOnce(&T) -> i64,
    ) -> sharevar::Result<T> {
        self.count += 1;
        say(&format!("call {} {} {request}", self.count, now()));
        let outcome = act();
        let end = match &outcome {
            Ok(value) => format!("done {} {}", now(), result(value)),
            Err(error) if error.happened() == Some(false) => format!("not {error}"),
            Err(error) => format!("unknown {error}"),
        };
        say(&format!("end {} {end}", self.count));
        outcome
    }
}

/// The records of all clients.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    places: HashMap<(usize, u64), usize>,
    /// How many of its requests were done, by client.
    pub(crate) done: HashMap<usize, usize>,
    /// Of how many it does not know whether they were done, by client.
    pub(crate) unknown: HashMap<usize, usize>,
    /// The client that has said last that it has the lock, unless it has said that it has written.
    pub(crate) holder: Option<usize>,
    /// Why the request in this place was not done, or has an unknown outcome.
    pub(crate) reasons: HashMap<usize, String>,
    /// Lines of no meaning: errors that should not be.
    pub(crate) strange: Vec<String>,
}

impl Log {
    /// The last lines of a client, to show one that does not go on.
    pub(crate) fn last_of(&self, client: usize) -> Vec<String> {
        let mut places: Vec<_> =
            self.places.iter().filter(|((of, _), _)| *of == client).map(|(_, place)| *place).collect();
        places.sort_unstable();
        let told = |place: &usize| {
            let reason = self.reasons.get(place).map_or("", String::as_str);
            format!("client {client}, {:?} {reason}", self.entries[*place])
        };
        places.iter().rev().take(12).map(told).collect()
    }

    /// Enters a line of a client.
    pub(crate) fn enter(&mut self, client: usize, line: &str) {
        if self.take(client, line).is_none() {
            self.strange.push(format!("client {client}: {line}"));
        }
    }

    fn take(&mut self, client: usize, line: &str) -> Option<()> {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["leaves", ..] => println!("client {client} {line}"),
            ["call", ref rest @ ..] => {
                let (number, called) = (part(rest, 0)?, part(rest, 1)?);
                self.places.insert((client, number), self.entries.len());
                let request = request(rest.get(2..)?)?;
                if matches!(request, Request::Write(_)) {
                    self.holder = None;
                }
                self.entries.push(Entry { request, called, end: End::Unknown });
            }
            ["end", ref rest @ ..] => {
                let place = *self.places.get(&(client, part(rest, 0)?))?;
                self.entries[place].end = match rest.get(1..)? {
                    ["done", told @ ..] => {
                        *self.done.entry(client).or_default() += 1;
                        if self.entries[place].request == Request::Acquire {
                            self.holder = Some(client);
                        }
                        End::Done { at: part(told, 0)?, result: part(told, 1)? }
                    }
                    ["not", reason @ ..] => {
                        self.reasons.insert(place, reason.join(" "));
                        End::NotDone
                    }
                    ["unknown", reason @ ..] => {
                        self.reasons.insert(place, reason.join(" "));
                        *self.unknown.entry(client).or_default() += 1;
                        End::Unknown
                    }
                    _ => return None,
                };
            }
            _ => return None,
        }
        Some(())
    }
}
