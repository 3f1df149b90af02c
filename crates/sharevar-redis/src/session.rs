//! A session of this process with a server: a client as the server knows it.

use crate::error::of_script;
use crate::history::{Request, RequestPlace};
use crate::holds::Holds;
use crate::lane::{Failed, Lane};
use crate::listener::Listener;
use crate::mutex::lock;
use crate::named_holds::{End, NamedHolds, Side};
use crate::namespace::{Keys, Namespace};
use crate::primary::Done;
use crate::random::random;
use crate::repetition::Repetition;
use crate::script::{Script, scripts};
use redis::Value;
use sharevar::Result;
use sharevar::engine::Failure;
use sharevar_os::process_epoch;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

scripts! { "lua/home.lua":
    REGISTER = "register";
    RESERVE = "reserve";
    RELEASE = "release";
}

/// How many numbers of variables a client has in stock.
const STOCK: u64 = 1024;
/// The most handles that one request gives up.
const MOST_RELEASED: usize = 1000;

/// A client, from its registration until its lease ends. A forked child is another one.
pub(crate) struct Session {
    pub(crate) namespace: Arc<Namespace>,
    /// Sixteen hexadecimal digits.
    pub(crate) client: String,
    epoch: u64,
    is_lost: AtomicBool,
    lanes: Mutex<(Vec<Lane>, u32)>,
    stock: Mutex<Range<u64>>,
    released: Mutex<Vec<u64>>,
    /// Held by the one that has the server know of them: then those are known that were given up before.
    flushing: Mutex<()>,
    has_work: Condvar,
    tickets: AtomicU64,
    pub(crate) holds: Arc<Holds>,
    pub(crate) named_holds: NamedHolds,
    unfinished: Mutex<Vec<Unfinished>>,
    pub(crate) listener: Arc<Listener>,
}

/// Something that has ended in this process, and may not have ended on the server.
pub(crate) enum Unfinished {
    /// An entrance of a monitor, whose thread is outside.
    Entrance {
        monitor: u64,
        entrance: u64,
        /// The request to enter, if it was not answered. It may still be on its way.
        unanswered: Option<RequestPlace>,
    },
    /// A request to take a lock, which was not answered. It may still be on its way.
    Request { lock: u64, owner: String, name: String, place: RequestPlace },
    /// The holds of a lock by an owner up to that token, which were given back, or undone.
    Hold { lock: u64, owner: String, token: u64 },
    /// A hold of a readers-writer lock.
    NamedHold { lock: u64, side: Side, name: String, end: End },
    /// A request that gives something back, or undoes a change.
    Repetition(Box<Repetition>),
}

impl Unfinished {
    /// Makes this end that of another one, too, if it can be.
    fn takes_in(&mut self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Hold { lock, owner, token },
                Self::Hold { lock: other_lock, owner: other_owner, token: other },
            ) if lock == other_lock && owner == other_owner => {
                *token = (*token).max(*other);
                true
            }
            _ => false,
        }
    }
}

