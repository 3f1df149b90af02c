//! This process as a client of a namespace: one session, and another one after a fork or a lost lease.

use crate::fork_gate;
use crate::history::Request;
use crate::lane::Lane;
use crate::mutex::lock;
use crate::namespace::{Keys, Namespace};
use crate::primary::Done;
use crate::script::{Script, scripts};
use crate::session::Session;
use crate::upkeep;
use redis::Value;
use sharevar::engine::{Failure, blocking};
use sharevar::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

scripts! { "lua/home.lua":
    OPEN = "open";
    LEAVE = "leave";
}

static CLIENTS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Client {
    pub(crate) namespace: Arc<Namespace>,
    /// Which one it is of this process's.
    pub(crate) number: u64,
    session: Mutex<Arc<Session>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.namespace.address)
            .field("home", &self.namespace.id_text)
            .finish_non_exhaustive()
    }
}

/// A script's answer, and the session that asked, which holds the variables that the answer refers to.
pub(crate) struct Reply {
    pub(crate) value: Value,
    pub(crate) session: Arc<Session>,
    /// Of a change that is not confirmed, and may be lost.
    pub(crate) shortfall: Option<Shortfall>,
    /// The number of the history in which its counts are.
    pub(crate) history: u16,
}

/// A change that is not confirmed.
pub(crate) struct Shortfall {
    /// Its error.
    pub(crate) failure: Failure,
    session: Arc<Session>,
    /// In which it was made.
    history: u16,
    /// Its last request is the change for as long as this has it.
    lane: Option<Lane>,
}

impl Drop for Shortfall {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            self.session.give_lane(lane);
        }
    }
}

impl Client {
    pub(crate) fn start(namespace: Arc<Namespace>) -> Result<Self> {
        let first = Arc::new(Session::new(namespace.clone(), Arc::default()));
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let client = Self { namespace, number, session: Mutex::new(first.clone()) };
        first.register()?;
        upkeep::start(&first)?;
        Ok(client)
    }

