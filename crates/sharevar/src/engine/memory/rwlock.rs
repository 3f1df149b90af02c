//! Locks for many readers or one writer, whose holders are clients.

use super::state::State;
use super::variable::Variable;
use crate::engine::acquired::Acquired;
use crate::engine::handle::Handle;
use crate::engine::rwlock::RwLock;
use crate::engine::wait::Wait;
use crate::error::Result;

/// A writer that waits, until this is dropped.
struct NextWriter<'a> {
    variable: &'a Variable,
    /// Its ticket, once it has one.
    ticket: Option<u64>,
}

impl NextWriter<'_> {
    fn attempt(&mut self, state: &mut State, announce: bool) -> Result<Option<Acquired>> {
        let (client, ticket) = (state.client, state.ticket());
        let lock = state.rwlock(self.variable.number)?;
        let acquired = lock.write(client);
        if acquired.is_some() {
            if let Some(ticket) = self.ticket.take() {
                lock.next.remove(&ticket);
            }
        } else if announce {
            // Once more after the end of a lease, which took it out.
            lock.next.insert(*self.ticket.get_or_insert(ticket), client);
        }
        Ok(acquired)
    }
}

impl Drop for NextWriter<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // It fails when the engine is closed, and then no thread waits any more; or the server is out of
            // reach, and then the end of the lease takes it out.
            let _ = self.variable.change(|state| {
                state.rwlock(self.variable.number)?.next.remove(&ticket);
                Ok(())
            });
        }
    }
}

impl Variable {
    fn read(&self, state: &mut State) -> Result<Option<Acquired>> {
        let client = state.client;
        Ok(state.rwlock(self.number)?.read(client))
    }
}

impl RwLock for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_read(&self) -> Result<Option<Acquired>> {
        self.ask(|state| self.read(state))
    }

    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        self.wait_for(|state, _| self.read(state))
    }

    fn try_write(&self) -> Result<Option<Acquired>> {
        self.ask(|state| {
            let client = state.client;
            Ok(state.rwlock(self.number)?.write(client))
        })
    }

    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let mut next = NextWriter { variable: self, ticket: None };
        self.wait_for(move |state, announce| next.attempt(state, announce))
    }

    fn release_read(&self) -> Result<bool> {
        self.change(|state| {
            let client = state.client;
            Ok(state.rwlock(self.number)?.release_read(client))
        })
    }

    fn release_write(&self) -> Result<bool> {
        self.change(|state| {
            let client = state.client;
            Ok(state.rwlock(self.number)?.release_write(client))
        })
    }

    fn owner_died(&self) -> Result<bool> {
        self.ask(|state| Ok(state.rwlock(self.number)?.owner_died))
    }

    fn mark_consistent(&self) -> Result<()> {
        self.ask(|state| {
            state.rwlock(self.number)?.owner_died = false;
            Ok(())
        })
    }
}
