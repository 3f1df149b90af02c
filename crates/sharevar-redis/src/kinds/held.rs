//! A variable as the seam sees it: the operations of its kind, and of no other.

use super::condition::ConditionVariable;
use super::elements::ArrayVariable;
use crate::error::wrong_kind;
use crate::namespace::Fence;
use crate::number::kind_of;
use crate::variable::Variable;
use sharevar::engine::{
    Barrier, Cell, Condition, Elements, Engine, Event, Exclusive, Held, List, LocalId, Map, Monitor, Queue,
    RwLock, Units,
};
use sharevar::{Error, Kind, Result};
use std::sync::Arc;

impl Held for Variable {
    fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    fn local_id(&self) -> LocalId {
        LocalId { number: self.number, generation: self.client.namespace.id as u64 }
    }

    fn current_kind(&self) -> Option<Kind> {
        kind_of(self.number)
    }

    fn fenced(self: Arc<Self>, lock: Arc<dyn Held>) -> Result<Arc<dyn Held>> {
        let token = lock.clone().exclusive()?.token()?.ok_or(Error::NotOwner)?.to_string();
        let fence = Fence { lock: lock.local_id().number, token };
        Ok(self.with_fence(fence)?)
    }

    fn map(self: Arc<Self>) -> Result<Arc<dyn Map>> {
        self.expect(&[Kind::Dict, Kind::Set, Kind::Namespace])?;
        Ok(self)
    }

    fn list(self: Arc<Self>) -> Result<Arc<dyn List>> {
        self.expect(&[Kind::List])?;
        Ok(self)
    }

    fn cell(self: Arc<Self>) -> Result<Arc<dyn Cell>> {
        self.expect(&[Kind::Value])?;
        Ok(self)
    }

    fn elements(self: Arc<Self>) -> Result<Arc<dyn Elements>> {
        self.expect(&[Kind::Array])?;
        ArrayVariable::of(self)
    }

    fn exclusive(self: Arc<Self>) -> Result<Arc<dyn Exclusive>> {
        self.expect(&[Kind::Lock, Kind::RLock])?;
        Ok(self)
    }

    fn rwlock(self: Arc<Self>) -> Result<Arc<dyn RwLock>> {
        self.expect(&[Kind::RwLock])?;
        Ok(self)
    }

    fn units(self: Arc<Self>) -> Result<Arc<dyn Units>> {
        self.expect(&[Kind::Semaphore])?;
        Ok(self)
    }

    fn condition(self: Arc<Self>) -> Result<Arc<dyn Condition>> {
        self.expect(&[Kind::Condition])?;
        ConditionVariable::of(self)
    }

    fn event(self: Arc<Self>) -> Result<Arc<dyn Event>> {
        self.expect(&[Kind::Event])?;
        Ok(self)
    }

    fn barrier(self: Arc<Self>) -> Result<Arc<dyn Barrier>> {
        self.expect(&[Kind::Barrier])?;
        Ok(self)
    }

    fn monitor(self: Arc<Self>) -> Result<Arc<dyn Monitor>> {
        self.expect(&[Kind::Monitor])?;
        Ok(self)
    }

    fn queue(self: Arc<Self>) -> Result<Arc<dyn Queue>> {
        self.expect(&[Kind::Queue, Kind::PriorityQueue])?;
        Ok(self)
    }
}

impl Variable {
    fn expect(&self, kinds: &[Kind]) -> Result<()> {
        let kind = kind_of(self.number);
        if kind.is_some_and(|kind| kinds.contains(&kind)) { Ok(()) } else { Err(wrong_kind(kind, kinds[0])) }
    }
}
