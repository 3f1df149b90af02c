//! Where threads wait until they are notified, in the order in which they came.

use super::exclusive::caller;
use crate::error::corrupt;
use crate::namespace::Keys;
use crate::number::is_recursive;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use crate::variable::Variable;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Condition, Content, Handle, Parked};
use sharevar::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

scripts! { "../lua/condition.lua":
    LOCK = "lock";
    BEGIN = "begin";
    AWAIT = "await";
    NOTIFY = "notify";
    END = "end";
    COUNTS = "counts";
}

const PARTS: &str = "mwk";
/// Beyond the number of waiters there can be.
const ALL: u64 = 1 << 52;

/// A condition, with its lock, which never changes.
#[derive(Debug)]
pub(crate) struct ConditionVariable {
    variable: Arc<Variable>,
    lock: u64,
}

impl ConditionVariable {
    pub(crate) fn of(variable: Arc<Variable>) -> Result<Arc<dyn Condition>> {
        let lock = lock_of(&variable)?.id().number;
        Ok(Arc::new(Self { variable, lock }))
    }
}

fn lock_of(variable: &Variable) -> Result<Handle> {
    let found = variable.ask(&LOCK, "m", |_, _| ())?;
    match variable.content(&found.session, found.value)? {
        Some(Content::Handle(lock)) => Ok(lock),
        _ => Err(corrupt("a condition has a lock")),
    }
}

/// A caller that waits. Its ticket stands in the condition from the moment at which it gave the lock back.
struct Waiting<'a> {
    variable: &'a Variable,
    session: Arc<Session>,
    ticket: String,
    times: u64,
    has_left: bool,
    may_sleep: bool,
}

impl Waiting<'_> {
    /// Takes the entry away. Returns whether it was notified.
    fn leave(&mut self, passes_on: bool) -> Result<bool> {
        self.has_left = true;
        self.session.listener.leave(&self.ticket);
        self.variable.tell(&END, PARTS, |_, command| {
            command.arg(&self.ticket).arg(u8::from(passes_on));
        })
    }
}

impl Wait<()> for Waiting<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<()>> {
        self.session.enter(&self.ticket);
        let is_notified = self.variable.tell(&AWAIT, PARTS, |_, command| {
            command.arg(&self.ticket);
        })?;
        self.may_sleep = announce && !is_notified;
        Ok(is_notified.then_some(()))
    }

    fn sleep(&mut self, left: Duration) {
        if std::mem::take(&mut self.may_sleep) {
            self.session.listener.sleep(&self.ticket, left);
        }
    }
}

impl Parked for Waiting<'_> {
    fn times(&self) -> u64 {
        self.times
    }

    fn end(mut self: Box<Self>) -> Result<bool> {
        self.leave(false)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.has_left && self.session.is_current() {
            // After a failure the notification passes on when the lease ends.
            let _ = self.leave(true);
        }
    }
}

impl Condition for ConditionVariable {
    fn handle(&self) -> Handle {
        self.variable.this()
    }

    fn lock(&self) -> Result<Handle> {
        lock_of(&self.variable)
    }

    fn begin_wait(&self) -> Result<Box<dyn Parked + '_>> {
        let client = &self.variable.client;
        let session = client.session()?;
        let (caller, ticket) = (caller(self.lock), session.ticket());
        let locked = ['m', 'w'].map(|part| client.namespace.key(self.lock, part));
        let keys = Keys { number: self.variable.number, parts: PARTS, more: &locked, ..Keys::default() };
        let hold = session.holds.of(self.lock, &caller);
        if hold.has_ended() {
            return Err(Error::NotOwner);
        }
        // One that is not confirmed goes on: the lock is given back.
        let begun = client.ask_with_shortfall(&BEGIN, keys, |session, command| {
            command.arg(session.owner(&caller)).arg(is_recursive(self.lock)).arg(&ticket).arg(hold.token);
        })?;
        if begun.value == Value::Nil {
            return Err(Error::NotOwner);
        }
        let mut times = reply::number(begun.value)?;
        if hold.token != 0 {
            begun.session.give_back(self.lock, &caller, hold.token, 0, begun.shortfall.is_none());
            times = hold.times;
        }
        let variable = &self.variable;
        Ok(Box::new(Waiting { variable, session, ticket, times, has_left: false, may_sleep: false }))
    }

    fn notify(&self, most: u64) -> Result<u64> {
        let most = most.min(ALL);
        let count = self.variable.ask(&NOTIFY, PARTS, |_, command| {
            command.arg(most);
        })?;
        Ok(reply::int(count.value)? as u64)
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let [waiting, notified] = reply::parts(self.variable.ask(&COUNTS, PARTS, |_, _| ())?.value)?;
        Ok((reply::int(waiting)? as u64, reply::int(notified)? as u64))
    }
}
