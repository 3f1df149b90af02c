//! Locks that one holder has: a client has a plain one, and a thread a recursive one, until the client's lease
//! ends.

use crate::mutex::lock;
use crate::number::kind_of;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Acquired, Exclusive, Handle};
use sharevar::{Kind, Result};
use sharevar_arena::actor;
use std::sync::atomic::{AtomicU64, Ordering};

scripts! { "../lua/exclusive.lua":
    ACQUIRE = "acquire";
    RELEASE = "release";
    RESTORE = "restore";
    STATE = "state";
    MARK = "mark";
}

const PARTS: &str = "mw";

/// The thread, or the greenlet in it, by a name that no other of its client has.
pub(super) fn thread() -> String {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    let number = NUMBER.with(|number| *number);
    actor().map_or_else(|| number.to_string(), |actor| format!("{number}-{actor}"))
}

/// The part of the client that holds a lock of that kind: a thread, or the whole process (empty).
pub(super) fn caller(number: u64) -> String {
    if kind_of(number) == Some(Kind::RLock) { thread() } else { String::new() }
}

/// The same as the server knows it.
pub(super) fn full_name(session: &Session, caller: &str) -> String {
    if caller.is_empty() { session.client.clone() } else { format!("{}/{caller}", session.client) }
}

/// Whether the lock of that number is recursive, as scripts are told.
pub(super) fn is_recursive(number: u64) -> u8 {
    u8::from(kind_of(number) == Some(Kind::RLock))
}

impl Variable {
    fn acquire(&self, caller: &str, place: Place<'_>) -> Result<Option<Acquired>> {
        let answer = self.ask_with_shortfall(&ACQUIRE, PARTS, |session, command| {
            command.arg(full_name(session, caller)).arg(is_recursive(self.number));
            command.arg(place.ticket).arg(place.score);
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        let [died, token] = reply::parts(answer.value)?;
        let token = reply::text(token)?.unwrap_or_default();
        if let Some(shortfall) = answer.shortfall {
            // Two could have it after a failover.
            return Err(self.undo(shortfall, &RELEASE, PARTS, |session, command| {
                command.arg(full_name(session, caller)).arg(is_recursive(self.number)).arg(&token).arg(0);
                command.arg("undo");
            }));
        }
        lock(&answer.session.tokens).insert((self.number, caller.to_owned()), token);
        Ok(Some(Acquired { owner_died: reply::yes(died)? }))
    }

    fn give_back(&self, is_all: bool) -> Result<Option<u64>> {
        let caller = caller(self.number);
        let session = self.client.session()?;
        let key = (self.number, caller);
        let token = lock(&session.tokens).get(&key).cloned().unwrap_or_default();
        let answer = self.ask(&RELEASE, PARTS, |session, command| {
            command.arg(full_name(session, &key.1)).arg(is_recursive(self.number));
            command.arg(&token).arg(u8::from(is_all));
        });
        // A token that was lost stays until the caller has the lock again: without one, a release would be
        // that of a lock which another client has taken for this one, and free the next holder's.
        let value = answer?.value;
        if value == Value::Nil {
            lock(&session.tokens).remove(&key);
            return Ok(None);
        }
        let [given, is_free] = reply::parts(value)?;
        if reply::yes(is_free)? {
            lock(&session.tokens).remove(&key);
        }
        Ok(Some(reply::int(given)? as u64))
    }

    /// The holder, as the server knows it, whether one died, and how often the lock is held.
    fn lock_state(&self) -> Result<(Option<String>, bool, u64)> {
        let [holder, died, times, _] = reply::parts(self.ask(&STATE, "m", |_, _| ())?.value)?;
        Ok((reply::text(holder)?, reply::yes(died)?, reply::int(times)? as u64))
    }
}

impl Exclusive for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        self.acquire(&caller(self.number), Place::default())
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let caller = caller(self.number);
        self.wait_for('w', move |place| self.acquire(&caller, place))
    }

    fn release(&self) -> Result<bool> {
        Ok(self.give_back(false)?.is_some())
    }

    fn release_all(&self) -> Result<Option<u64>> {
        self.give_back(true)
    }

    fn restore(&self, times: u64) -> Result<()> {
        let caller = caller(self.number);
        self.tell(&RESTORE, "m", |session, command| {
            command.arg(full_name(session, &caller)).arg(is_recursive(self.number)).arg(times);
        })
        .map(drop)
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.lock_state()?.0.is_some())
    }

    fn is_mine(&self) -> Result<bool> {
        Ok(self.count()? > 0)
    }

    fn count(&self) -> Result<u64> {
        let session = self.client.session()?;
        let (holder, _, times) = self.lock_state()?;
        let is_mine = holder == Some(full_name(&session, &caller(self.number)));
        Ok(if is_mine { times } else { 0 })
    }

    fn owner_died(&self) -> Result<bool> {
        Ok(self.lock_state()?.1)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.tell(&MARK, "m", |_, _| ()).map(drop)
    }

    fn token(&self) -> Result<Option<u64>> {
        let session = self.client.session()?;
        let token = lock(&session.tokens).get(&(self.number, caller(self.number))).cloned();
        Ok(token.and_then(|token| token.parse().ok()))
    }

    fn is_lost(&self) -> Result<bool> {
        let Some(mine) = self.token()? else { return Ok(false) };
        let [_, _, _, last] = reply::parts(self.ask(&STATE, "m", |_, _| ())?.value)?;
        Ok(reply::number::<u64>(last)? != mine)
    }
}