    /// The current session, a new one after a fork and after the lease has ended.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let current = {
            let _no_fork = fork_gate::enter();
            lock(&self.session).clone()
        };
        if current.is_current() { Ok(current) } else { blocking(|| self.new_session(&current)) }
    }

    #[cold]
    fn new_session(&self, old: &Arc<Session>) -> Result<Arc<Session>> {
        let holds = if old.is_ours() { old.holds.clone() } else { Arc::default() };
        let new = Arc::new(Session::new(self.namespace.clone(), holds));
        new.register()?;
        let used = {
            let _no_fork = fork_gate::enter();
            let mut session = lock(&self.session);
            if Arc::ptr_eq(&session, old) {
                let old = std::mem::replace(&mut *session, new.clone());
                if !old.is_ours() {
                    // Its locks may be taken for ever, by threads that this process does not have.
                    std::mem::forget(old);
                }
            }
            session.clone()
        };
        if Arc::ptr_eq(&used, &new) {
            upkeep::start(&used)?;
        }
        Ok(used)
    }

    /// Has the server run a script. A change that is not confirmed is an error.
    pub(crate) fn ask(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        let mut reply = self.ask_with_shortfall(script, keys, args)?;
        reply.shortfall.take().map_or(Ok(reply), |shortfall| Err(shortfall.failure.clone().into()))
    }

    /// Has the server run a script, for a caller that undoes a change which is not confirmed.
    pub(crate) fn ask_with_shortfall(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        self.with_session(|session| {
            self.ask_by(session, session.take_lane(), script, keys, &args, |lane| session.give_lane(lane))
        })
    }

    /// Has the server run a script that gives something back. If that is not confirmed, or its answer does not come,
    /// it is told again under its number until it is.
    pub(crate) fn ask_until_confirmed(
        &self,
        script: &'static Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Value> {
        let reply = self.with_session(|session| {
            let repeat = |lane| session.repeat_later(lane, script, keys, &args);
            self.ask_by(session, session.take_lane(), script, keys, &args, repeat)
        })?;
        let Some(mut shortfall) = reply.shortfall else { return Ok(reply.value) };
        if let Some(lane) = shortfall.lane.take() {
            reply.session.repeat_later(lane, script, keys, &args);
        }
        Err(shortfall.failure.clone().into())
    }

    /// Has the server run a script that undoes a change, if it has that change. The request is sent again until it is
    /// confirmed, since the next primary may have the change alone.
    pub(crate) fn undo(
        &self,
        mut change: Shortfall,
        script: &'static Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Value> {
        let session = change.session.clone();
        if let Some(mut lane) = change.lane.take() {
            let script = script.undoing();
            let undone =
                blocking(|| session.ask_on(&mut lane, script, keys, |command| args(&session, command)));
            let undone = undone.map(|done| done.value).map_err(|failed| session.error(failed));
            // Its caller relies on it that the change stands if it is told so.
            let stands = match &undone {
                Ok(answer) => matches!(answer, Value::Nil | Value::Int(0)),
                Err(error) => error.happened() == Some(false),
            };
            if stands {
                session.give_lane(lane);
            } else {
                session.repeat_later(lane, script, keys, &args);
            }
            if session.is_current() || undone.is_ok() || !stands {
                return undone;
            }
        }
        // With the lease the server has forgotten which changes were made. Another server may never have had
        // this one.
        Ok(self.ask(script, Keys { history: Some(change.history), ..keys }, args)?.value)
    }

    /// Asks by the current session, and by another one if the lease had ended, so that nothing was done.
    fn with_session(&self, ask: impl Fn(&Arc<Session>) -> Result<Reply>) -> Result<Reply> {
        if self.namespace.has_closed() {
            return Err(Error::Closed);
        }
        blocking(|| {
            let session = self.session()?;
            let asked = ask(&session);
            // The session may have ended for another reason than this request's answer.
            if session.is_current() || asked.as_ref().map_or_else(Error::happened, |_| None) != Some(false) {
                return asked;
            }
            ask(&self.session()?)
        })
    }

    /// Has the server run a script by that lane, which `keep` gets if no answer comes.
    fn ask_by(
        &self,
        session: &Arc<Session>,
        mut lane: Lane,
        script: &Script,
        keys: Keys<'_>,
        args: &impl Fn(&Session, &mut Request),
        keep: impl FnOnce(Lane),
    ) -> Result<Reply> {
        match session.ask_on(&mut lane, script, keys, |command| args(session, command)) {
            Ok(Done { value, shortfall: None, history }) => {
                session.give_lane(lane);
                Ok(Reply { value, session: session.clone(), shortfall: None, history })
            }
            Ok(Done { value, shortfall: Some(cause), history }) => {
                let address = self.namespace.address.shown.clone();
                let failure = Failure::NotReplicated { address, cause, is_undone: false };
                let shortfall = Shortfall { failure, session: session.clone(), history, lane: Some(lane) };
                Ok(Reply { value, session: session.clone(), shortfall: Some(shortfall), history })
            }
            Err(failed) => {
                let error = session.error(failed);
                if error.happened().is_none() {
                    keep(lane);
                } else {
                    session.give_lane(lane);
                }
                Err(error)
            }
        }
    }

    /// Counts a variable for the session, which is returned.
    pub(crate) fn hold(&self, number: u64) -> Result<Arc<Session>> {
        let opened = self.ask(&OPEN, Keys::default(), |_, command| {
            command.arg(number);
        })?;
        Ok(opened.session)
    }

    /// Ends a wait at a key.
    pub(crate) fn leave(&self, key: &[String], ticket: &str) {
        // A failure costs another waiter a second.
        let keys = Keys { more: key, ..Keys::default() };
        let _ = self.ask(&LEAVE, keys, |_, command| {
            command.arg(ticket);
        });
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A forked child has inherited the parent's, whose locks may be taken.
        let Ok(session) = self.session.get_mut() else { return };
        let session = session.clone();
        if session.is_ours() {
            if !self.namespace.has_closed() {
                blocking(|| upkeep::end(&session));
            }
            session.lose();
        }
    }
}