fn add(known: &mut Vec<Unfinished>, new: Unfinished) {
    if !known.iter_mut().any(|other| other.takes_in(&new)) {
        known.push(new);
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Session {
    /// A client that the server does not know yet.
    pub(crate) fn new(namespace: Arc<Namespace>, holds: Arc<Holds>) -> Self {
        Self {
            namespace,
            client: format!("{:016x}", random() as u64),
            epoch: process_epoch(),
            is_lost: AtomicBool::new(false),
            lanes: Mutex::default(),
            stock: Mutex::new(0..0),
            released: Mutex::default(),
            flushing: Mutex::default(),
            has_work: Condvar::new(),
            tickets: AtomicU64::new(0),
            holds,
            named_holds: NamedHolds::default(),
            unfinished: Mutex::default(),
            listener: Arc::default(),
        }
    }

    /// Whether it is this process's, and the server still knows it.
    pub(crate) fn is_current(&self) -> bool {
        self.is_ours() && !self.is_lost.load(Ordering::Relaxed)
    }

    /// Whether it is this process's, and not that of one that forked it.
    pub(crate) fn is_ours(&self) -> bool {
        self.epoch == process_epoch()
    }

    /// Another one is needed.
    pub(crate) fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
        self.listener.stop();
        self.has_work.notify_all();
    }

    pub(crate) fn register(&self) -> Result<()> {
        let lease = self.namespace.address.lease.as_millis() as u64;
        let (uname, process) = (rustix::system::uname(), std::process::id());
        let machine = uname.nodename().to_string_lossy();
        let args = |command: &mut Request| {
            command.arg(lease).arg(&self.client).arg(machine.as_ref()).arg(process);
        };
        self.ask(&REGISTER, Keys::default(), args).map(drop).map_err(|failed| self.error(failed))
    }

    /// Has the server run a script that changes nothing which a caller relies on.
    pub(crate) fn ask(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&mut Request),
    ) -> std::result::Result<Value, Failed> {
        self.ask_with_shortfall(script, keys, args).map(|done| done.value)
    }

    /// Has the server run a script, by a lane that is free, and waits until its change is confirmed.
    pub(crate) fn ask_with_shortfall(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&mut Request),
    ) -> std::result::Result<Done, Failed> {
        let mut lane = self.take_lane();
        let answer = self.ask_on(&mut lane, script, keys, args);
        self.give_lane(lane);
        answer
    }

    /// A lane that no other request uses.
    pub(crate) fn take_lane(&self) -> Lane {
        let (free, made) = &mut *lock(&self.lanes);
        free.pop().unwrap_or_else(|| {
            *made += 1;
            Lane::new(*made)
        })
    }

    pub(crate) fn give_lane(&self, lane: Lane) {
        lock(&self.lanes).0.push(lane);
    }

    /// Has the server run a script, by that lane.
    pub(crate) fn ask_on(
        &self,
        lane: &mut Lane,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&mut Request),
    ) -> std::result::Result<Done, Failed> {
        lane.begin();
        self.ask_again(lane, script, keys, args)
    }

    /// Has the server answer the last request of that lane, which it carries out unless it has.
    pub(crate) fn ask_again(
        &self,
        lane: &mut Lane,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&mut Request),
    ) -> std::result::Result<Done, Failed> {
        let script = if keys.fence.is_some() { script.fenced() } else { script };
        lane.ask(&self.namespace, script.effect, keys, |place, history, with_text| {
            let mut command = Request::new(if with_text { "EVAL" } else { "EVALSHA" }, history, place);
            command.arg(if with_text { &script.text } else { &script.hash });
            self.namespace.write_keys(&mut command, &self.client, keys);
            command.arg(&history.home).arg(place.lane).arg(place.number);
            args(&mut command);
            if let Some(fence) = keys.fence {
                command.arg(&fence.token);
            }
            command
        })
    }

    /// The error of a request, whose cause may end the session or the home.
    pub(crate) fn error(&self, failed: Failed) -> sharevar::Error {
        match failed {
            Failed::Engine(failure) => failure.into(),
            Failed::Script(code, detail) => {
                match code.as_str() {
                    "SVLEASE" => self.lose(),
                    "SVCLOSED" => {
                        self.namespace.set_closed();
                        self.listener.stop();
                    }
                    _ => {}
                }
                of_script(&code, &detail)
            }
        }
    }

    /// Gives up the counts that are in stock, of which one is taken already.
    pub(crate) fn forget_stock(&self) {
        *lock(&self.stock) = 0..0;
    }

    /// A count for the number of a variable, which no other has.
    pub(crate) fn count(&self) -> Result<u64> {
        if let Some(next) = lock(&self.stock).next() {
            return Ok(next);
        }
        let args = |command: &mut Request| {
            command.arg(STOCK);
        };
        let last = self.ask(&RESERVE, Keys::default(), args);
        let last = crate::reply::int(last.map_err(|failed| self.error(failed))?)? as u64;
        // Those of another thread that came here, too, are never used.
        let mut stock = lock(&self.stock);
        *stock = last + 1 - STOCK..last + 1;
        stock.next().ok_or(crate::error::corrupt("there is a number for each variable"))
    }

    /// A name for one that waits, or arrives: the client's, a slash, and digits.
    pub(crate) fn ticket(&self) -> String {
        format!("{}/{}", self.client, self.tickets.fetch_add(1, Ordering::Relaxed))
    }

    /// Enters one that is about to wait, by its ticket. From now on it misses no wake-up.
    pub(crate) fn enter(&self, ticket: &str) {
        self.listener.enter(&self.namespace, &self.client, ticket);
    }

    /// Has the server know soon of an end. That of a later hold is one of the earlier holds of the same
    /// owner, too.
    pub(crate) fn finish_later(&self, unfinished: Unfinished) {
        add(&mut lock(&self.unfinished), unfinished);
        // The one that sleeps holds this lock until then.
        let _released = lock(&self.released);
        self.has_work.notify_all();
    }

    /// Sends the last request of a lane again until it is confirmed.
    pub(crate) fn repeat_later(
        &self,
        lane: Lane,
        script: &'static Script,
        keys: Keys<'_>,
        args: &impl Fn(&Self, &mut Request),
    ) {
        let request = Repetition::new(lane, script, keys, |command| args(self, command));
        self.finish_later(Unfinished::Repetition(Box::new(request)));
    }

    /// Sends such a request once more, and waits for so long until it is confirmed.
    pub(crate) fn repeat(
        &self,
        request: &Repetition,
        patience: Duration,
    ) -> std::result::Result<Done, Failed> {
        let mut free = self.take_lane();
        let mut lane = request.lane.with_connection_of(&mut free);
        let keys = Keys { patience: Some(patience), ..request.keys() };
        let done = self.ask_again(&mut lane, request.script, keys, |command| {
            command.arg(&request.args);
        });
        free.primary = lane.primary;
        self.give_lane(free);
        done
    }

    /// Puts back what could not be finished, in front of what has come since.
    pub(crate) fn finish_again(&self, mut unfinished: Vec<Unfinished>) {
        let known = &mut *lock(&self.unfinished);
        known.drain(..).for_each(|new| add(&mut unfinished, new));
        *known = unfinished;
    }

    /// Takes what was not finished, to finish it.
    pub(crate) fn take_unfinished(&self) -> Vec<Unfinished> {
        std::mem::take(&mut *lock(&self.unfinished))
    }

    /// Gives a handle up, with one of the next requests.
    pub(crate) fn release(&self, number: u64) {
        let mut released = lock(&self.released);
        released.push(number);
        if released.len() == 1 || released.len() == MOST_RELEASED {
            self.has_work.notify_all();
        }
    }

    /// Has the server know of all handles that were given up until now. Those that others give up meanwhile
    /// are for the next time, so that this ends, and the lease is renewed.
    pub(crate) fn flush(&self) -> Result<()> {
        let _others_have_ended = lock(&self.flushing);
        let mut due = std::mem::take(&mut *lock(&self.released));
        while !due.is_empty() {
            let numbers = due.split_off(due.len().saturating_sub(MOST_RELEASED));
            let sent = self.ask(&RELEASE, Keys::default(), |command| {
                command.arg(&numbers);
            });
            if let Err(failed) = sent {
                let is_unknown = matches!(failed, Failed::Engine(Failure::OutcomeUnknown { .. }));
                if self.is_current() {
                    let mut released = lock(&self.released);
                    released.append(&mut due);
                    if !is_unknown {
                        released.extend(numbers);
                    }
                }
                return Err(self.error(failed));
            }
        }
        Ok(())
    }

    /// Sleeps until the lease is to be renewed, or handles are to be given up.
    pub(crate) fn rest(&self, until_renewal: Duration, until_release: Duration) {
        let released = lock(&self.released);
        if self.is_lost.load(Ordering::Relaxed) {
            return;
        }
        let has_unfinished = !lock(&self.unfinished).is_empty();
        let time = if released.is_empty() && !has_unfinished { until_renewal } else { until_release };
        let (released, ended) =
            self.has_work.wait_timeout(released, time).unwrap_or_else(PoisonError::into_inner);
        if !ended.timed_out() && released.len() < MOST_RELEASED && !self.is_lost.load(Ordering::Relaxed) {
            // More may come.
            drop(self.has_work.wait_timeout(released, until_release));
        }
    }
}
