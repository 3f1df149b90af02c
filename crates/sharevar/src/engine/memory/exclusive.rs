//! Locks that one holder has. The holders of a plain one are this process alone, so that none dies.

use super::variable::Variable;
use crate::engine::acquired::Acquired;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;
use sharevar_arena::actor;
use std::thread::ThreadId;

/// A lock.
#[derive(Debug)]
pub(super) struct ExclusiveBody {
    is_recursive: bool,
    /// How often it is held.
    times: u64,
    /// The one that has acquired it.
    holder: Option<Caller>,
}

/// A thread, or a greenlet in it. It is asked for while nothing is locked, since that may run code of
/// the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller(ThreadId, Option<u32>);

impl Caller {
    pub(super) fn now() -> Self {
        Self(std::thread::current().id(), actor())
    }
}

impl ExclusiveBody {
    pub(super) fn new(is_recursive: bool) -> Self {
        Self { is_recursive, times: 0, holder: None }
    }

    fn is_held_by(&self, caller: Caller) -> bool {
        self.times > 0 && (!self.is_recursive || self.holder == Some(caller))
    }

    fn take(&mut self, caller: Caller) -> Option<Acquired> {
        if self.times > 0 && !(self.is_recursive && self.is_held_by(caller)) {
            return None;
        }
        self.times += 1;
        self.holder = Some(caller);
        Some(Acquired { owner_died: false })
    }

    /// Gives up so many holds, at most. Returns how many there were.
    pub(super) fn give_back(&mut self, caller: Caller, most: u64) -> Option<u64> {
        if !self.is_held_by(caller) {
            return None;
        }
        let given = self.times.min(most);
        self.times -= given;
        Some(given)
    }
}

impl Exclusive for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        let caller = Caller::now();
        Ok(self.begin()?.exclusive(self.number)?.take(caller))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let caller = Caller::now();
        self.wait_for(move |state, _| Ok(state.exclusive(self.number)?.take(caller)))
    }

    fn release(&self) -> Result<bool> {
        let caller = Caller::now();
        self.change(|state| Ok(state.exclusive(self.number)?.give_back(caller, 1).is_some()))
    }

    fn release_all(&self) -> Result<Option<u64>> {
        let caller = Caller::now();
        self.change(|state| Ok(state.exclusive(self.number)?.give_back(caller, u64::MAX)))
    }

    fn restore(&self, times: u64) -> Result<()> {
        let caller = Caller::now();
        let mut state = self.begin()?;
        let lock = state.exclusive(self.number)?;
        if lock.is_recursive && lock.is_held_by(caller) {
            lock.times = times;
        }
        Ok(())
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.begin()?.exclusive(self.number)?.times > 0)
    }

    fn is_mine(&self) -> Result<bool> {
        let caller = Caller::now();
        Ok(self.begin()?.exclusive(self.number)?.is_held_by(caller))
    }

    fn owner_died(&self) -> Result<bool> {
        self.begin()?.exclusive(self.number).map(|_| false)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.begin()?.exclusive(self.number).map(|_| ())
    }
}
