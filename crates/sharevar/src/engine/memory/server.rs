//! The part of the engine that all of its clients have in common: a server's, if there were one.

use super::clients::Fault;
use super::state::State;
use crate::engine::failure::Failure;
use crate::error::{Error, Result};
use sharevar_os::{process_epoch, random_bytes};
use sharevar_value::HashSeed;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

/// The engine's name, for errors and addresses.
pub(crate) const NAME: &str = "memory";

/// The servers that other parts of the program find by their addresses.
static SERVERS: RwLock<Vec<Weak<Server>>> = RwLock::new(Vec::new());

/// The variables, and those that use them.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) id: u128,
    pub(super) seed: HashSeed,
    state: Mutex<State>,
    /// Where threads sleep until something changes that may be waited for.
    changed: Condvar,
    is_closed: AtomicBool,
    /// The process that has made it: a child by fork would change a copy of its own.
    epoch: u64,
    /// Whether its address leads to it.
    has_address: bool,
}

impl Server {
    /// A server without variables, for one client.
    pub(super) fn create() -> Arc<Self> {
        Arc::new(Self::new(false))
    }

    /// A server without variables, which is found by its address.
    pub(crate) fn with_address() -> Arc<Self> {
        let server = Arc::new(Self::new(true));
        let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|other| other.strong_count() > 0);
        servers.push(Arc::downgrade(&server));
        server
    }

    fn new(has_address: bool) -> Self {
        let id = u128::from_le_bytes(random_bytes());
        Self {
            id,
            seed: HashSeed::new(id as u64),
            state: Mutex::default(),
            changed: Condvar::new(),
            is_closed: AtomicBool::new(false),
            epoch: process_epoch(),
            has_address,
        }
    }

    /// Whether an address can be one that [`Self::address`] gives.
    pub(crate) fn may_have(address: &str) -> bool {
        let rest = address.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(':'));
        rest.is_some_and(|id| id.is_empty() || id.len() == 32 && u128::from_str_radix(id, 16).is_ok())
    }

    /// The server to which an address leads.
    pub(super) fn find(address: &str) -> Result<Arc<Self>> {
        let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
        let mut living = servers.iter().filter_map(Weak::upgrade);
        living.find(|server| server.address() == address).ok_or_else(|| {
            let cause = "no server of a test in this process has that address".to_owned();
            Failure::Unavailable { address: address.to_owned(), cause }.into()
        })
    }

    pub(crate) fn address(&self) -> String {
        if self.has_address { format!("{NAME}:{:032x}", self.id) } else { format!("{NAME}:") }
    }

    /// Whether this is the process that has made it, and no child. A child's locks may be another
    /// thread's for good.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.epoch == process_epoch()
    }

    /// The state, for one operation.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, State>> {
        if !self.is_of_this_process() {
            return Err(Error::Unsupported { operation: "variables for other processes", engine: NAME });
        }
        if self.is_closed() {
            return Err(Error::Closed);
        }
        Ok(self.lock())
    }

    /// The state, whether it is closed or not.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves no operation half done that is made of calls which cannot panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all waits look again.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Sleeps until something has changed since `seen`, for `limit` at most.
    pub(super) fn sleep(&self, seen: u64, limit: Duration) {
        let state = self.lock();
        if state.changes == seen && !self.is_closed() {
            drop(self.changed.wait_timeout(state, limit));
        }
    }

    pub(super) fn close(&self) {
        // Under the lock, so that none goes to sleep that has seen it open.
        let _state = self.lock();
        self.is_closed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Does what a test says, which may end waits.
    pub(super) fn arrange<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        state.changes += 1;
        self.changed.notify_all();
        result
    }

    /// Lets time pass, in which leases end that are not renewed.
    pub(crate) fn advance(&self, time: Duration) {
        self.arrange(|state| {
            for session in state.clients.advance(time) {
                state.end(session);
            }
        });
    }

    /// The error of a request that has not been answered.
    pub(super) fn failure(&self, fault: Fault) -> Error {
        let address = self.address();
        if fault == Fault::Unreachable {
            let cause = "the test has made it unreachable".to_owned();
            Failure::Unavailable { address, cause }.into()
        } else {
            let cause = "the test has lost its answers".to_owned();
            Failure::OutcomeUnknown { address, cause }.into()
        }
    }
}
