//! A host as its clients see it.

use super::arguments;
use super::error::{Error, Result};
use super::place;
use super::protocol::{HOST, Object, RESTARTS, Reply, write_request};
use super::proxy::{Proxied, Proxy};
use super::retry::{Retry, RetryPolicy};
use super::service::Info;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_transport::{self as transport, Address, PooledConnection, Settings};
use sharevar_value::from_bytes;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    transport: transport::Client,
    /// The half of the number of the host's life that it was in when it was last asked.
    life: AtomicU64,
    /// Whether the host is started again when it dies, as far as this process has learned.
    restarts: AtomicBool,
    /// References that are to be given back, with the next message or as soon as a connection is
    /// free: nobody waits for that.
    released: Mutex<Vec<(u64, u32)>>,
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
        let transport = transport::Client::new(address.clone(), settings);
        let inner = Inner {
            transport,
            life: AtomicU64::new(0),
            restarts: AtomicBool::new(restarts),
            released: Mutex::default(),
        };
        let client = Self { inner: Arc::new(inner) };
        // Not later, when it would seem to be a call that fails.
        client.retrying(None, || client.connection(None))?.release();
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
        self.inner.restarts.load(Ordering::Relaxed)
    }

    /// Where the host is.
    pub fn address(&self) -> &Address {
        self.inner.transport.address()
    }

    /// The object that the host has published by a name.
    pub fn object(&self, name: &str) -> Result<Proxy> {
        let write = |frame: &mut Vec<u8>| Ok(write_request::find(frame, name)?);
        let found = self.ask(None, write, |reply| self.proxy_of(reply))?;
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
        self.ask(None, write, |reply| self.proxy_of(reply))
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
        self.ask(None, write, returned)
    }

    pub(super) fn proxy_of(&self, reply: Reply<'_>) -> Result<Proxy> {
        match reply {
            Reply::Object(Object { object, typeid, exposed }) => {
                if exposed.iter().any(|name| name == RESTARTS) {
                    self.inner.restarts.store(true, Ordering::Relaxed);
                }
                Ok(Proxy::new(self.clone(), object, typeid, exposed.iter()))
            }
            Reply::Stream { object } => Ok(Proxy::new(self.clone(), object, "", std::iter::empty())),
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
        read: impl FnOnce(Reply<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut frame = Vec::new();
        write(&mut frame)?;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut connection = self.exchange(&frame, until).map_err(|error| self.told(error, timeout))?;
        let result = match Reply::read(connection.message()) {
            Ok(reply) => read(reply),
            // Nothing that comes over it is believed any more.
            Err(malformed) => return Err(Error::from(malformed).into()),
        };
        connection.consume();
        if self.give_back(&mut connection).is_ok() {
            connection.release();
        }
        result
    }

    /// Sends a request until it is read: the connection over which its reply has come.
    fn exchange(&self, frame: &[u8], until: Option<Instant>) -> transport::Result<PooledConnection> {
        self.retrying(until, || {
            let mut connection = self.connection(until)?;
            self.exchange_over(&mut connection, frame, until)?;
            Ok(connection)
        })
    }

    /// Tries again what a host has certainly not taken notice of.
    fn retrying<R>(
        &self,
        until: Option<Instant>,
        mut attempt: impl FnMut() -> transport::Result<R>,
    ) -> transport::Result<R> {
        let mut policy = RetryPolicy::new(self.restarts());
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match policy.after(&error, until) {
                Retry::Now => {}
                Retry::After(pause) => std::thread::sleep(pause),
                Retry::TimedOut => return Err(transport::Error::TimedOut),
                Retry::GiveUp => return Err(error),
            }
        }
    }

    /// A connection, whatever signals come meanwhile.
    fn connection(&self, until: Option<Instant>) -> transport::Result<PooledConnection> {
        let connection = self.inner.transport.connection_within(until, &mut || true)?;
        self.notice(connection.incarnation() as u64);
        Ok(connection)
    }

    fn notice(&self, life: u64) {
        if self.inner.life.load(Ordering::Acquire) != life {
            // References on what was in the host that is gone are none of this one's business.
            self.released().clear();
            self.inner.life.store(life, Ordering::Release);
        }
    }

    /// Stands for the life of the host that was last asked. References end with it.
    pub(super) fn life(&self) -> u64 {
        self.inner.life.load(Ordering::Acquire)
    }

    fn exchange_over(
        &self,
        connection: &mut PooledConnection,
        frame: &[u8],
        until: Option<Instant>,
    ) -> transport::Result<()> {
        self.give_back(connection)?;
        connection.send(frame, until)?;
        loop {
            match connection.receive(until) {
                Err(transport::Error::Interrupted) => {}
                received => return received.map(|_| ()),
            }
        }
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

    /// Gives a reference back, soon: nobody waits, for whatever reason the host may not answer.
    pub(super) fn release(&self, object: u64) {
        self.released().push((object, 1));
        if let Some(mut connection) = self.inner.transport.free_connection()
            && self.give_back(&mut connection).is_ok()
        {
            connection.release();
        }
    }

    /// Sends the references that are to be given back. If the host does not take them at once they
    /// stay for the next time; the connection is of no use then.
    fn give_back(&self, connection: &mut PooledConnection) -> transport::Result<()> {
        let released = std::mem::take(&mut *self.released());
        if released.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(1 + 12 * released.len());
        write_request::release(&mut frame, released.iter().copied());
        connection.send_at_once(&frame).inspect_err(|_| self.released().extend(released))
    }

    fn released(&self) -> MutexGuard<'_, Vec<(u64, u32)>> {
        self.inner.released.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What a method returned.
pub(super) fn returned<R: DeserializeOwned>(reply: Reply<'_>) -> Result<R> {
    match reply {
        Reply::Returned(value) => Ok(from_bytes(value)?),
        other => Err(other_than("a value", other)),
    }
}

/// The error that a reply is which is not what was expected.
#[cold]
pub(super) fn other_than(expected: &'static str, reply: Reply<'_>) -> Error {
    let advice = match (expected, &reply) {
        ("a reply to each call" | "items", _) | (_, Reply::Many(_)) => {
            "the host and this process disagree on the protocol; upgrade the older one"
        }
        (_, Reply::Stream { .. }) => "take its items with `call_stream`",
        (_, Reply::Object(_) | Reply::Itself) => "take the object with `call_object`",
        _ => "call it for its value",
    };
    let found = match reply {
        Reply::Refused(refusal, message) => return Error::refused(refusal, message),
        Reply::Panicked(message) => return Error::Panicked { message: message.to_owned() },
        Reply::Raised(raised) => {
            return Error::Raised {
                typename: raised.typename.to_owned(),
                message: raised.message.to_owned(),
                traceback: raised.traceback.to_owned(),
            };
        }
        Reply::Returned(_) => "a value",
        Reply::Object(_) => "an object",
        Reply::Itself => "the object itself",
        Reply::Stream { .. } => "a stream",
        Reply::Many(_) => "many replies",
    };
    Error::UnexpectedReply { found, advice }
}
