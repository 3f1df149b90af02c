//! The holds of locks that this process has, as it sees them itself.
//!
//! A server may take a caller for a holder that has given the lock back: the end was lost with its primary,
//! or is on its way. So each caller says in which hold it believes, and how deep it is in it.

use crate::mutex::lock;
use crate::session::{Session, Unfinished};
use std::collections::HashMap;
use std::sync::Mutex;

/// A hold in which a caller believes; by default none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hold {
    /// The server tells it by this from each other hold of the lock, and gives later ones higher numbers. It
    /// is never 0.
    pub(crate) token: u64,
    /// How often the caller has the lock. It is 0 if an end of the hold has failed.
    pub(crate) times: u64,
}

impl Hold {
    /// Whether it was given back, and that is not confirmed.
    pub(crate) fn has_ended(self) -> bool {
        self.token != 0 && self.times == 0
    }
}

/// The holds of this process, by lock and caller.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<HashMap<(u64, String), Hold>>);

impl Holds {
    /// The last hold of a caller. One whose end has failed stays until the caller has the lock again: a
    /// release that is tried again must not free the next holder's.
    pub(crate) fn of(&self, number: u64, caller: &str) -> Hold {
        lock(&self.0).get(&(number, caller.to_owned())).copied().unwrap_or_default()
    }

    pub(crate) fn set(&self, number: u64, caller: &str, hold: Hold) {
        lock(&self.0).insert((number, caller.to_owned()), hold);
    }

    /// A hold is that deep from now on. Another thread may have taken a plain lock meanwhile.
    pub(crate) fn deepen(&self, number: u64, caller: &str, token: u64, times: u64) {
        if let Some(hold) = lock(&self.0).get_mut(&(number, caller.to_owned()))
            && hold.token == token
        {
            hold.times = times;
        }
    }

    pub(crate) fn forget(&self, number: u64, caller: &str, token: u64) {
        let key = (number, caller.to_owned());
        let holds = &mut *lock(&self.0);
        if holds.get(&key).is_some_and(|hold| hold.token == token) {
            holds.remove(&key);
        }
    }
}

impl Session {
    /// The caller has the lock `left` times more. An end that is not confirmed is told until it is: the
    /// server, or the next primary, may take this client for the holder still, for as long as the client
    /// lives.
    pub(crate) fn give_back(&self, number: u64, caller: &str, token: u64, left: u64, is_confirmed: bool) {
        if left > 0 || !is_confirmed {
            self.holds.deepen(number, caller, token, left);
        } else {
            self.holds.forget(number, caller, token);
        }
        if left == 0 && !is_confirmed {
            self.end_later(number, caller, token);
        }
    }

    /// Has the server know until it is confirmed that a hold of a lock has ended.
    pub(crate) fn end_later(&self, number: u64, caller: &str, token: u64) {
        let owner = self.owner(caller);
        self.finish_later(Unfinished::Hold { lock: number, owner, token });
    }

    /// A caller as the server knows it.
    pub(crate) fn owner(&self, caller: &str) -> String {
        if caller.is_empty() { self.client.clone() } else { format!("{}/{caller}", self.client) }
    }
}
