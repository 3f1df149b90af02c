//! A host as its clients see it.

use super::answer::{Answer, other_than, returned};
use super::arguments;
use super::connections::{Connections, exchange};
use super::error::{Error, Result};
use super::place;
use super::protocol::{HOST, Object, RESTARTS, Reply, write_request};
use super::proxy::{Proxied, Proxy};
use super::service::Info;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_transport::{self as transport, Address, PooledConnection, Settings};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A connection to a host. Clones are the same.
///
/// Each call that is under way has a socket of its own, so threads may call at the same time, and
/// one that waits for a slow method delays no other.
///
/// The references that this process has on objects of the host go with the process, however it
/// ends: at once at a Unix socket, and after ten seconds without any connection over TCP.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Connections,
    /// References that are to be given back, with the next message or as soon as a connection is
    /// free, and the hosts in a row that have counted them: nothing waits for that.
    released: Mutex<Vec<(u64, [u128; 2])>>,
}

/// The clients of this process, by address: where a proxy that was sent here finds the key.
static CLIENTS: LazyLock<Mutex<HashMap<Address, Weak<Inner>>>> = LazyLock::new(Mutex::default);

fn clients() -> MutexGuard<'static, HashMap<Address, Weak<Inner>>> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// The host at an address that needs no key.
    pub fn connect(address: &Address) -> Result<Self> {
        Self::connect_with(address, Settings::default())
    }

    /// The host at an address, with a key, or with TLS. A proxy that this process is sent uses the
    /// latest client for its address, as long as there is one.
    pub fn connect_with(address: &Address, settings: Settings) -> Result<Self> {
        Self::open(address, settings, false)
    }

    fn open(address: &Address, settings: Settings, restarts: bool) -> Result<Self> {
        let connections = Connections::new(address.clone(), settings);
        connections.set_restarts(restarts);
        let client = Self { inner: Arc::new(Inner { connections, released: Mutex::default() }) };
        // Not later, when it would seem to be a call that fails.
        let connections = &client.inner.connections;
        connections.retrying(None, &mut || true, |goes_on| connections.connection(None, goes_on))?.release();
        let mut clients = clients();
        clients.retain(|_, client| client.strong_count() > 0);
        clients.insert(address.clone(), Arc::downgrade(&client.inner));
        Ok(client)
    }

    /// The host of that name, which a process of the same user has started.
    pub fn named(name: &str) -> Result<Self> {
        Self::connect(&place::named(name)?)
    }

    /// The client of this process for an address; a new one if there is none. A host that is
    /// started again when it dies is waited for.
    pub(super) fn known(address: &Address, restarts: bool) -> Result<Self> {
        let known = clients().get(address).and_then(Weak::upgrade);
        let open = || Self::open(address, Settings::default(), restarts);
        known.map_or_else(open, |inner| Ok(Self { inner }))
    }

    /// Whether the host is started again when it dies, as far as this process has learned.
    pub(super) fn restarts(&self) -> bool {
        self.inner.connections.restarts()
    }

    /// Where the host is.
    pub fn address(&self) -> &Address {
        self.inner.connections.transport().address()
    }

    /// The object that the host has published by a name.
    pub fn object(&self, name: &str) -> Result<Proxy> {
        let write = |frame: &mut Vec<u8>| Ok(write_request::find(frame, name)?);
        let found = self.ask(None, write, |answer| self.proxy_of(answer))?;
        Ok(found.known_as(name))
    }

    /// The same, typed.
    pub fn proxy<P: Proxied>(&self, name: &str) -> Result<P> {
        P::from_proxy(self.object(name)?)
    }

    /// Makes an object of a registered type by one of its constructors, which is called with a
    /// tuple of arguments. Python's types have one constructor, of the empty name.
    ///
    /// A constructor's own error is [`Error::Raised`]; the typed proxies give it back as it is.
    pub fn create<A: Serialize + ?Sized>(
        &self,
        typeid: &str,
        constructor: &str,
        arguments: &A,
    ) -> Result<Proxy> {
        let write = |frame: &mut Vec<u8>| create(frame, typeid, constructor, arguments);
        self.ask(None, write, |answer| self.proxy_of(answer))
    }

    /// What the host tells about itself.
    pub fn info(&self) -> Result<Info> {
        self.call_host("info")
    }

    /// Asks the host to end: calls that are under way are finished, nothing new is begun.
    pub fn shutdown(&self) -> Result<()> {
        self.call_host("shutdown")
    }

    fn call_host<R: DeserializeOwned>(&self, method: &str) -> Result<R> {
        let write = |frame: &mut Vec<u8>| {
            write_request::call(frame, HOST, method)?;
            Ok(arguments::write(&(), frame)?)
        };
        self.ask(None, write, |answer| returned(answer.reply))
    }

    pub(super) fn proxy_of(&self, answer: Answer<'_>) -> Result<Proxy> {
        match answer.reply {
            Reply::Object(Object { object, typeid, exposed }) => {
                if exposed.iter().any(|name| name == RESTARTS) {
                    self.inner.connections.set_restarts(true);
                }
                self.receive(object, answer.life);
                Ok(Proxy::new(self.clone(), object, typeid, exposed.iter()))
            }
            Reply::Stream { object } => {
                self.receive(object, answer.life);
                Ok(Proxy::new(self.clone(), object, "", std::iter::empty()))
            }
            other => Err(other_than("an object", other)),
        }
    }

    /// Sends a request and reads its reply.
    ///
    /// A request that the host has not read is sent again, perhaps to a host that was started
    /// in its place. One that it may have read never is: at most once.
    pub(super) fn ask<R, E: From<Error>>(
        &self,
        timeout: Option<Duration>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
        read: impl FnOnce(Answer<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut frame = Vec::new();
        write(&mut frame)?;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut connection = self.exchange(&frame, until).map_err(|error| self.told(error, timeout))?;
        let result = match Reply::read(connection.message()) {
            Ok(reply) => read(Answer { reply, life: connection.incarnation() }),
            // Nothing that comes over it is believed any more.
            Err(malformed) => return Err(Error::from(malformed).into()),
        };
        connection.consume();
        if self.give_back(&mut connection).is_ok() {
            connection.release();
        }
        result
    }

    /// Sends a request until it is read: the connection over which its reply has come. Signals
    /// change nothing.
    fn exchange(&self, frame: &[u8], until: Option<Instant>) -> transport::Result<PooledConnection> {
        let connections = &self.inner.connections;
        connections.retrying(until, &mut || true, |goes_on| {
            let mut connection = connections.connection(until, goes_on)?;
            self.give_back(&mut connection)?;
            exchange(&mut connection, frame, until, goes_on)?;
            Ok(connection)
        })
    }

    fn told(&self, error: transport::Error, timeout: Option<Duration>) -> Error {
        let died = |started| Error::HostDied { address: self.address().clone(), started };
        match error {
            transport::Error::Gone { started } => died(started),
            transport::Error::Unreachable { .. } => died(false),
            transport::Error::TimedOut => Error::TimedOut { after: timeout.unwrap_or_default() },
            other => Error::Transport(other),
        }
    }

    /// One proxy more of an object, with a reference that the host of this `life` has counted.
    pub(super) fn receive(&self, object: u64, life: u128) {
        let is_one_too_many = self.inner.connections.references().receive(object, life);
        if is_one_too_many {
            self.released().push((object, [life, 0]));
        }
    }

    /// One proxy more of an object, of which this process may have none: then it takes a reference.
    pub(super) fn hold(&self, object: u64) -> Result<()> {
        if self.inner.connections.references().add(object) {
            return Ok(());
        }
        self.ask(None, retain(object), |answer| match answer.reply {
            Reply::Object(_) => {
                self.receive(object, answer.life);
                Ok(())
            }
            other => Err(other_than("an object", other)),
        })
    }

    /// An object of the host, of which this process takes a reference.
    pub(super) fn open_object(&self, object: u64) -> Result<Proxy> {
        self.ask(None, retain(object), |answer| self.proxy_of(answer))
    }

    /// One proxy less. If it was the last, the reference is given back, soon: nothing waits, for
    /// whatever reason the host may not answer.
    pub(super) fn release(&self, object: u64) {
        let was_last = self.inner.connections.references().remove(object);
        let Some(lives) = was_last else { return };
        self.released().push((object, lives));
        if let Some(mut connection) = self.inner.connections.free_connection()
            && self.give_back(&mut connection).is_ok()
        {
            connection.release();
        }
    }

    /// Sends the references that are to be given back. If the host does not take them at once they
    /// stay for the next time; the connection is of no use then.
    fn give_back(&self, connection: &mut PooledConnection) -> transport::Result<()> {
        let mut released = std::mem::take(&mut *self.released());
        // Those that a host before this one has counted have gone with it.
        released.retain(|(_, lives)| lives.contains(&connection.incarnation()));
        if released.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(1 + 12 * released.len());
        write_request::release(&mut frame, released.iter().map(|(object, _)| (*object, 1)));
        connection.send_at_once(&frame).inspect_err(|_| self.released().extend(released))
    }

    fn released(&self) -> MutexGuard<'_, Vec<(u64, [u128; 2])>> {
        self.inner.released.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn retain(object: u64) -> impl FnOnce(&mut Vec<u8>) -> Result<()> {
    move |frame| {
        write_request::retain(frame, object);
        Ok(())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.address())
    }
}

pub(super) fn create<A: Serialize + ?Sized>(
    frame: &mut Vec<u8>,
    typeid: &str,
    constructor: &str,
    arguments: &A,
) -> Result<()> {
    write_request::create(frame, typeid, constructor)?;
    Ok(arguments::write(arguments, frame)?)
}
