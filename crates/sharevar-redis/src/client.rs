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
        if self.namespace.has_closed() {
            return Err(Error::Closed);
        }
        blocking(|| {
            let session = self.session()?;
            let lane = session.take_lane();
            let error = match self.ask_by(&session, lane, script, keys, &args) {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            // The session may have ended for another reason than this request's answer.
            if session.is_current() || error.happened() != Some(false) {
                return Err(error);
            }
            // The lease had ended, so that nothing was done; another session does it.
            let session = self.session()?;
            let lane = session.take_lane();
            self.ask_by(&session, lane, script, keys, &args)
        })
    }

    /// Has the server run a script that undoes a change, if it has that.
    pub(crate) fn undo(
        &self,
        mut change: Shortfall,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        let session = change.session.clone();
        if let Some(lane) = change.lane.take() {
            let script = script.undoing();
            let undone = blocking(|| self.ask_by(&session, lane, script, keys, &args));
            if session.is_current() || undone.as_ref().map_or_else(Error::happened, |_| None) != Some(false) {
                return undone;
            }
        }
        // With the lease the server has forgotten which changes were made. Another server may never have had
        // this one.
        self.ask(script, Keys { history: Some(change.history), ..keys }, args)
    }

    fn ask_by(
        &self,
        session: &Arc<Session>,
        mut lane: Lane,
        script: &Script,
        keys: Keys<'_>,
        args: &impl Fn(&Session, &mut Request),
    ) -> Result<Reply> {
        let answer = session.ask_on(&mut lane, script, keys, |command| args(session, command));
        let mut lane = Some(lane);
        let answer = answer.map(|Done { value, shortfall, history }| {
            let shortfall = shortfall.map(|cause| {
                let address = self.namespace.address.shown.clone();
                let failure = Failure::NotReplicated { address, cause, is_undone: false };
                Shortfall { failure, session: session.clone(), history, lane: lane.take() }
            });
            Reply { value, session: session.clone(), shortfall, history }
        });
        if let Some(lane) = lane {
            session.give_lane(lane);
        }
        answer.map_err(|failed| session.error(failed))
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
