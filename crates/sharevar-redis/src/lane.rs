//! One connection, and the numbers of its requests.

use crate::error::Answer;
use crate::history::{History, Request, RequestPlace};
use crate::namespace::{Keys, Namespace};
use crate::place::Node;
use crate::primary::{Done, Primary};
use crate::script::Effect;
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
    number: u32,
    request: u64,
    pub(crate) primary: Option<Primary>,
}

/// Why a request has no answer of use.
pub(crate) enum Failed {
    /// The script says why.
    Script(String, String),
    /// Everything else.
    Engine(Failure),
}

/// Why a server cannot tell any more whether it has carried a request out that it refuses now: the kept
/// answer has gone with the client, or this server never had it.
fn answer_is_gone(code: &str) -> Option<&'static str> {
    match code {
        "SVLEASE" | "SVFENCED" => Some("the lease ended before its answer was heard"),
        "SVCLOSED" => Some("a server without the data is in its place"),
        _ => None,
    }
}

impl Lane {
    pub(crate) fn new(number: u32) -> Self {
        Self { number, request: 0, primary: None }
    }

    /// The same lane, with the connection of another one.
    pub(crate) fn with_connection_of(&self, other: &mut Self) -> Self {
        Self { number: self.number, request: self.request, primary: other.primary.take() }
    }

    /// Begins another request.
    pub(crate) fn begin(&mut self) -> RequestPlace {
        self.request += 1;
        self.place()
    }

    fn place(&self) -> RequestPlace {
        RequestPlace { lane: self.number, number: self.request }
    }

    /// Sends the last request until it is answered, for as long as the address's timeout. `build` makes it: with the
    /// script's text if the server does not know it by its hash. Once a request with an effect may have been
    /// carried out, no later refusal says that it was not. Each time it is made for the history of the server
    /// that is asked, in which the answer of an earlier time may be kept. `keys` may name the one in which it
    /// is to be, and limit the wait for its confirmation.
    pub(crate) fn ask(
        &mut self,
        namespace: &Namespace,
        effect: Effect,
        Keys { patience, history: only, .. }: Keys<'_>,
        build: impl Fn(RequestPlace, &History, bool) -> Request,
    ) -> Result<Done, Failed> {
        let changes = effect != Effect::None;
        let confirmed = if patience == Some(Duration::ZERO) { Effect::None } else { effect };
        let until = Instant::now() + namespace.address.timeout;
        let (mut is_sent, mut with_text, mut pause) = (false, false, PAUSES.0);
        let (mut redirects, mut is_borrowed, mut is_other_history) = (0, false, false);
        let address = || namespace.address.shown.clone();
        let unknown = |cause| Failed::Engine(Failure::OutcomeUnknown { address: address(), cause });
        let refused = |is_sent: bool, failure: Failure| {
            if is_sent && changes { unknown(failure.to_string()) } else { Failed::Engine(failure) }
        };
        loop {
            let request = self.place();
            let cause = match self.connected(namespace) {
                Ok(primary) => {
                    // The rest of the time is for asking again.
                    let wait = until.saturating_duration_since(Instant::now()) / 2;
                    let wait = patience.map_or(wait, |patience| patience.min(wait));
                    let learn = |connection: &mut _| namespace.learn_history(connection, is_borrowed);
                    let make = |history: &History| build(request, history, with_text);
                    match primary.ask_in_history(&namespace.address, learn, make, only, confirmed, wait) {
                        Ok(done) => {
                            if is_borrowed {
                                self.primary = None;
                            }
                            return Ok(done);
                        }
                        Err(Answer::OtherHistory) if !is_other_history => {
                            is_other_history = true;
                            continue;
                        }
                        Err(Answer::HistoryIsOver) => {
                            return Err(unknown("another server has taken its place".to_owned()));
                        }
                        Err(Answer::OtherHistory) => "its history is another one each time".to_owned(),
                        Err(Answer::UnknownScript) if !with_text => {
                            with_text = true;
                            continue;
                        }
                        Err(Answer::Script(code, detail)) => {
                            let gone = answer_is_gone(&code).filter(|_| is_sent && changes);
                            let script = Failed::Script(code, detail);
                            return Err(gone.map_or(script, |cause| unknown(cause.to_owned())));
                        }
                        Err(Answer::UnknownScript) => "it forgets scripts at once".to_owned(),
                        Err(Answer::Moved(cause)) => {
                            self.primary = None;
                            let node = Node::of(&cause).filter(|_| redirects < MOST_REDIRECTS);
                            redirects += 1;
                            match node.map(|node| namespace.place.moved(&namespace.address, &node)) {
                                Some(Ok(())) => continue,
                                Some(Err(error)) => {
                                    return Err(refused(is_sent, namespace.address.failure(error)));
                                }
                                None => cause.to_string(),
                            }
                        }
                        Err(Answer::Ask(cause)) => {
                            // The slot is on its way to that node, and this request's keys are there.
                            let node = Node::of(&cause).filter(|_| redirects < MOST_REDIRECTS);
                            redirects += 1;
                            match node.map(|node| node.connect(&namespace.address)) {
                                Some(Ok(primary)) => {
                                    (self.primary, is_borrowed) = (Some(primary), true);
                                    continue;
                                }
                                Some(Err(failure)) => failure.to_string(),
                                None => cause.to_string(),
                            }
                        }
                        Err(Answer::NotNow(cause)) => {
                            // A server that has become a replica never takes it.
                            self.primary = None;
                            cause.to_string()
                        }
                        Err(Answer::Refused(cause)) => {
                            let failure = Failure::Refused { address: address(), cause: cause.to_string() };
                            return Err(refused(is_sent, failure));
                        }
                        Err(Answer::Lost(cause)) => {
                            self.primary = None;
                            if !std::mem::replace(&mut is_sent, true) {
                                // A connection that was idle may be closed by now; the next one tells.
                                continue;
                            }
                            cause.to_string()
                        }
                    }
                }
                Err(failure @ Failure::Refused { .. }) => return Err(refused(is_sent, failure)),
                Err(failure) => failure.to_string(),
            };
            if Instant::now() + pause >= until {
                let address = address();
                return Err(Failed::Engine(if is_sent {
                    Failure::OutcomeUnknown { address, cause }
                } else {
                    Failure::Unavailable { address, cause }
                }));
            }
            // Not all clients at once.
            thread::sleep(pause / 2 + pause.mul_f64(f64::from(self.number % 8) / 16.0));
            pause = (pause * 2).min(PAUSES.1);
            (redirects, is_other_history) = (0, false);
        }
    }

    fn connected(&mut self, namespace: &Namespace) -> Result<&mut Primary, Failure> {
        match self.primary {
            Some(ref mut primary) => Ok(primary),
            None => Ok(self.primary.insert(namespace.connect()?)),
        }
    }
}
