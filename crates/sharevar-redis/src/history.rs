//! The histories of changes that servers have. A count means something in its own history alone.
//!
//! A promotion begins another history, and so does a server that starts without its latest changes. Contents
//! that a client has read in the one before may be lost, and the same counts stand for others then. The
//! server has a name for each (`master_replid`), which stands in the home too: scripts refuse a request whose
//! connection belongs to another one.

use crate::error::Answer;
use crate::fork_gate;
use crate::mutex::lock;
use crate::random::random;
use crate::script::scripts;
use redis::{Arg, Cmd, Connection, ConnectionLike, Value};
use sharevar::engine::Stamp;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

scripts! { "lua/home.lua":
    ADOPT = "adopt";
}

/// A text that no count equals.
const NEVER: &str = "-";
/// How far numbers and tokens go on at most in another history. Chance decides how far, so that two servers
/// which both follow one history rarely hand out the same numbers.
const MOST_STEPS: u64 = 1 << 16;

/// The history to which a connection belongs.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// Its number in this process, from 1.
    pub(crate) number: u16,
    /// The identity of the home in it, as scripts compare it.
    pub(crate) home: String,
}

/// The histories of a home that this process has met.
#[derive(Default)]
pub(crate) struct Histories(Mutex<Vec<String>>);

impl Histories {
    fn of(&self, home: String) -> History {
        let _no_fork = fork_gate::enter();
        let known = &mut *lock(&self.0);
        let place = known.iter().rposition(|other| *other == home).unwrap_or_else(|| {
            known.push(home.clone());
            known.len() - 1
        });
        // A number is given again after 65,535 histories.
        History { number: (place % usize::from(u16::MAX)) as u16 + 1, home }
    }

    /// Learns the history of a server, which the home has from now on.
    pub(crate) fn learn(
        &self,
        connection: &mut Connection,
        root: &str,
        home: &str,
    ) -> std::result::Result<History, Answer> {
        let mut adopt = redis::cmd("EVAL");
        adopt.arg(&ADOPT.text).arg(1).arg(root).arg(home).arg(1 + random() as u64 % MOST_STEPS);
        let learned = connection.req_command(&adopt).and_then(Value::extract_error);
        match learned.map_err(Answer::of) {
            Ok(Value::BulkString(home)) => Ok(self.of(String::from_utf8_lossy(&home).into_owned())),
            Ok(_) => Err(Answer::Script("SVBAD".to_owned(), String::new())),
            // Nothing is lost with it but the answer.
            Err(Answer::Lost(cause)) => Err(Answer::NotNow(cause)),
            Err(other) => Err(other),
        }
    }
}

/// A request that is made for a connection, in whose history its counts are written.
pub(crate) struct Request {
    command: Cmd,
    pub(crate) history: u16,
    pub(crate) place: RequestPlace,
}

/// The place of a request among those of its client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequestPlace {
    pub(crate) lane: u32,
    pub(crate) number: u64,
}

impl RequestPlace {
    /// Tells a script that the request was not answered, and is to begin nothing if it still comes.
    pub(crate) fn never(self) -> String {
        format!("never {} {}", self.lane, self.number)
    }
}

impl Request {
    pub(crate) fn new(name: &'static str, history: &History, place: RequestPlace) -> Self {
        Self { command: redis::cmd(name), history: history.number, place }
    }

    /// The arguments that `write` adds, if they depend on no history.
    pub(crate) fn args(write: impl Fn(&mut Self)) -> Vec<Vec<u8>> {
        let mut request = Self { command: Cmd::new(), history: 0, place: RequestPlace::default() };
        write(&mut request);
        let bytes = |arg: Arg<&[u8]>| match arg {
            Arg::Simple(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        request.args_iter().map(bytes).collect()
    }

    /// The count of a stamp. That of one of another history equals none, so that the script finds it changed,
    /// after it has looked for the answer that it has given already.
    pub(crate) fn count_of(&self, stamp: Stamp) -> String {
        if stamp.history() == self.history { stamp.changes().to_string() } else { NEVER.to_owned() }
    }
}

impl Deref for Request {
    type Target = Cmd;

    fn deref(&self) -> &Cmd {
        &self.command
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Cmd {
        &mut self.command
    }
}
