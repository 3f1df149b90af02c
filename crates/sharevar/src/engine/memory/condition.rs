//! Where threads wait until they are notified, in the order in which they came.

use super::bodies::{Holder, Thread};
use super::state::State;
use super::variable::Variable;
use crate::engine::condition::{Condition, Parked};
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use std::time::Duration;

/// A caller that waits.
struct Waiting<'a> {
    variable: &'a Variable,
    ticket: u64,
    times: u64,
    has_left: bool,
    wait: Box<dyn Wait<()> + 'a>,
}

impl Waiting<'_> {
    /// Takes the entry away. Returns the ticket up to which the caller was notified with others.
    fn leave(&mut self, state: &mut State) -> Result<Option<u64>> {
        self.has_left = true;
        Ok(state.condition(self.variable.number)?.leave(self.ticket))
    }
}

impl Wait<()> for Waiting<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<()>> {
        self.wait.attempt(announce)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }
}

impl Parked for Waiting<'_> {
    fn times(&self) -> u64 {
        self.times
    }

    fn end(mut self: Box<Self>) -> Result<bool> {
        let variable = self.variable;
        Ok(variable.change(|state| self.leave(state))?.is_some())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let variable = self.variable;
        // It fails when the engine is closed, and then no thread waits any more.
        let _ = variable.change(|state| {
            if let Some(last) = self.leave(state)? {
                // It passes to the next of those that waited when it was made.
                state.condition(variable.number)?.notify(1, last);
            }
            Ok(())
        });
    }
}

impl Condition for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn lock(&self) -> Result<Handle> {
        self.ask(|state| {
            let lock = state.condition(self.number)?.lock;
            Ok(Handle::Other(self.memory().hold(state, lock)?))
        })
    }

    fn begin_wait(&self) -> Result<Box<dyn Parked + '_>> {
        let thread = Thread::current();
        let (lock, thread, ticket, times) = self.change(|state| {
            let (client, lock) = (state.client, state.condition(self.number)?.lock);
            let locked = state.exclusive(lock)?;
            let thread = locked.is_recursive.then_some(thread);
            let believed = self.memory().token(lock, thread);
            let given = locked.give_back(Holder { client, thread }, believed, u64::MAX)?;
            let times = given.ok_or(Error::NotOwner)?;
            Ok((lock, thread, state.condition(self.number)?.enter(client), times))
        })?;
        self.memory().set_token(lock, thread, None);
        let wait =
            self.wait_for(move |state, _| Ok(state.condition(self.number)?.may_go_on(ticket).then_some(())));
        Ok(Box::new(Waiting { variable: self, ticket, times, has_left: false, wait }))
    }

    fn notify(&self, most: u64) -> Result<u64> {
        self.change(|state| {
            let condition = state.condition(self.number)?;
            Ok(condition.notify(most, condition.last))
        })
    }

    fn counts(&self) -> Result<(u64, u64)> {
        self.ask(|state| Ok(state.condition(self.number)?.counts()))
    }
}
