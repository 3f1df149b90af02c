//! Locks for many readers or one writer. All of them are this process's, so that none dies.

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
    is_next: bool,
}

impl NextWriter<'_> {
    fn attempt(&mut self, state: &mut State, announce: bool) -> Result<Option<Acquired>> {
        let lock = state.rwlock(self.variable.number)?;
        let acquired = lock.write();
        let is_next = acquired.is_none() && (self.is_next || announce);
        lock.next = lock.next - u64::from(self.is_next) + u64::from(is_next);
        self.is_next = is_next;
        Ok(acquired)
    }
}

impl Drop for NextWriter<'_> {
    fn drop(&mut self) {
        if self.is_next {
            // It fails when the engine is closed, and then no thread waits any more.
            let _ = self.variable.change(|state| {
                state.rwlock(self.variable.number)?.next -= 1;
                Ok(())
            });
        }
    }
}

impl RwLock for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_read(&self) -> Result<Option<Acquired>> {
        Ok(self.begin()?.rwlock(self.number)?.read())
    }

    fn read_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        self.wait_for(|state, _| Ok(state.rwlock(self.number)?.read()))
    }

    fn try_write(&self) -> Result<Option<Acquired>> {
        Ok(self.begin()?.rwlock(self.number)?.write())
    }

    fn write_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let mut next = NextWriter { variable: self, is_next: false };
        self.wait_for(move |state, announce| next.attempt(state, announce))
    }

    fn release_read(&self) -> Result<bool> {
        self.change(|state| {
            let lock = state.rwlock(self.number)?;
            let has_read = lock.readers > 0;
            lock.readers -= u64::from(has_read);
            Ok(has_read)
        })
    }

    fn release_write(&self) -> Result<bool> {
        self.change(|state| Ok(std::mem::take(&mut state.rwlock(self.number)?.is_written)))
    }

    fn owner_died(&self) -> Result<bool> {
        self.begin()?.rwlock(self.number).map(|_| false)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.begin()?.rwlock(self.number).map(|_| ())
    }
}
