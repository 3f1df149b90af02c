//! Locks that one holder has: a client has a plain one, and a thread a recursive one, until the client's
//! lease ends.

use crate::client::Reply;
use crate::departures::{is_for_later, unknown};
use crate::error::undone;
use crate::holds::Hold;
use crate::number::{is_recursive, kind_of};
use crate::reply;
use crate::script::scripts;
use crate::sent::Sent;
use crate::session::{Session, Unfinished};
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Acquired, Exclusive, Handle};
use sharevar::{Error, Kind, Result};
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

impl Variable {
    fn acquire(&self, caller: &str, place: Place<'_>) -> Result<Option<Acquired>> {
        let session = self.client.session()?;
        let (name, mut hold) = (session.ticket(), session.holds.of(self.number, caller));
        if hold.has_ended() {
            hold = Hold::default();
        }
        let sent = Sent::default();
        let answer = self.ask_with_shortfall(&ACQUIRE, PARTS, |session, command| {
            sent.note(session, command);
            command.arg(session.owner(caller)).arg(is_recursive(self.number));
            command.arg(place.ticket).arg(place.score).arg(hold.token).arg(hold.times + 1).arg(&name);
        });
        let answer = answer.inspect_err(|error| {
            if let Some((session, place)) = sent.unanswered(&self.client, error) {
                let (owner, name) = (session.owner(caller), name.clone());
                session.finish_later(Unfinished::Request { lock: self.number, owner, name, place });
            }
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        let [died, token] = reply::parts(answer.value)?;
        let token = reply::number(token)?;
        let left = if token == hold.token { hold.times } else { 0 };
        if let Some(shortfall) = answer.shortfall {
            let failure = shortfall.failure.clone();
            // Two could have it after a failover.
            self.undo(shortfall, &RELEASE, PARTS, |session, command| {
                command.arg(session.owner(caller)).arg(is_recursive(self.number)).arg(token).arg(left);
                command.arg("undo");
            });
            if left == 0 {
                // The undoing is not confirmed either.
                answer.session.end_later(self.number, caller, token);
            }
            // The hold of before goes on as deep as it was, with its next request at the latest.
            return Err(undone(failure, true));
        }
        answer.session.holds.set(self.number, caller, Hold { token, times: left + 1 });
        Ok(Some(Acquired { owner_died: reply::yes(died)? }))
    }

    /// Gives the lock back, once or entirely. From then on the caller has it no more, or once less, also if
    /// that fails: its guard is gone, and the server learns of it later.
    fn give_back(&self, is_all: bool) -> Result<Option<u64>> {
        let caller = caller(self.number);
        let session = self.client.session()?;
        let hold = session.holds.of(self.number, &caller);
        if hold.has_ended() {
            return Ok(None);
        }
        let left = if is_all { 0 } else { hold.times.saturating_sub(1) };
        let answer = self.ask_with_shortfall(&RELEASE, PARTS, |session, command| {
            command.arg(session.owner(&caller)).arg(is_recursive(self.number)).arg(hold.token).arg(left);
        });
        let told = |session: &Session, is_confirmed| {
            if hold.token != 0 {
                session.give_back(self.number, &caller, hold.token, left, is_confirmed);
            }
        };
        match answer {
            Ok(Reply { value: Value::Nil, session, .. }) => {
                session.holds.forget(self.number, &caller, hold.token);
                Ok(None)
            }
            Ok(Reply { value, session, shortfall, .. }) => {
                told(&session, shortfall.is_none());
                let given = reply::int(value)? as u64;
                let given = if hold.token == 0 { given } else { hold.times };
                shortfall.map_or(Ok(Some(given)), |shortfall| Err(shortfall.failure.clone().into()))
            }
            Err(Error::Engine(failure)) if hold.token != 0 && is_for_later(&failure) => {
                told(&session, false);
                Err(unknown(failure))
            }
            // A token that was lost stays until the caller has the lock again: without one, a release would
            // be that of a lock which another client has taken for this one, and free the next holder's.
            Err(error) => Err(error),
        }
    }

    /// The holder, as the server knows it, whether one died, and the last token.
    fn lock_state(&self) -> Result<(Option<String>, bool, u64)> {
        let [holder, died, token] = reply::parts(self.ask(&STATE, "m", |_, _| ())?.value)?;
        Ok((reply::text(holder)?, reply::yes(died)?, reply::number(token)?))
    }

    /// The caller's hold, in which it believes.
    fn hold(&self) -> Result<Hold> {
        Ok(self.client.session()?.holds.of(self.number, &caller(self.number)))
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
            command.arg(session.owner(&caller)).arg(is_recursive(self.number)).arg(times);
        })?;
        let holds = &self.client.session()?.holds;
        holds.deepen(self.number, &caller, holds.of(self.number, &caller).token, times);
        Ok(())
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.lock_state()?.0.is_some())
    }

    fn is_mine(&self) -> Result<bool> {
        Ok(self.count()? > 0)
    }

    fn count(&self) -> Result<u64> {
        let session = self.client.session()?;
        let caller = caller(self.number);
        let hold = session.holds.of(self.number, &caller);
        let (holder, _, token) = self.lock_state()?;
        let is_mine = holder == Some(session.owner(&caller)) && token == hold.token;
        Ok(if is_mine { hold.times } else { 0 })
    }

    fn owner_died(&self) -> Result<bool> {
        Ok(self.lock_state()?.1)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.tell(&MARK, "m", |_, _| ()).map(drop)
    }

    fn token(&self) -> Result<Option<u64>> {
        let hold = self.hold()?;
        Ok((hold.times > 0).then_some(hold.token))
    }

    fn is_lost(&self) -> Result<bool> {
        let Some(mine) = self.token()? else { return Ok(false) };
        Ok(self.lock_state()?.2 != mine)
    }
}
