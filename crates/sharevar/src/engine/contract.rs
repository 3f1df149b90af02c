//! The traits of an engine other than shared memory, and of its variables. `registry` has the engines, by the
//! schemes of their addresses.

use super::barrier::Barrier;
use super::cell::Cell;
use super::condition::Condition;
use super::elements::Elements;
use super::event::Event;
use super::exclusive::Exclusive;
use super::handle::Foreign;
use super::list::List;
use super::local_id::LocalId;
use super::make::Make;
use super::map::Map;
use super::monitor::Monitor;
use super::names::Names;
use super::pickles::Pickles;
use super::queue::Queue;
use super::rwlock::RwLock;
use super::units::Units;
use crate::error::{Error, Result};
use crate::kind::Kind;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// An engine that keeps variables elsewhere than in shared memory: one home of variables, which refer
/// to each other and to no others.
pub trait Engine: Any + Debug + Send + Sync {
    /// Returns the identity that no other home has.
    fn id(&self) -> u128;

    /// Returns the engine's name, for errors.
    fn name(&self) -> &'static str;

    /// Returns the address by which another process connects to the home. It holds no secret.
    fn address(&self) -> String;

    /// Returns whether values of no native type are kept.
    fn pickles(&self) -> Pickles {
        Pickles::ACCEPTED
    }

    /// Makes a variable.
    fn create(&self, make: &Make<'_>) -> Result<Arc<dyn Held>>;

    /// Opens a variable that another process holds.
    ///
    /// # Errors
    /// [`HandleExpired`](Error::HandleExpired) if it was freed.
    fn open(&self, id: LocalId) -> Result<Arc<dyn Held>>;

    /// Returns the variables that have names.
    fn names(self: Arc<Self>) -> Arc<dyn Names>;

    /// Returns how many variables there are, with a name or without.
    fn count(&self) -> Result<u64>;

    /// Ends the home for all processes: from now on all operations fail.
    fn close(&self);

    /// Ends this process's use of the home, in order: others need not wait until its lease ends.
    fn leave(&self) {}

    /// Returns whether a process has closed it.
    fn is_closed(&self) -> bool;
}

/// A variable of such an engine, which it keeps alive for as long as this exists.
pub trait Held: Foreign {
    /// Returns the engine that keeps the variable.
    fn engine(&self) -> &Arc<dyn Engine>;

    /// Returns its name inside of its home.
    fn local_id(&self) -> LocalId;

    /// Returns what the variable is, if it is still there.
    fn current_kind(&self) -> Option<Kind>;

    /// Returns the same variable, whose operations fail once `lock`, which the caller holds, has another
    /// holder. Where no living holder can lose a lock it is this variable itself.
    ///
    /// # Errors
    /// [`NotOwner`](Error::NotOwner) if the caller does not hold the lock.
    fn fenced(self: Arc<Self>, lock: Arc<dyn Held>) -> Result<Arc<dyn Held>>;

    /// Returns it as keys with values.
    fn map(self: Arc<Self>) -> Result<Arc<dyn Map>>;

    /// Returns it as a list.
    fn list(self: Arc<Self>) -> Result<Arc<dyn List>>;

    /// Returns it as one value.
    fn cell(self: Arc<Self>) -> Result<Arc<dyn Cell>>;

    /// Returns it as an array.
    fn elements(self: Arc<Self>) -> Result<Arc<dyn Elements>>;

    /// Returns it as an exclusive lock.
    fn exclusive(self: Arc<Self>) -> Result<Arc<dyn Exclusive>>;

    /// Returns it as a readers-writer lock.
    fn rwlock(self: Arc<Self>) -> Result<Arc<dyn RwLock>>;

    /// Returns it as a semaphore.
    fn units(self: Arc<Self>) -> Result<Arc<dyn Units>>;

    /// Returns it as a condition.
    fn condition(self: Arc<Self>) -> Result<Arc<dyn Condition>>;

    /// Returns it as an event.
    fn event(self: Arc<Self>) -> Result<Arc<dyn Event>>;

    /// Returns it as a barrier.
    fn barrier(self: Arc<Self>) -> Result<Arc<dyn Barrier>>;

    /// Returns it as a monitor.
    fn monitor(self: Arc<Self>) -> Result<Arc<dyn Monitor>>;

    /// Returns it as a queue of any kind.
    fn queue(self: Arc<Self>) -> Result<Arc<dyn Queue>>;
}

impl<T: Held + 'static> Foreign for T {
    fn home_id(&self) -> u128 {
        self.engine().id()
    }

    fn engine_name(&self) -> &'static str {
        self.engine().name()
    }

    fn pickles(&self) -> Pickles {
        self.engine().pickles()
    }

    fn id(&self) -> LocalId {
        self.local_id()
    }

    fn kind(&self) -> Option<Kind> {
        self.current_kind()
    }

    fn erased(self: Arc<Self>) -> Box<dyn Any> {
        Box::new(self as Arc<dyn Held>)
    }
}

/// The variable of another engine that a handle leads to.
pub(crate) fn held(foreign: Arc<dyn Foreign>) -> Result<Arc<dyn Held>> {
    let unsupported = unsupported(&*foreign);
    // No type but those that are `Held` is `Foreign`, unless a program makes one.
    foreign.erased().downcast::<Arc<dyn Held>>().map(|held| *held).map_err(|_| unsupported)
}

/// The error of a variable that its engine cannot be asked for.
#[cold]
pub(crate) fn unsupported(held: &dyn Foreign) -> Error {
    let operation = held.kind().map_or("variable of an unknown kind", Kind::name);
    Error::Unsupported { operation, engine: held.engine_name() }
}
