//! A host: the process, or the part of one, that keeps objects for other processes.

use super::client::Client;
use super::error::Result;
use super::host_address;
use super::info::Info;
use super::object::{Callable, Hosted, Object};
use super::saved_state::SavedState;
use super::service::{RustObjects, Service, Types};
use super::table::drop_all;
use rustix::process::{Pid, getpid};
#[cfg(feature = "tls")]
use sharevar_transport::Tls;
use sharevar_transport::{Address, Key, Server, Settings};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time for calls that are under way at the end.
const GRACE: Duration = Duration::from_secs(5);

/// A host that is not started yet: its objects, and the address where it listens.
///
/// ```
/// use sharevar::hosted::Host;
///
/// #[derive(Default)]
/// pub struct Counter(i64);
///
/// #[sharevar::hosted]
/// impl Counter {
///     pub fn add(&mut self, by: i64) -> i64 {
///         self.0 += by;
///         self.0
///     }
/// }
///
/// let host = Host::new().add("visits", Counter::default()).start()?;
/// let visits: CounterProxy = host.client()?.proxy("visits")?;       // or in any other process
/// assert_eq!(visits.add(2)?, 2);
/// assert_eq!(visits.add(3)?, 5);
/// # Ok::<(), sharevar::hosted::Error>(())
/// ```
#[must_use]
pub struct Host {
    types: Types,
    objects: Vec<(String, Arc<dyn Callable>)>,
    location: Location,
    settings: Settings,
    saved_state: Option<Arc<dyn SavedState>>,
}

enum Location {
    /// A Unix socket of its own, whose name no other process can guess.
    Private,
    /// The Unix socket of a name.
    Name(String),
    Address(Address),
}

impl Host {
    /// A host of no types and no objects, at a Unix socket of its own.
    #[allow(clippy::new_without_default)] // It is a description to be completed, as a `Command` is.
    pub fn new() -> Self {
        Self {
            types: Types::default(),
            objects: Vec::new(),
            location: Location::Private,
            settings: Settings::default(),
            saved_state: None,
        }
    }

    /// Lets clients make objects of the type `T`, by its constructors.
    pub fn register<T: Hosted>(mut self) -> Self {
        self.types.register::<T>();
        self
    }

    /// Publishes an object by a name. If two have one name, it finds the last.
    pub fn add<T: Hosted>(mut self, name: &str, object: T) -> Self {
        self.objects.push((name.to_owned(), Arc::new(Object::new(object))));
        self
    }

    /// Lets processes of the same user find the host by a name: [`Client::named`]. A name of a
    /// host that runs is refused; that of one that has ended, however it did, is free.
    pub fn name(mut self, name: &str) -> Self {
        self.location = Location::Name(name.to_owned());
        self
    }

    /// Listens at an address. Of this and [`name`](Self::name) the last counts.
    pub fn address(mut self, address: Address) -> Self {
        self.location = Location::Address(address);
        self
    }

    /// The key that clients must know. Neither TCP nor a place at a server goes without.
    pub fn key(mut self, key: &[u8]) -> Self {
        self.settings.key = Key::new(key);
        self
    }

    /// The certificate that it shows at a TCP port, so that it may be one of another machine's.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    /// How connections are secured, and how large messages may be, in all detail.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Makes it a host in a row of hosts, each started when the one before dies.
    #[doc(hidden)]
    pub fn with_saved_state(mut self, saved_state: Arc<dyn SavedState>) -> Self {
        self.saved_state = Some(saved_state);
        self
    }

    /// Starts it in threads of this process. It stops when the [`RunningHost`] is dropped.
    pub fn start(self) -> Result<RunningHost> {
        let earlier = self.saved_state.as_ref().map(|state| state.address()).transpose()?.flatten();
        let address = match self.location {
            _ if let Some(earlier) = earlier => earlier.parse()?,
            Location::Private => host_address::unused()?,
            Location::Name(name) => host_address::named(&name)?,
            Location::Address(address) => address,
        };
        let service = Service::new(RustObjects::new(self.types, self.saved_state), self.settings.max_frame);
        for (name, object) in self.objects {
            service.publish(&name, object)?;
        }
        let server = Server::bind(&address, &self.settings, service)?;
        server.service().language().serves_at(&server);
        server.start()?;
        Ok(RunningHost { server, settings: self.settings, process: getpid() })
    }

    /// Starts it, and serves until a client asks for its end by [`Client::shutdown`]: for a
    /// process that does nothing else.
    pub fn run(self) -> Result<()> {
        self.start()?.wait();
        Ok(())
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("types", &self.types.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// A host in threads of this process. Dropped, it stops.
#[must_use = "a host that is dropped stops"]
pub struct RunningHost {
    server: Arc<Server<Service>>,
    settings: Settings,
    /// Whose threads serve. A forked child has none of them, and only a copy of this.
    process: Pid,
}

impl RunningHost {
    /// The address where it listens.
    pub fn address(&self) -> &Address {
        self.server.address()
    }

    /// Publishes an object by a name, until [`remove`](Self::remove) or until another is published
    /// by the name. A client that holds the one before keeps it.
    pub fn add<T: Hosted>(&self, name: &str, object: T) -> Result<()> {
        self.server.service().publish(name, Arc::new(Object::new(object)))
    }

    /// Removes a name, and returns whether there was one. Clients that hold the object keep it.
    pub fn remove(&self, name: &str) -> bool {
        let removed = self.server.service().table().remove(name);
        let found = removed.is_some();
        drop_all(removed.unwrap_or_default());
        found
    }

    /// Adds a reference of this process on an object, which has no name.
    pub(super) fn hold(&self, object: Arc<dyn Callable>) -> u64 {
        self.server.service().table().hold(object)
    }

    /// Releases it.
    pub(super) fn release(&self, number: u64) {
        let gone = self.server.service().table().release_own(number);
        drop_all(gone);
    }

    /// A client in this process. Of a host that shows a certificate [`Client::connect_with`] makes
    /// one, which needs the authorities that it trusts.
    pub fn client(&self) -> Result<Client> {
        Client::connect_with(self.address(), self.settings.clone())
    }

    /// Its state.
    pub fn info(&self) -> Info {
        self.server.service().info()
    }

    /// Waits until a client has asked for its end, and until the calls that are under way then
    /// have got their replies. A call that takes more than five seconds is not waited for.
    pub fn wait(&self) {
        while !self.server.wait(None) {}
        self.server.finish(Instant::now() + GRACE);
    }

    /// Ends it, for the thread that waits.
    #[doc(hidden)]
    pub fn end(&self) {
        self.server.stop();
    }

    /// Stops it: calls that are under way are finished, nothing new is begun, and objects that no
    /// call uses are dropped. In a forked child it does nothing: the host is the parent's.
    pub fn stop(&self) {
        if getpid() != self.process {
            return;
        }
        self.server.stop();
        let gone = self.server.service().table().clear();
        drop_all(gone);
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for RunningHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningHost({})", self.address())
    }
}
