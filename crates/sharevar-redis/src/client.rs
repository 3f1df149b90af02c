//! This process as a client of a namespace: one session, and another one after a fork or a lost lease.

use crate::fork_gate;
use crate::mutex::lock;
use crate::namespace::{Keys, Namespace};
use crate::primary::Done;
use crate::script::{Script, scripts};
use crate::session::Session;
use crate::upkeep;
use redis::{Cmd, Value};
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
    /// The error of a change that is not confirmed, and may be lost.
    pub(crate) shortfall: Option<Failure>,
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
        let tokens = if old.is_ours() { old.tokens.clone() } else { Arc::default() };
        let new = Arc::new(Session::new(self.namespace.clone(), tokens));
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
        args: impl Fn(&Session, &mut Cmd),
    ) -> Result<Reply> {
        let mut reply = self.ask_with_shortfall(script, keys, args)?;
        reply.shortfall.take().map_or(Ok(reply), |shortfall| Err(shortfall.into()))
    }

    /// Has the server run a script, for a caller that undoes a change which is not confirmed.
    pub(crate) fn ask_with_shortfall(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Cmd),
    ) -> Result<Reply> {
        if self.namespace.has_closed() {
            return Err(Error::Closed);
        }
        blocking(|| {
            let session = self.session()?;
            let error = match session.ask_with_shortfall(script, keys, |command| args(&session, command)) {
                Ok(done) => return Ok(self.reply(done, session)),
                Err(failed) => session.error(failed),
            };
            // The session may have ended for another reason than this request's answer.
            if session.is_current() || error.happened() != Some(false) {
                return Err(error);
            }
            // The lease had ended, so that nothing was done; another session does it.
            let session = self.session()?;
            match session.ask_with_shortfall(script, keys, |command| args(&session, command)) {
                Ok(done) => Ok(self.reply(done, session)),
                Err(failed) => Err(session.error(failed)),
            }
        })
    }

    fn reply(&self, done: Done, session: Arc<Session>) -> Reply {
        let address = || self.namespace.address.shown.clone();
        let shortfall = done.shortfall.map(|cause| Failure::NotReplicated {
            address: address(),
            cause,
            is_undone: false,
        });
        Reply { value: done.value, session, shortfall }
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
