//! An engine inside of one process, for tests of programs that use another one.
//!
//! One lock protects all of its variables, so that each operation is one for all threads. Variables are
//! counted as a server counts them: by the handles of clients whose leases go on, by places in other
//! variables, and by names. A `Memory` is one client; `server` is what they have in common.

mod barrier;
mod bodies;
mod cell;
mod clients;
mod condition;
mod elements;
mod event;
mod exclusive;
mod list;
mod map;
mod monitor;
mod queue;
mod rwlock;
mod server;
mod state;
mod units;
mod variable;
mod waits;

pub use clients::Fault;
pub(crate) use clients::LEASE;
use server::NAME;
pub(crate) use server::Server;

use super::contract::{Engine, Held};
use super::handle::Handle;
use super::local_id::LocalId;
use super::make::Make;
use super::names::Names;
use crate::error::{Error, Result};
use bodies::{Entrance, Fence, Thread};
use state::{GENERATION, State};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use variable::Variable;

/// How often a request is sent until its outcome is unknown.
const ATTEMPTS: u32 = 3;

/// One client of variables in the memory of this process.
#[derive(Debug)]
pub(crate) struct Memory {
    this: Weak<Self>,
    server: Arc<Server>,
    /// Its number among the server's connections.
    connection: u64,
    /// Handles that are gone, with the clients as which they were taken. A handle may go while the state is
    /// locked, so the next operation gives them up.
    released: Mutex<Vec<(u64, u64)>>,
    /// The tokens of the locks that this client has, or had when its lease ended, by variable and thread.
    tokens: Mutex<HashMap<(u64, Option<Thread>), u64>>,
    /// The threads that are inside of monitors, each with the number by which it has entered.
    inside: Mutex<HashMap<(u64, Thread), u64>>,
    /// Monitors, and numbers of threads that are inside no more, or have not learnt that they are. The next
    /// operation lets others enter.
    unfinished: Mutex<Vec<(u64, u64)>>,
    /// Whether the program has ended, as far as the test is concerned.
    has_ended: AtomicBool,
}

impl Memory {
    /// Connects to what `address` leads to: a server without variables, or that of a test.
    pub(crate) fn connect(address: &str) -> Result<Arc<Self>> {
        let is_new = address == format!("{NAME}:");
        let server = if is_new { Server::create() } else { Server::find(address)? };
        let connection = server.begin()?.clients.connect();
        Ok(Arc::new_cyclic(|this| Self {
            this: this.clone(),
            server,
            connection,
            released: Mutex::default(),
            tokens: Mutex::default(),
            inside: Mutex::default(),
            unfinished: Mutex::default(),
            has_ended: AtomicBool::new(false),
        }))
    }

    /// Makes a request to the server, which is sent again under its number until it is answered. The server
    /// keeps the answer with the effect, so that it takes effect once.
    fn ask<R>(&self, fence: Option<Fence>, mut request: impl FnMut(&mut State) -> Result<R>) -> Result<R> {
        let mut state = self.server.begin()?;
        if self.has_ended.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        let fault = state.clients.next_fault(self.connection);
        let losses = match fault {
            Some(fault @ (Fault::Unreachable | Fault::RequestLost)) => {
                return Err(self.server.failure(fault));
            }
            Some(Fault::ReplyLost) => ATTEMPTS,
            Some(Fault::ReplyLostOnce) => 1,
            None => 0,
        };
        state.client = state.clients.session(self.connection);
        let released = std::mem::take(&mut *self.released.lock().unwrap_or_else(PoisonError::into_inner));
        for (session, number) in released {
            state.let_go(session, number);
        }
        let changes = state.changes;
        let unfinished = std::mem::take(&mut *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner));
        for (number, entrance) in unfinished {
            let client = state.client;
            state.leave(number, Entrance { client, number: entrance });
        }
        let mut kept = None;
        let mut answer = None;
        for attempt in 1..=ATTEMPTS {
            let given = kept.take().unwrap_or_else(|| {
                fence.map_or(Ok(()), |fence| state.check(fence))?;
                request(&mut state)
            });
            if attempt > losses {
                answer = Some(given);
                break;
            }
            kept = Some(given);
        }
        if state.changes != changes {
            self.server.wake();
        }
        // An answer may be a wait that locks the state when it is dropped.
        drop(state);
        answer.unwrap_or_else(|| Err(self.server.failure(Fault::ReplyLost)))
    }

    /// A handle on a variable, for the client that is asking.
    fn hold(&self, state: &mut State, number: u64) -> Result<Arc<Variable>> {
        let this = self.this.upgrade().ok_or(Error::Closed)?;
        let kind = state.hold(number)?;
        Ok(Variable::create(this, state.client, number, kind))
    }

    /// The token of the hold that a thread believes in, or this client if the lock is not recursive.
    fn token(&self, number: u64, thread: Option<Thread>) -> Option<u64> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&(number, thread)).copied()
    }

    fn set_token(&self, number: u64, thread: Option<Thread>, token: Option<u64>) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match token {
            Some(token) => tokens.insert((number, thread), token),
            None => tokens.remove(&(number, thread)),
        };
    }
}

