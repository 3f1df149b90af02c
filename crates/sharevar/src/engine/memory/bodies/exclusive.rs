//! A lock, and its holder.

use crate::engine::acquired::Acquired;
use sharevar_arena::actor;
use std::thread::ThreadId;

/// A lock.
#[derive(Debug)]
pub(crate) struct ExclusiveBody {
    pub(crate) is_recursive: bool,
    /// How often it is held.
    pub(crate) times: u64,
    /// The one that has acquired it.
    pub(crate) holder: Option<Caller>,
}

/// A thread, or a greenlet in it. It is asked for while nothing is locked, since that may run code of
/// the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(ThreadId, Option<u32>);

impl Caller {
    pub(crate) fn now() -> Self {
        Self(std::thread::current().id(), actor())
    }
}

impl ExclusiveBody {
    pub(crate) fn new(is_recursive: bool) -> Self {
        Self { is_recursive, times: 0, holder: None }
    }

    pub(crate) fn is_held_by(&self, caller: Caller) -> bool {
        self.times > 0 && (!self.is_recursive || self.holder == Some(caller))
    }

    pub(crate) fn take(&mut self, caller: Caller) -> Option<Acquired> {
        if self.times > 0 && !(self.is_recursive && self.is_held_by(caller)) {
            return None;
        }
        self.times += 1;
        self.holder = Some(caller);
        Some(Acquired { owner_died: false })
    }

    /// Gives up so many holds, at most. Returns how many there were.
    pub(crate) fn give_back(&mut self, caller: Caller, most: u64) -> Option<u64> {
        if !self.is_held_by(caller) {
            return None;
        }
        let given = self.times.min(most);
        self.times -= given;
        Some(given)
    }
}
