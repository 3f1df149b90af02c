//! A host as a client process sees it: where it is, and connections to it.

use crate::address::Address;
use crate::connection::{Connection, no_host};
use crate::error::{Error, Result};
use crate::settings::Settings;
use sharevar_os::process_epoch;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Connections that are kept though nobody uses them.
const KEPT: usize = 16;

/// How often something is looked at again that does not seem to be a host.
const LOOKS: usize = 2;

/// A host, and this process's connections to it. Clones are the same.
///
/// Each call takes a connection for itself, so that a call that takes long delays no other. One
/// connection is never used for calls: as long as it stands the host knows that this process
/// lives, and keeps what it refers to.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: Address,
    settings: Settings,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    /// Whose connections these are: a forked child inherits descriptors that are its parent's.
    process: u64,
    /// Shows that this process lives.
    keeper: Option<Connection>,
    free: Vec<Connection>,
}

impl Client {
    /// The host at an address. Nothing is connected yet.
    pub fn new(address: Address, settings: Settings) -> Self {
        Self { inner: Arc::new(Inner { address, settings, pool: Mutex::default() }) }
    }

    /// Where the host is.
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// How connections are secured.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// A connection for one call: one that is free, or a new one. It is closed when it is dropped;
    /// [`Lent::keep`] gives it back.
    pub fn connection(&self) -> Result<Lent> {
        self.connection_within(None, &mut || true)
    }

    /// The same, waited for until `until`, and for as long as `goes_on` says so, which is asked at
    /// each signal; if it does not it is [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn connection_within(
        &self,
        until: Option<Instant>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Lent> {
        if let Some(free) = self.free_connection() {
            return Ok(free);
        }
        Ok(Lent { connection: self.open(until, goes_on)?, client: self.clone() })
    }

    /// A connection that is free now, if there is one; it connects to nobody.
    pub fn free_connection(&self) -> Option<Lent> {
        let mut pool = self.pool();
        loop {
            let connection = pool.free.pop()?;
            // Its host may have ended. A Unix socket says so when something is sent; TCP takes it
            // at first, and then it would seem that the request had been read.
            if !self.is_over_tcp() || connection.is_quiet() {
                return Some(Lent { connection, client: self.clone() });
            }
        }
    }

    fn is_over_tcp(&self) -> bool {
        matches!(self.inner.address, Address::Tcp { .. })
    }

    /// A new connection, beside a keeper to the same life of the host: without one, a life would
    /// take this process for gone with the last call's connection. A good one is never replaced.
    fn open(&self, until: Option<Instant>, goes_on: &mut dyn FnMut() -> bool) -> Result<Connection> {
        loop {
            let before = self.life();
            let opened = self.look(until, goes_on)?;
            let mut pool = self.pool();
            let kept = pool.keeper.as_ref().filter(|keeper| keeper.is_quiet()).map(Connection::life);
            if kept == Some(opened.life()) {
                return Ok(opened);
            }
            // Of two lives the later counts: that of the keeper if it has come meanwhile.
            if kept.is_none() || kept == before {
                pool.free.clear();
                pool.keeper = Some(opened);
            }
        }
    }

    /// A host that dies in a handshake seems to be none; a second look finds none at all, or the
    /// one that has taken its place. And one that lives may have lost patience with a process that
    /// was stopped meanwhile.
    fn look(&self, until: Option<Instant>, goes_on: &mut dyn FnMut() -> bool) -> Result<Connection> {
        let mut looks = 0;
        loop {
            match Connection::open_within(&self.inner.address, &self.inner.settings, until, goes_on) {
                Err(Error::NotAHost { .. } | Error::Gone { .. }) if looks < LOOKS => looks += 1,
                opened => return opened.map_err(|error| no_host(&self.inner.address, error)),
            }
        }
    }

    /// The life of the host that knows of this process; none before the first connection.
    pub fn life(&self) -> Option<u128> {
        self.pool().keeper.as_ref().map(Connection::life)
    }

    /// Closes what is open. A call that is under way goes on.
    pub fn close(&self) {
        let closed = std::mem::take(&mut *self.pool());
        drop(closed);
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        let mut pool = self.inner.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let process = process_epoch();
        if pool.process != process {
            // Closing a descriptor that the parent has too says nothing to the host.
            *pool = Pool { process, ..Pool::default() };
        }
        pool
    }
}

/// A connection that is used for one call.
///
/// Dropping it closes it, and so cancels the call: there is no other way for a call to be given
/// up, and none for its answer to be taken for another's.
#[derive(Debug)]
pub struct Lent {
    connection: Connection,
    client: Client,
}

impl Lent {
    /// Gives the connection back: the call has ended, and its answer was consumed.
    pub fn keep(self) {
        let Self { connection, client } = self;
        let mut pool = client.pool();
        let same_host = pool.keeper.as_ref().is_some_and(|keeper| keeper.life() == connection.life());
        if same_host && pool.free.len() < KEPT {
            pool.free.push(connection);
        }
    }
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
