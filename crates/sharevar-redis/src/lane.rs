//! One connection, and the numbers of its requests.

use crate::error::Answer;
use crate::namespace::Namespace;
use crate::place::Node;
use redis::{Cmd, Connection, ConnectionLike, Value};
use sharevar::engine::Failure;
use std::thread;
use std::time::{Duration, Instant};

/// The first pause before a request is sent again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// The most nodes that a request is sent on to before a pause.
const MOST_REDIRECTS: u32 = 8;

/// A sequence of requests of one client, each of which begins when the one before has ended.
///
/// The server keeps the answer of the last one, so that one whose answer was lost is sent again under the
/// same number, by whatever connection.
pub(crate) struct Lane {
    pub(crate) number: u32,
    pub(crate) request: u64,
    connection: Option<Connection>,
}

/// Why a request has no answer of use.
pub(crate) enum Failed {
    /// The script says why.
    Script(String, String),
    /// Everything else.
    Engine(Failure),
}

impl Lane {
    pub(crate) fn new(number: u32) -> Self {
        Self { number, request: 0, connection: None }
    }

    /// Sends a request until it is answered, for as long as the address's timeout. `build` makes it: with the
    /// script's text if the server does not know it by its hash.
    pub(crate) fn ask(
        &mut self,
        namespace: &Namespace,
        build: impl Fn(u32, u64, bool) -> Cmd,
    ) -> Result<Value, Failed> {
        self.request += 1;
        let until = Instant::now() + namespace.address.timeout;
        let (mut is_sent, mut with_text, mut pause) = (false, false, PAUSES.0);
        let (mut redirects, mut is_borrowed) = (0, false);
        loop {
            let command = build(self.number, self.request, with_text);
            let cause = match self.connected(namespace) {
                Ok(connection) => {
                    match connection.req_command(&command).and_then(Value::extract_error).map_err(Answer::of)
                    {
                        Ok(value) => {
                            if is_borrowed {
                                self.connection = None;
                            }
                            return Ok(value);
                        }
                        Err(Answer::UnknownScript) if !with_text => {
                            with_text = true;
                            continue;
                        }
                        Err(Answer::Script(code, detail)) => return Err(Failed::Script(code, detail)),
                        Err(Answer::UnknownScript) => "it forgets scripts at once".to_owned(),
                        Err(Answer::Moved(cause)) => {
                            self.connection = None;
                            let node = Node::of(&cause).filter(|_| redirects < MOST_REDIRECTS);
                            redirects += 1;
                            match node.map(|node| namespace.place.moved(&namespace.address, &node)) {
                                Some(Ok(())) => continue,
                                Some(Err(error)) => {
                                    return Err(Failed::Engine(namespace.address.failure(error)));
                                }
                                None => cause.to_string(),
                            }
                        }
                        Err(Answer::Ask(cause)) => {
                            // The slot is on its way to that node, and this request's keys are there.
                            let node = Node::of(&cause).filter(|_| redirects < MOST_REDIRECTS);
                            redirects += 1;
                            match node.map(|node| node.connect(&namespace.address)) {
                                Some(Ok(connection)) => {
                                    (self.connection, is_borrowed) = (Some(connection), true);
                                    continue;
                                }
                                Some(Err(failure)) => failure.to_string(),
                                None => cause.to_string(),
                            }
                        }
                        Err(Answer::NotNow(cause)) => {
                            // A server that has become a replica never takes it.
                            self.connection = None;
                            cause.to_string()
                        }
                        Err(Answer::Refused(cause)) => {
                            let address = namespace.address.shown.clone();
                            return Err(Failed::Engine(Failure::Refused {
                                address,
                                cause: cause.to_string(),
                            }));
                        }
                        Err(Answer::Lost(cause)) => {
                            self.connection = None;
                            if !std::mem::replace(&mut is_sent, true) {
                                // A connection that was idle may be closed by now; the next one tells.
                                continue;
                            }
                            cause.to_string()
                        }
                    }
                }
                Err(failure @ Failure::Refused { .. }) => return Err(Failed::Engine(failure)),
                Err(failure) => failure.to_string(),
            };
            if Instant::now() + pause >= until {
                let address = namespace.address.shown.clone();
                return Err(Failed::Engine(if is_sent {
                    Failure::OutcomeUnknown { address, cause }
                } else {
                    Failure::Unavailable { address, cause }
                }));
            }
            // Not all clients at once.
            thread::sleep(pause / 2 + pause.mul_f64(f64::from(self.number % 8) / 16.0));
            pause = (pause * 2).min(PAUSES.1);
            redirects = 0;
        }
    }

    fn connected(&mut self, namespace: &Namespace) -> Result<&mut Connection, Failure> {
        match self.connection {
            Some(ref mut connection) => Ok(connection),
            None => Ok(self.connection.insert(namespace.connect()?)),
        }
    }
}
