//! An engine inside of one process, for tests of programs that use another one.
//!
//! One lock protects all of its variables, so that each operation is one for all threads. Variables are
//! counted as an arena counts them: by handles, by places in other variables, and by names.

mod barrier;
mod bodies;
mod cell;
mod condition;
mod elements;
mod event;
mod exclusive;
mod list;
mod map;
mod queue;
mod rwlock;
mod state;
mod units;
mod variable;
mod waits;

use super::handle::Handle;
use super::held::{Engine, Held};
use super::local_id::LocalId;
use super::make::Make;
use super::names::Names;
use crate::error::{Error, Result};
use rustix::rand::{GetRandomFlags, getrandom};
use sharevar_os::process_epoch;
use sharevar_value::HashSeed;
use state::{GENERATION, State};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use variable::Variable;

/// Its name, for errors and addresses.
pub(crate) const NAME: &str = "memory";

/// Variables in the memory of this process.
#[derive(Debug)]
pub(crate) struct Memory {
    this: Weak<Self>,
    id: u128,
    seed: HashSeed,
    state: Mutex<State>,
    /// Where threads sleep until something changes that may be waited for.
    changed: Condvar,
    /// Numbers of variables to which a handle is gone. A handle may go while the state is locked, so
    /// the next operation takes them out.
    released: Mutex<Vec<u64>>,
    is_closed: AtomicBool,
    /// The process that has made it: a child by fork would change a copy of its own.
    epoch: u64,
}

impl Memory {
    /// Returns an engine without variables.
    pub(crate) fn create() -> Arc<Self> {
        let mut bytes = [0; 16];
        while getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {}
        let id = u128::from_le_bytes(bytes);
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            id,
            seed: HashSeed::new(id as u64),
            state: Mutex::default(),
            changed: Condvar::new(),
            released: Mutex::default(),
            is_closed: AtomicBool::new(false),
            epoch: process_epoch(),
        })
    }

    /// Whether this is the process that has made it, and no child. A child's locks may be another
    /// thread's for good.
    fn is_of_this_process(&self) -> bool {
        self.epoch == process_epoch()
    }

    /// The state, for one operation.
    fn begin(&self) -> Result<MutexGuard<'_, State>> {
        if !self.is_of_this_process() {
            return Err(Error::Unsupported { operation: "variables for other processes", engine: NAME });
        }
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        // A panic leaves no operation half done that is made of calls which cannot panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let released = std::mem::take(&mut *self.released.lock().unwrap_or_else(PoisonError::into_inner));
        for number in released {
            state.release(number);
        }
        Ok(state)
    }

    /// A handle on a variable, which is counted in `state`.
    fn hold(&self, state: &mut State, number: u64) -> Result<Arc<Variable>> {
        let this = self.this.upgrade().ok_or(Error::Closed)?;
        let kind = state.retain(number)?;
        Ok(Arc::new(Variable::new(this, number, kind)))
    }
}

impl Engine for Memory {
    fn id(&self) -> u128 {
        self.id
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        format!("{NAME}:")
    }

    fn create(&self, make: &Make<'_>) -> Result<Arc<dyn Held>> {
        if let Make::Condition(lock) = make
            && lock.home_id() != self.id
        {
            return Err(Error::OtherManager { arena: lock.home_id() });
        }
        let mut state = self.begin()?;
        let number = state.create(make)?;
        Ok(self.hold(&mut state, number)?)
    }

    fn open(&self, id: LocalId) -> Result<Arc<dyn Held>> {
        if id.generation != GENERATION {
            return Err(Error::HandleExpired);
        }
        Ok(self.hold(&mut *self.begin()?, id.number)?)
    }

    fn names(self: Arc<Self>) -> Arc<dyn Names> {
        self
    }

    fn count(&self) -> Result<u64> {
        Ok(self.begin()?.count())
    }

    fn close(&self) {
        // Under the lock, so that none goes to sleep that has seen it open.
        let _state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_closed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// The one that leaves is the last one.
    fn leave(&self) {
        self.close();
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

impl Names for Memory {
    fn find(&self, name: &str) -> Result<Option<Handle>> {
        let mut state = self.begin()?;
        let Some(number) = state.named(name) else { return Ok(None) };
        Ok(Some(Handle::Other(self.hold(&mut state, number)?)))
    }

    fn enter(&self, name: &str, made: &Handle) -> Result<Handle> {
        if made.home_id() != self.id {
            return Err(Error::OtherManager { arena: made.home_id() });
        }
        let mut state = self.begin()?;
        let number = match state.named(name) {
            Some(number) => number,
            None => state.enter(name, made.id().number)?,
        };
        Ok(Handle::Other(self.hold(&mut state, number)?))
    }

    fn remove(&self, name: &str) -> Result<bool> {
        Ok(self.begin()?.remove(name))
    }

    fn all(&self) -> Result<Vec<String>> {
        Ok(self.begin()?.names())
    }
}
