//! A host as its clients see it.

use super::answer::{Answer, returned};
use super::arguments;
use super::connections::Connections;
use super::error::{Error, Result};
use super::host_address;
use super::info::Info;
use super::options::CallOptions;
use super::protocol::{HOST, Reply, write_request};
use serde::de::DeserializeOwned;
use sharevar_transport::{self as transport, Address, Settings};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

/// A connection to a host. Clones are the same.
///
/// Each call that is under way has a socket of its own, so threads may call at the same time, and
/// one that waits for a slow method delays no other.
///
/// The references that this process has on objects of the host go with the process, however it
/// ends: at once at a Unix socket, and after ten seconds without any connection over TCP or through a
/// server.
#[derive(Clone)]
pub struct Client {
    connections: Arc<Connections>,
}

/// The clients of this process, by address: a proxy that was sent here finds the key there.
static CLIENTS: LazyLock<Mutex<HashMap<Address, Weak<Connections>>>> = LazyLock::new(Mutex::default);

fn clients() -> MutexGuard<'static, HashMap<Address, Weak<Connections>>> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Connects to the host at an address that needs no key.
    pub fn connect(address: &Address) -> Result<Self> {
        Self::connect_with(address, Settings::default())
    }

    /// Connects to the host at an address, with a key, or with TLS. A proxy that this process is
    /// sent uses the latest client for its address, as long as there is one.
    pub fn connect_with(address: &Address, settings: Settings) -> Result<Self> {
        Self::open(address, settings, false)
    }

    fn open(address: &Address, settings: Settings, restarts: bool) -> Result<Self> {
        let connections = Arc::new(Connections::new(address.clone(), settings));
        connections.set_restarts(restarts);
        // Not with the first call, which would seem to fail.
        connections.connect(&mut || true)?;
        let mut clients = clients();
        clients.retain(|_, client| client.strong_count() > 0);
        clients.insert(address.clone(), Arc::downgrade(&connections));
        Ok(Self { connections })
    }

    /// Connects to the host of that name, which a process of the same user has started.
    pub fn named(name: &str) -> Result<Self> {
        Self::connect(&host_address::named(name)?)
    }

    /// Returns the client of this process for an address; a new one if there is none. `restarts`:
    /// the host is started again when it dies, and is waited for.
    pub(super) fn known(address: &Address, restarts: bool) -> Result<Self> {
        let known = clients().get(address).and_then(Weak::upgrade);
        let open = || Self::open(address, Settings::default(), restarts);
        known.map_or_else(open, |connections| Ok(Self { connections }))
    }

    /// The connections to the host.
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The address of the host.
    pub fn address(&self) -> &Address {
        self.connections.transport().address()
    }

    /// Asks the host about itself.
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
        self.ask(CallOptions::default(), write, |answer| returned(answer.reply))
    }

    /// Sends a request, as often as its options allow, and reads its reply. Signals change nothing.
    pub(super) fn ask<R, E: From<Error>>(
        &self,
        options: CallOptions,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
        read: impl FnOnce(Answer<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut frame = Vec::new();
        write(&mut frame)?;
        let exchanged = self.connections.exchange(&frame, options, &mut || true);
        let connection = exchanged.map_err(|error| self.call_error(error, options))?;
        let result = match Reply::read(connection.message()) {
            Ok(reply) => read(Answer { reply, incarnation: connection.incarnation() }),
            // The connection is closed: its peer breaks the protocol.
            Err(malformed) => return Err(Error::from(malformed).into()),
        };
        self.connections.finish(connection);
        result
    }

    fn call_error(&self, error: transport::Error, options: CallOptions) -> Error {
        let died = |started| Error::HostDied { address: self.address().clone(), started };
        match error {
            transport::Error::Gone { started } => died(started),
            transport::Error::Unreachable { .. } => died(false),
            transport::Error::TimedOut => Error::TimedOut { after: options.timeout.unwrap_or_default() },
            other => Error::Transport(other),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.address())
    }
}
