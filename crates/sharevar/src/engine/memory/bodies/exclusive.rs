//! A lock, and its holder.

use crate::engine::acquired::Acquired;
use crate::engine::failure::Failure;
use crate::error::Result;
use sharevar_arena::actor;
use std::thread::ThreadId;

/// A lock.
#[derive(Debug)]
pub(crate) struct ExclusiveBody {
    pub(crate) is_recursive: bool,
    /// How often it is held.
    pub(crate) times: u64,
    holder: Option<Holder>,
    /// Whether the holder's lease has ended, so that the next one gets the lock.
    has_lapsed: bool,
    pub(crate) owner_died: bool,
    /// The number of the last hold.
    pub(crate) token: u64,
}

/// A thread, or a greenlet in it. It is asked for while nothing is locked, since that may run code of
/// the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thread(ThreadId, Option<u32>);

impl Thread {
    pub(crate) fn current() -> Self {
        Self(std::thread::current().id(), actor())
    }
}

/// The holder of a lock: a client has a plain one, and a thread of a client a recursive one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) client: u64,
    pub(crate) thread: Option<Thread>,
}

/// The lock that requests are fenced by, and the token of the hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fence {
    pub(crate) lock: u64,
    pub(crate) token: u64,
}

impl ExclusiveBody {
    pub(crate) fn new(is_recursive: bool) -> Self {
        Self { is_recursive, times: 0, holder: None, has_lapsed: false, owner_died: false, token: 0 }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.times > 0 && !self.has_lapsed
    }

    pub(crate) fn is_held_by(&self, holder: Holder) -> bool {
        self.is_locked() && self.holder == Some(holder)
    }

    /// Takes the lock, if no living holder has it. Returns the token of the hold, too.
    pub(crate) fn take(&mut self, holder: Holder) -> Option<(Acquired, u64)> {
        if !self.is_locked() {
            self.owner_died |= self.has_lapsed;
            self.has_lapsed = false;
            self.holder = Some(holder);
            self.times = 1;
            self.token += 1;
        } else if self.is_recursive && self.is_held_by(holder) {
            self.times += 1;
        } else {
            return None;
        }
        Some((Acquired { owner_died: self.owner_died }, self.token))
    }

    /// Gives up so many holds, at most, of a holder that believes in the hold of that token, if any. A plain
    /// lock is given back by anybody. Returns how many holds there were; `None` if there is nothing to give
    /// back.
    pub(crate) fn give_back(&mut self, holder: Holder, token: Option<u64>, most: u64) -> Result<Option<u64>> {
        if token.is_some_and(|token| token != self.token) {
            // Another one has taken it since.
            return Err(Failure::LeaseLost.into());
        }
        if self.times == 0 || (self.is_recursive && self.holder != Some(holder)) {
            return Ok(None);
        }
        let given = self.times.min(most);
        self.times -= given;
        self.has_lapsed &= self.times > 0;
        Ok(Some(given))
    }

    /// The lease of a client has ended.
    pub(crate) fn end(&mut self, client: u64) {
        self.has_lapsed |= self.times > 0 && self.holder.is_some_and(|holder| holder.client == client);
    }
}
