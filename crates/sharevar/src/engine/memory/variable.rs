//! A handle on a variable, and how values come out of it.

use super::Memory;
use super::bodies::Fence;
use super::state::{GENERATION, State};
use crate::engine::barrier::Barrier;
use crate::engine::cell::Cell;
use crate::engine::condition::Condition;
use crate::engine::content::Content;
use crate::engine::contract::{Engine, Held, unsupported};
use crate::engine::elements::Elements;
use crate::engine::event::Event;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::list::List;
use crate::engine::local_id::LocalId;
use crate::engine::map::Map;
use crate::engine::monitor::Monitor;
use crate::engine::queue::Queue;
use crate::engine::rwlock::RwLock;
use crate::engine::units::Units;
use crate::error::{Error, Result};
use crate::kind::Kind;
use sharevar_value::Encoded;
use std::sync::{Arc, PoisonError, Weak};

/// A variable, which lives for as long as this exists, unless the lease of its client ends.
#[derive(Debug)]
pub(super) struct Variable {
    this: Weak<Self>,
    memory: Arc<Memory>,
    /// The same, as others see it.
    engine: Arc<dyn Engine>,
    /// The client that has it, which its program may be no more.
    client: u64,
    pub(super) number: u64,
    pub(super) kind: Kind,
    fence: Option<Fence>,
}

impl Variable {
    /// Of a variable that was counted once for that client.
    pub(super) fn create(memory: Arc<Memory>, client: u64, number: u64, kind: Kind) -> Arc<Self> {
        Self::make(memory, client, number, kind, None)
    }

    fn make(memory: Arc<Memory>, client: u64, number: u64, kind: Kind, fence: Option<Fence>) -> Arc<Self> {
        let engine = memory.clone();
        Arc::new_cyclic(|this| Self { this: this.clone(), engine, memory, client, number, kind, fence })
    }

    /// The engine's own part of the seam.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Makes a request about it.
    pub(super) fn ask<R>(&self, request: impl FnMut(&mut State) -> Result<R>) -> Result<R> {
        self.memory.ask(self.fence, request)
    }

    /// One more handle on it.
    pub(super) fn another(&self) -> Handle {
        // It is in an `Arc`, by which it was called.
        self.this
            .upgrade()
            .map_or_else(|| unreachable!("a variable that is used is there"), |this| Handle::Other(this))
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
        if self.memory.server.is_of_this_process() {
            // The state may be locked by this very thread.
            let mut released = self.memory.released.lock().unwrap_or_else(PoisonError::into_inner);
            released.push((self.client, self.number));
        }
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
        let token = lock.clone().exclusive()?.token()?.ok_or(Error::NotOwner)?;
        let fence = Fence { lock: lock.local_id().number, token };
        self.memory.ask(None, |state| {
            state.hold(self.number)?;
            let memory = self.memory.clone();
            Ok(Self::make(memory, state.client, self.number, self.kind, Some(fence)) as Arc<dyn Held>)
        })
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

    fn monitor(self: Arc<Self>) -> Result<Arc<dyn Monitor>> {
        if matches!(self.kind, Kind::Monitor) { Ok(self) } else { Err(unsupported(&*self)) }
    }

    fn queue(self: Arc<Self>) -> Result<Arc<dyn Queue>> {
        if matches!(self.kind, Kind::Queue | Kind::PriorityQueue) {
            Ok(self)
        } else {
            Err(unsupported(&*self))
        }
    }
}
