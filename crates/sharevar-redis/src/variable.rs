//! A handle on a variable, and what a script is told of it.

use crate::client::{Client, Reply, Shortfall};
use crate::error::undone;
use crate::history::Request;
use crate::namespace::{Fence, Keys};
use crate::reply;
use crate::script::Script;
use crate::session::Session;
use crate::stored;
use redis::Value;
use sharevar::engine::{Content, Engine, Failure, Handle};
use sharevar::{Error, Result};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A variable, which lives for as long as this exists, unless the lease of its client ends.
pub(crate) struct Variable {
    this: Weak<Self>,
    pub(crate) client: Arc<Client>,
    /// The home, as others see it.
    pub(crate) engine: Arc<dyn Engine>,
    session: Arc<Session>,
    pub(crate) number: u64,
    fence: Option<Fence>,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable")
            .field("number", &self.number)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Variable {
    /// Of a variable that was counted once for that session.
    pub(crate) fn create(
        client: Arc<Client>,
        engine: Arc<dyn Engine>,
        session: Arc<Session>,
        number: u64,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { this: this.clone(), client, engine, session, number, fence: None })
    }

    /// The same variable, whose changes are refused once the lock is another holder's.
    pub(crate) fn with_fence(&self, fence: Fence) -> Result<Arc<Self>> {
        let session = self.client.hold(self.number)?;
        let (client, engine) = (self.client.clone(), self.engine.clone());
        let (number, fence) = (self.number, Some(fence));
        Ok(Arc::new_cyclic(|this| Self { this: this.clone(), client, engine, session, number, fence }))
    }

    /// Has the server run a script on it and those of its parts.
    pub(crate) fn ask(
        &self,
        script: &Script,
        parts: &str,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        self.client.ask(script, self.keys(parts), args)
    }

    /// The same, for a caller that undoes a change which is not confirmed.
    pub(crate) fn ask_with_shortfall(
        &self,
        script: &Script,
        parts: &str,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        self.client.ask_with_shortfall(script, self.keys(parts), args)
    }

    /// Undoes a change that is not confirmed. Returns the error for its caller, which says whether it is undone.
    pub(crate) fn undo(
        &self,
        change: Shortfall,
        script: &'static Script,
        parts: &str,
        args: impl Fn(&Session, &mut Request),
    ) -> Error {
        let keys = Keys { patience: Some(Duration::ZERO), ..self.keys(parts) };
        let shortfall = change.failure.clone();
        let answer = self.client.undo(change, script, keys, args);
        if let Err(Error::Engine(unknown @ Failure::OutcomeUnknown { .. })) = answer {
            return unknown.into();
        }
        undone(shortfall, answer.is_ok_and(|answer| !matches!(answer, Value::Nil | Value::Int(0))))
    }

    fn keys<'a>(&'a self, parts: &'a str) -> Keys<'a> {
        Keys { number: self.number, parts, fence: self.fence.as_ref(), ..Keys::default() }
    }

    /// A script that changes it, and says nothing else than whether it has.
    pub(crate) fn tell(
        &self,
        script: &Script,
        parts: &str,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<bool> {
        reply::yes(self.ask(script, parts, args)?.value)
    }

    /// A script that gives something back, which is told until that is confirmed.
    pub(crate) fn tell_until_confirmed(
        &self,
        script: &'static Script,
        parts: &str,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<()> {
        self.client.ask_until_confirmed(script, self.keys(parts), args).map(drop)
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
        let held = |number| Self::create(self.client.clone(), self.engine.clone(), session.clone(), number);
        stored::read(&stored, |number| Handle::Other(held(number))).map(Some)
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
