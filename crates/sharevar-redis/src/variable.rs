//! A handle on a variable, and what a script is told of it.

use crate::error::wrong_kind;
use crate::home::{Home, Reply, kind_of};
use crate::kinds::{ArrayVariable, ConditionVariable};
use crate::reply;
use crate::script::Script;
use crate::session::{Fence, Keys, Session};
use crate::stored;
use redis::{Cmd, Value};
use sharevar::engine::{
    Barrier, Cell, Condition, Content, Elements, Engine, Event, Exclusive, Handle, Held, List, LocalId, Map,
    Queue, RwLock, Units,
};
use sharevar::{Error, Kind, Result};
use std::sync::{Arc, Weak};

/// A variable, which lives for as long as this exists, unless the lease of its client ends.
pub(crate) struct Variable {
    home: Arc<Home>,
    this: Weak<Self>,
    /// The same home, as others see it.
    engine: Arc<dyn Engine>,
    session: Arc<Session>,
    pub(crate) number: u64,
    fence: Option<Fence>,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable")
            .field("number", &self.number)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Variable {
    /// Of a variable that was counted once for that client.
    pub(crate) fn create(home: Arc<Home>, session: Arc<Session>, number: u64) -> Arc<Self> {
        Self::make(home, session, number, None)
    }

    fn make(home: Arc<Home>, session: Arc<Session>, number: u64, fence: Option<Fence>) -> Arc<Self> {
        let engine = home.clone();
        Arc::new_cyclic(|this| Self { this: this.clone(), engine, home, session, number, fence })
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Has the server run a script on it and those of its parts.
    pub(crate) fn ask(
        &self,
        script: &Script,
        parts: &str,
        args: impl Fn(&Session, &mut Cmd),
    ) -> Result<Reply> {
        self.home.ask(
            script,
            Keys { number: self.number, parts, more: &[], fence: self.fence.as_ref() },
            args,
        )
    }

    /// A script that changes it, and says nothing else than whether it has.
    pub(crate) fn tell(
        &self,
        script: &Script,
        parts: &str,
        args: impl Fn(&Session, &mut Cmd),
    ) -> Result<bool> {
        reply::yes(self.ask(script, parts, args)?.value)
    }

    /// A handle on it.
    pub(crate) fn this(&self) -> Handle {
        // It is in an `Arc`, by which it was called.
        self.this
            .upgrade()
            .map_or_else(|| unreachable!("a variable that is used is there"), |this| Handle::Other(this))
    }

    /// A value as it was read.
    pub(crate) fn content(&self, session: &Arc<Session>, value: Value) -> Result<Option<Content>> {
        let Some(stored) = reply::bytes(value)? else { return Ok(None) };
        stored::read(&stored, |number| self.home.handle(session, number)).map(Some)
    }

    /// Values as they were read.
    pub(crate) fn contents(&self, session: &Arc<Session>, values: Vec<Value>) -> Result<Vec<Content>> {
        let contents = values.into_iter().map(|value| self.content(session, value));
        Ok(contents.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

impl Drop for Variable {
    fn drop(&mut self) {
        // The parent's session is not a forked child's, and its locks may be taken.
        if self.session.is_current() {
            self.session.release(self.number);
        }
    }
}

impl Held for Variable {
    fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    fn local_id(&self) -> LocalId {
        LocalId { number: self.number, generation: self.home.home_id() as u64 }
    }

    fn current_kind(&self) -> Option<Kind> {
        kind_of(self.number)
    }

    fn fenced(self: Arc<Self>, lock: Arc<dyn Held>) -> Result<Arc<dyn Held>> {
        let token = lock.clone().exclusive()?.token()?.ok_or(Error::NotOwner)?.to_string();
        let fence = Fence { lock: lock.local_id().number, token };
        let session = self.home.hold(self.number)?;
        Ok(Self::make(self.home.clone(), session, self.number, Some(fence)))
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
