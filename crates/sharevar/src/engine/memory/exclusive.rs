//! Locks that one holder has, until the lease of its client ends.

use super::bodies::{Holder, Thread};
use super::state::State;
use super::variable::Variable;
use crate::engine::acquired::Acquired;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;

impl Variable {
    /// The thread that a recursive lock is held by.
    fn thread(&self) -> Option<Thread> {
        (self.kind == Kind::RLock).then(Thread::current)
    }

    fn acquire(&self, state: &mut State, thread: Option<Thread>) -> Result<Option<(Acquired, u64)>> {
        let holder = Holder { client: state.client, thread };
        Ok(state.exclusive(self.number)?.take(holder))
    }

    /// An acquisition of which the client has learnt.
    fn acquired(&self, thread: Option<Thread>, (acquired, token): (Acquired, u64)) -> Acquired {
        self.memory().set_token(self.number, thread, Some(token));
        acquired
    }

    fn give_back(&self, most: u64) -> Result<Option<u64>> {
        let thread = self.thread();
        let believed = self.memory().token(self.number, thread);
        let (given, is_left) = self.change(|state| {
            let holder = Holder { client: state.client, thread };
            let lock = state.exclusive(self.number)?;
            let given = lock.give_back(holder, believed, most)?;
            Ok((given, given.is_some() && lock.times > 0))
        })?;
        // The token of a hold that was lost stays until the caller has the lock again: without one, a release
        // would be that of a lock which another client has taken for this one.
        if !is_left {
            self.memory().set_token(self.number, thread, None);
        }
        Ok(given)
    }
}

impl Exclusive for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        let thread = self.thread();
        let taken = self.ask(|state| self.acquire(state, thread))?;
        Ok(taken.map(|taken| self.acquired(thread, taken)))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let thread = self.thread();
        self.wait_then(move |state, _| self.acquire(state, thread), move |taken| self.acquired(thread, taken))
    }

    fn release(&self) -> Result<bool> {
        Ok(self.give_back(1)?.is_some())
    }

    fn release_all(&self) -> Result<Option<u64>> {
        self.give_back(u64::MAX)
    }

    fn restore(&self, times: u64) -> Result<()> {
        let thread = self.thread();
        self.ask(|state| {
            let holder = Holder { client: state.client, thread };
            let lock = state.exclusive(self.number)?;
            if lock.is_recursive && lock.is_held_by(holder) {
                lock.times = times;
            }
            Ok(())
        })
    }

    fn is_locked(&self) -> Result<bool> {
        self.ask(|state| Ok(state.exclusive(self.number)?.is_locked()))
    }

    fn is_mine(&self) -> Result<bool> {
        Ok(self.count()? > 0)
    }

    fn count(&self) -> Result<u64> {
        let thread = self.thread();
        self.ask(|state| {
            let holder = Holder { client: state.client, thread };
            let lock = state.exclusive(self.number)?;
            Ok(if lock.is_held_by(holder) { lock.times } else { 0 })
        })
    }

    fn owner_died(&self) -> Result<bool> {
        self.ask(|state| Ok(state.exclusive(self.number)?.owner_died))
    }

    fn mark_consistent(&self) -> Result<()> {
        self.ask(|state| {
            state.exclusive(self.number)?.owner_died = false;
            Ok(())
        })
    }

    fn token(&self) -> Result<Option<u64>> {
        Ok(self.memory().token(self.number, self.thread()))
    }

    fn is_lost(&self) -> Result<bool> {
        let Some(mine) = self.token()? else { return Ok(false) };
        self.ask(|state| Ok(state.exclusive(self.number)?.token != mine))
    }
}
