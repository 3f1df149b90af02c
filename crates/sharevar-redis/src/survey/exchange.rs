//! Many questions in one message to a server, and the answer to each.

use crate::address::Address;
use crate::reply;
use crate::server;
use redis::{Cmd, Connection, ConnectionLike, RedisError, Value};
use sharevar::Result;
use std::time::Duration;

/// The most questions of one message, so that neither side keeps many in its buffers.
const MOST: usize = 1000;

/// The answer to one question: an error is one that the server gives.
pub(super) type Answer = std::result::Result<Value, RedisError>;

/// Questions whose answers come in the same order.
#[derive(Default)]
pub(super) struct Questions(Vec<Cmd>);

/// The answers to questions.
pub(super) struct Answers {
    left: std::vec::IntoIter<Answer>,
    /// The server's clock at the first answer, since 1970.
    pub(super) now: Duration,
    /// For how long the server was busy with them.
    pub(super) busy: Duration,
}

impl Questions {
    pub(super) fn ask(&mut self, command: Cmd) {
        self.0.push(command);
    }

    /// Asks by a command that has these words alone.
    pub(super) fn ask_words(&mut self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        self.ask(command);
    }

    /// Sends them.
    ///
    /// # Errors
    /// If the connection fails: it is of no use then.
    pub(super) fn send(&self, connection: &mut Connection, address: &Address) -> Result<Answers> {
        let (mut answers, mut now, mut busy) = (Vec::with_capacity(self.0.len()), None, Duration::ZERO);
        for questions in self.0.chunks(MOST) {
            let clock = redis::cmd("TIME").get_packed_command();
            let mut packed = clock.clone();
            for question in questions {
                packed.extend(question.get_packed_command());
            }
            packed.extend(clock);
            let answered = connection.req_packed_commands(&packed, 0, questions.len() + 2);
            let answered = answered.map_err(|cause| server::failed(address, "", &cause))?;
            let mut answered = answered.into_iter();
            let (start, end) = (answered.next().and_then(time), answered.next_back().and_then(time));
            busy += end.zip(start).map_or(Duration::ZERO, |(end, start)| end.saturating_sub(start));
            now = now.or(start);
            answers.extend(answered.map(Value::extract_error));
        }
        Ok(Answers { left: answers.into_iter(), now: now.unwrap_or_default(), busy })
    }
}

impl Answers {
    /// The next answer.
    pub(super) fn next(&mut self) -> Answer {
        self.left.next().unwrap_or(Ok(Value::Nil))
    }
}

/// The server's clock.
fn time(answer: Value) -> Option<Duration> {
    let [seconds, micros] = reply::parts(answer).ok()?;
    let (seconds, micros) = (reply::int(seconds).ok()?, reply::int(micros).ok()?);
    Some(Duration::from_micros(seconds as u64 * 1_000_000 + micros as u64))
}
