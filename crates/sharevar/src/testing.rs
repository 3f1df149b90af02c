//! A server inside of the test, for programs whose variables another engine is to keep: what they do when
//! the server is out of reach, a reply is lost, a lease ends, or another program dies.
//!
//! A [`FakeServer`] has clients, each of which is what a process is to a real server. Its time passes when the
//! test says so, so that no test sleeps until a lease is over. Faults belong to a client, since a server that
//! one program cannot reach another one can.
//!
//! ```
//! use sharevar::engine::Failure;
//! use sharevar::testing::FakeServer;
//! use sharevar::{Dict, Error, Shared};
//!
//! let server = FakeServer::new();
//! let (paused, other) = (server.client()?, server.client()?);
//!
//! // A program takes a lock, and is paused for longer than its lease.
//! let stock: Dict<String, i64> = paused.manager().named("stock").dict()?;
//! let lock = paused.manager().named("door").lock()?;
//! let guard = lock.lock()?.guard();
//! let stock_under_lock = stock.fenced(&lock)?;
//! paused.expire();
//!
//! // Another one gets the lock, and is told why.
//! let taken = other.manager().named("door").lock()?.lock()?.owner_died();
//! assert!(taken);
//!
//! // The first one goes on. What it does under the lock is refused, and nothing is freed that is not its own.
//! assert!(lock.is_lost()?);
//! let refused = stock_under_lock.insert("apples", &2).unwrap_err();
//! assert_eq!(refused, Error::Engine(Failure::Fenced));
//! assert_eq!(guard.unlock(), Err(Error::Engine(Failure::LeaseLost)));
//! # Ok::<(), sharevar::Error>(())
//! ```
//!
//! A program that connects by an address of its settings is given [`FakeServer::address`]. To see what it does
//! at whichever request a fault comes, a test plans one after the other, until the program makes no more:
//!
//! ```
//! use sharevar::testing::{FakeServer, Fault};
//! use sharevar::{Manager, Result};
//!
//! /// Moves an apple, and looks before it repeats what may have happened.
//! fn sell(shop: &Manager) -> Result<()> {
//!     let (stock, sold) = (shop.named("stock").value(3_i64)?, shop.named("sold").value(0_i64)?);
//!     stock.fetch_add(-1)?;
//!     sold.fetch_add(1).map(drop)
//! }
//!
//! for place in 0.. {
//!     let server = FakeServer::new();
//!     let client = server.client()?;
//!     client.fail_after(place, Fault::Unreachable);
//!     match sell(client.manager()) {
//!         Ok(()) => break,
//!         Err(error) => assert_eq!(error.happened(), Some(false), "request {place}"),
//!     }
//! }
//! # Ok::<(), sharevar::Error>(())
//! ```

use crate::engine::Home;
use crate::engine::memory::{LEASE, Memory, Server};
use crate::error::Result;
use crate::manager::Manager;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

pub use crate::engine::memory::Fault;

/// A server of variables in this process. See the [module](self).
///
/// It answers for as long as it, or a manager of a client, is there.
#[derive(Debug)]
pub struct FakeServer {
    server: Arc<Server>,
}

impl Default for FakeServer {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeServer {
    /// The time for which a client that is not heard of keeps its locks, as on a server whose address says
    /// nothing else.
    pub const LEASE: Duration = LEASE;

    /// A server without variables.
    pub fn new() -> Self {
        Self { server: Server::with_address() }
    }

    /// Returns the address by which this process connects to it, with [`Manager::connect`].
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Connects another client, as another process would.
    pub fn client(&self) -> Result<FakeClient> {
        let memory = Memory::connect(&self.address())?;
        Ok(FakeClient { manager: Manager::of_engine(memory.clone())?, memory })
    }

    /// Lets time pass. The leases end of those clients that have not been heard of for [`Self::LEASE`]: they
    /// were [killed](FakeClient::kill), or their requests do not arrive. All others renew theirs.
    ///
    /// ```
    /// use sharevar::testing::{FakeServer, Fault};
    /// use std::time::Duration;
    ///
    /// let server = FakeServer::new();
    /// let (cut_off, other) = (server.client()?, server.client()?);
    /// std::mem::forget(cut_off.manager().named("door").lock()?.lock()?.guard());
    /// cut_off.fail(Fault::Unreachable);
    ///
    /// let lock = other.manager().named("door").lock()?;
    /// server.advance(FakeServer::LEASE - Duration::from_secs(1));
    /// assert!(lock.try_lock()?.is_none());
    /// server.advance(Duration::from_secs(1));
    /// assert!(lock.try_lock()?.is_some_and(|taken| taken.owner_died()));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn advance(&self, time: Duration) {
        self.server.advance(time);
    }
}

/// A client of a [`FakeServer`]: what a process is to a real one.
///
/// Every operation is one request, and each attempt of one that waits.
#[derive(Debug, Clone)]
pub struct FakeClient {
    manager: Manager,
    memory: Arc<Memory>,
}

impl FakeClient {
    /// Returns the client whose manager that is: of a program, for example, that has connected by the
    /// server's address. `None` if no fake server has its variables.
    pub fn of(manager: &Manager) -> Option<Self> {
        let Home::Other(engine) = manager.home() else { return None };
        let engine: Arc<dyn Any + Send + Sync> = engine.clone();
        let memory = engine.downcast::<Memory>().ok()?;
        Some(Self { manager: manager.clone(), memory })
    }

    /// Returns its variables.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// From now on all requests fail like that, until it [recovers](Self::recover).
    pub fn fail(&self, fault: Fault) {
        self.memory.set_fault(Some(fault));
    }

    /// From now on requests are answered.
    pub fn recover(&self) {
        self.memory.set_fault(None);
    }

    /// The one request fails like that which comes after so many others. The last one that is planned
    /// counts.
    ///
    /// ```
    /// use sharevar::testing::{FakeServer, Fault};
    ///
    /// let server = FakeServer::new();
    /// let client = server.client()?;
    /// let sold = client.manager().value(0_i64)?;
    /// client.fail_after(1, Fault::ReplyLost);
    /// sold.fetch_add(1)?;
    /// let unknown = sold.fetch_add(1).unwrap_err();
    /// // It took effect, which the program has to look for before it repeats it.
    /// assert_eq!((unknown.happened(), sold.get()?), (None, 2));
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn fail_after(&self, requests: u64, fault: Fault) {
        self.memory.plan_fault(requests, fault);
    }

    /// Returns how many requests it has made, those that failed among them.
    pub fn requests(&self) -> u64 {
        self.memory.requests()
    }

    /// Ends its lease, as if it had been paused for that long. It goes on without knowing: its locks and units
    /// are others' to take, a barrier at which it waits is broken, and variables are gone that have no name and
    /// that it alone had. Its next request makes it a client anew.
    pub fn expire(&self) {
        self.memory.expire();
    }

    /// Ends it as a death does. All of its operations fail from now on
    /// ([`Closed`](crate::Error::Closed)), and what it held is free when its lease is over
    /// ([`FakeServer::advance`]).
    pub fn kill(self) {
        self.memory.kill();
    }
}