/// What a test arranges for a client.
impl Memory {
    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.server.arrange(|state| state.clients.set_standing(self.connection, fault));
    }

    pub(crate) fn plan_fault(&self, after: u64, fault: Fault) {
        self.server.arrange(|state| state.clients.plan(self.connection, after, fault));
    }

    pub(crate) fn requests(&self) -> u64 {
        self.server.arrange(|state| state.clients.requests(self.connection))
    }

    /// Ends its lease; it goes on without knowing.
    pub(crate) fn expire(&self) {
        self.server.arrange(|state| {
            if let Some(session) = state.clients.live_session(self.connection) {
                state.end(session);
            }
        });
    }

    /// Ends it as a death does: all of its operations fail, and others wait until its lease is over.
    pub(crate) fn kill(&self) {
        self.server.arrange(|state| {
            state.clients.end_connection(self.connection);
            self.has_ended.store(true, Ordering::Relaxed);
        });
    }
}

impl Engine for Memory {
    fn id(&self) -> u128 {
        self.server.id
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        self.server.address()
    }

    fn create(&self, make: &Make<'_>) -> Result<Arc<dyn Held>> {
        if let Make::Condition(lock) = make
            && lock.home_id() != self.id()
        {
            return Err(Error::OtherManager { arena: lock.home_id() });
        }
        let made = self.ask(None, |state| {
            let number = state.create(make)?;
            self.hold(state, number)
        })?;
        Ok(made)
    }

    fn open(&self, id: LocalId) -> Result<Arc<dyn Held>> {
        if id.generation != GENERATION {
            return Err(Error::HandleExpired);
        }
        Ok(self.ask(None, |state| self.hold(state, id.number))?)
    }

    fn names(self: Arc<Self>) -> Arc<dyn Names> {
        self
    }

    fn count(&self) -> Result<u64> {
        self.ask(None, |state| Ok(state.count()))
    }

    fn close(&self) {
        self.server.close();
    }

    /// What it holds is free at once: no other waits until its lease is over.
    fn leave(&self) {
        self.expire();
        self.kill();
    }

    fn is_closed(&self) -> bool {
        self.server.is_closed() || self.has_ended.load(Ordering::Relaxed)
    }
}

impl Names for Memory {
    fn find(&self, name: &str) -> Result<Option<Handle>> {
        self.ask(None, |state| {
            let Some(number) = state.named(name) else { return Ok(None) };
            Ok(Some(Handle::Other(self.hold(state, number)?)))
        })
    }

    fn enter(&self, name: &str, made: &Handle) -> Result<Handle> {
        if made.home_id() != self.id() {
            return Err(Error::OtherManager { arena: made.home_id() });
        }
        self.ask(None, |state| {
            let number = match state.named(name) {
                Some(number) => number,
                None => state.enter(name, made.id().number)?,
            };
            Ok(Handle::Other(self.hold(state, number)?))
        })
    }

    fn remove(&self, name: &str) -> Result<bool> {
        self.ask(None, |state| Ok(state.remove(name)))
    }

    fn all(&self) -> Result<Vec<String>> {
        self.ask(None, |state| Ok(state.names()))
    }
}
