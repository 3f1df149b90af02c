//! A host as a client process sees it: an address, and a pool of connections to it.

use crate::address::Address;
use crate::connection::{Connection, no_host};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::settings::Settings;
use sharevar_os::process_epoch;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most idle connections in a pool.
const MAX_IDLE: usize = 16;

/// How often a handshake that fails is tried again.
const HANDSHAKE_RETRIES: usize = 2;

/// A host, and this process's connections to it. Clones share these.
///
/// Each call takes a connection for itself, so that a call that takes long delays no other. One
/// more connection, the keepalive, is never used for calls. While it is open the host knows that
/// this process lives, and retains the objects that the process refers to.
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
    /// The process that opened the connections: a forked child inherits its parent's pool.
    process: u64,
    /// Shows the host that this process lives.
    keepalive: Option<Box<Connection>>,
    #[expect(clippy::vec_box, reason = "each call moves one several times")]
    free: Vec<Box<Connection>>,
}

impl Client {
    /// Makes a client of the host at an address. It connects with the first call.
    pub fn new(address: Address, settings: Settings) -> Self {
        Self { inner: Arc::new(Inner { address, settings, pool: Mutex::default() }) }
    }

    /// The address of the host.
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// How connections are secured.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Takes a connection for one call: a free one, or a new one. Dropping it closes it;
    /// [`PooledConnection::release`] returns it to the pool.
    pub fn connection(&self) -> Result<PooledConnection> {
        self.connection_within(&mut Deadline::default())
    }

    /// Takes a connection for one call, as [`connection`](Self::connection) does, until a deadline.
    pub fn connection_within(&self, deadline: &mut Deadline<'_>) -> Result<PooledConnection> {
        if let Some(free) = self.free_connection() {
            return Ok(free);
        }
        Ok(PooledConnection { connection: self.open(deadline)?, client: self.clone() })
    }

    /// Takes a connection that is free, if there is one. It opens none.
    pub fn free_connection(&self) -> Option<PooledConnection> {
        let mut pool = self.pool();
        loop {
            let connection = pool.free.pop()?;
            // The host may have ended. A Unix socket reports that when a request is sent. TCP and a
            // relay accept the request first, so that it might count as read.
            if self.is_unix() || connection.is_idle() {
                return Some(PooledConnection { connection, client: self.clone() });
            }
        }
    }

    fn is_unix(&self) -> bool {
        matches!(self.inner.address, Address::Unix(_))
    }

    /// Opens a connection for a call, and first a keepalive to the same incarnation of the host if
    /// there is none: otherwise the host would end this process's session with its last call. A
    /// keepalive that works is never replaced.
    fn open(&self, deadline: &mut Deadline<'_>) -> Result<Box<Connection>> {
        loop {
            let before = self.incarnation();
            let opened = Box::new(self.connect(deadline)?);
            let mut pool = self.pool();
            let kept_alive = pool
                .keepalive
                .as_deref()
                .filter(|keepalive| keepalive.is_idle())
                .map(Connection::incarnation);
            if kept_alive == Some(opened.incarnation()) {
                return Ok(opened);
            }
            // The later of two incarnations counts. A keepalive that another thread has opened
            // meanwhile leads to the later one.
            if kept_alive.is_none() || kept_alive == before {
                pool.free.clear();
                pool.keepalive = Some(opened);
            }
        }
    }

    /// Connects, and retries a handshake that failed. A host that dies in a handshake looks like
    /// another protocol; the retry finds no host, or the next one. The handshake also times out in a
    /// process that was stopped meanwhile, though the host lives.
    fn connect(&self, deadline: &mut Deadline<'_>) -> Result<Connection> {
        let mut retries = 0;
        loop {
            match Connection::open_within(&self.inner.address, &self.inner.settings, deadline) {
                Err(Error::NotAHost { .. } | Error::Gone { .. }) if retries < HANDSHAKE_RETRIES => {
                    retries += 1;
                }
                opened => return opened.map_err(|error| no_host(&self.inner.address, error)),
            }
        }
    }

    /// The incarnation of the host to which the keepalive leads; `None` before the first connection.
    pub fn incarnation(&self) -> Option<u128> {
        self.pool().keepalive.as_deref().map(Connection::incarnation)
    }

    /// Closes all connections that no call uses. Calls that are under way go on.
    pub fn close(&self) {
        // Dropped after the pool's lock.
        let closed = std::mem::take(&mut *self.pool());
        drop(closed);
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        let mut pool = self.inner.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let process = process_epoch();
        if pool.process != process {
            // The parent's connections stay open: this closes the child's duplicates only.
            *pool = Pool { process, ..Pool::default() };
        }
        pool
    }
}

/// A connection that one call has taken from the pool.
///
/// Dropping it closes it, which cancels the call. A call is cancelled in no other way, so no reply
/// can be taken for that of another call.
#[derive(Debug)]
pub struct PooledConnection {
    connection: Box<Connection>,
    client: Client,
}

impl PooledConnection {
    /// Returns the connection to the pool. The call must have ended, and its reply been consumed.
    pub fn release(self) {
        let Self { connection, client } = self;
        let mut pool = client.pool();
        let same_host = pool
            .keepalive
            .as_ref()
            .is_some_and(|keepalive| keepalive.incarnation() == connection.incarnation());
        if same_host && pool.free.len() < MAX_IDLE {
            pool.free.push(connection);
        }
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
