//! A handle on a variable, and how values come out of it.

use super::Memory;
use super::state::{GENERATION, State};
use crate::engine::barrier::Barrier;
use crate::engine::cell::Cell;
use crate::engine::condition::Condition;
use crate::engine::content::Content;
use crate::engine::elements::Elements;
use crate::engine::event::Event;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::held::{Engine, Held, unsupported};
use crate::engine::list::List;
use crate::engine::local_id::LocalId;
use crate::engine::map::Map;
use crate::engine::queue::Queue;
use crate::engine::rwlock::RwLock;
use crate::engine::units::Units;
use crate::error::{Error, Result};
use crate::kind::Kind;
use sharevar_value::Encoded;
use std::sync::{Arc, MutexGuard, PoisonError};

/// A variable, which lives for as long as this exists.
#[derive(Debug)]
pub(super) struct Variable {
    memory: Arc<Memory>,
    /// The same, as others see it.
    engine: Arc<dyn Engine>,
    pub(super) number: u64,
    kind: Kind,
}

impl Variable {
    /// Of a variable that was counted once for this.
    pub(super) fn new(memory: Arc<Memory>, number: u64, kind: Kind) -> Self {
        Self { engine: memory.clone(), memory, number, kind }
    }

    /// The engine's own part of the seam.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The state, for one operation.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, State>> {
        self.memory.begin()
    }

    /// One more handle on it.
    pub(super) fn another(&self) -> Handle {
        // It is held already. Only an engine that is closed gives no handle; operations on this one say
        // so, too, and it counts for nothing.
        let mut state = self.memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = state.retain(self.number);
        Handle::Other(Arc::new(Self::new(self.memory.clone(), self.number, self.kind)))
    }

    /// A value as it is read. It holds what it refers to.
    pub(super) fn content(&self, state: &mut State, value: Encoded) -> Result<Content> {
        let mut hold = |number| Ok(Handle::Other(self.memory.hold(state, number)?));
        Ok(match value {
            Encoded::Word(word) => match word.handle_offset() {
                Some(number) => Content::Handle(hold(number)?),
                None => Content::Word(word),
            },
            Encoded::Bytes { bytes, handles } => {
                Content::Bytes(bytes, handles.into_iter().map(hold).collect::<Result<_>>()?)
            }
        })
    }

    /// Values as they are read.
    pub(super) fn contents(&self, state: &mut State, values: Vec<Encoded>) -> Result<Vec<Content>> {
        values.into_iter().map(|value| self.content(state, value)).collect()
    }

    /// A value on its way out of a container: it holds what it refers to before the place goes.
    pub(super) fn taken(&self, state: &mut State, value: Encoded) -> Result<Content> {
        let content = self.content(state, value.clone())?;
        state.release_all([value]);
        Ok(content)
    }
}

impl Drop for Variable {
    fn drop(&mut self) {
        if !self.memory.is_of_this_process() {
            return;
        }
        // The state may be locked by this very thread.
        self.memory.released.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl Held for Variable {
    fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    fn local_id(&self) -> LocalId {
        LocalId { number: self.number, generation: GENERATION }
    }

    fn current_kind(&self) -> Option<Kind> {
        Some(self.kind)
    }

    fn fenced(self: Arc<Self>, lock: Arc<dyn Held>) -> Result<Arc<dyn Held>> {
        if lock.exclusive()?.is_mine()? { Ok(self) } else { Err(Error::NotOwner) }
    }

    fn map(self: Arc<Self>) -> Result<Arc<dyn Map>> {
        match self.kind {
            Kind::Dict | Kind::Set | Kind::Namespace => Ok(self),
            _ => Err(unsupported(&*self)),
        }
    }

    fn list(self: Arc<Self>) -> Result<Arc<dyn List>> {
        if self.kind == Kind::List { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn cell(self: Arc<Self>) -> Result<Arc<dyn Cell>> {
        if self.kind == Kind::Value { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn elements(self: Arc<Self>) -> Result<Arc<dyn Elements>> {
        if self.kind == Kind::Array {
            super::elements::ArrayVariable::of(self)
        } else {
            Err(unsupported(&*self))
        }
    }

    fn exclusive(self: Arc<Self>) -> Result<Arc<dyn Exclusive>> {
        if matches!(self.kind, Kind::Lock | Kind::RLock) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn rwlock(self: Arc<Self>) -> Result<Arc<dyn RwLock>> {
        if matches!(self.kind, Kind::RwLock) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn units(self: Arc<Self>) -> Result<Arc<dyn Units>> {
        if matches!(self.kind, Kind::Semaphore) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn condition(self: Arc<Self>) -> Result<Arc<dyn Condition>> {
        if matches!(self.kind, Kind::Condition) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn event(self: Arc<Self>) -> Result<Arc<dyn Event>> {
        if matches!(self.kind, Kind::Event) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn barrier(self: Arc<Self>) -> Result<Arc<dyn Barrier>> {
        if matches!(self.kind, Kind::Barrier) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn queue(self: Arc<Self>) -> Result<Arc<dyn Queue>> {
        if matches!(self.kind, Kind::Queue | Kind::PriorityQueue) {
            Ok(self)
        } else {
            Err(unsupported(&*self))
        }
    }
}
