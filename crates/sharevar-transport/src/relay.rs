//! Relays: other crates bring connections to hosts that have no port of their own.
//!
//! A relayed connection is one end of a pair of Unix sockets of this process. The relay has the other end, and
//! moves the bytes between it and the other process. So waiting, signals, forks, the end of the other side and
//! all that stands above them are the same as for a connection of the kernel's; the price is one more copy of
//! the bytes, which is little beside a message to a server.

use sharevar_os::CloseOnFork;
use std::fmt::Debug;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// Brings connections to hosts at addresses of one scheme.
pub trait Relay: Send + Sync {
    /// Checks an address, and returns it as it may be printed and passed on: it leads to the same host, and has
    /// no secrets, which the relay remembers for this process.
    ///
    /// # Errors
    /// What is wrong with it, and where, without its secrets.
    fn check(&self, address: &str) -> Result<String, String>;

    /// Makes this process the host at an address that was checked.
    ///
    /// # Errors
    /// The reason why it cannot be the host.
    fn listen(&self, address: &str) -> io::Result<Box<dyn RelayListener>>;

    /// Connects to the host at an address that was checked. It is called in a thread of its own, whose caller may
    /// have given up by the time when it returns.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) after `until`, or the reason why there is no connection. A host that
    /// has ended, as far as the relay knows, is one.
    fn connect(&self, address: &str, until: Option<Instant>) -> io::Result<RelayedSocket>;
}

/// A client's end of a relayed connection.
#[derive(Debug)]
pub struct RelayedSocket {
    /// A non-blocking stream socket.
    pub socket: CloseOnFork,
    /// What the relay knows about the bytes that were written to the socket.
    pub delivery: Arc<dyn Delivery>,
}

/// What a relay knows about the bytes of a connection.
pub trait Delivery: Debug + Send + Sync {
    /// Returns whether the host may have read the end of what was written to the socket. It is asked once the
    /// relay has closed its end.
    fn may_be_read(&self) -> bool;
}

/// A host's place at a relay. Dropped, it is given up.
pub trait RelayListener: Debug + Send + Sync {
    /// The descriptor that is readable while a connection waits to be accepted.
    fn as_fd(&self) -> BorrowedFd<'_>;

    /// Accepts the next connection. Its socket is non-blocking.
    ///
    /// # Errors
    /// `AGAIN` if none waits.
    fn accept(&self) -> rustix::io::Result<CloseOnFork>;

    /// Gives the place up, so that another host may have it. Connections stay.
    fn close(&self);
}

static REGISTERED: RwLock<Vec<(&str, &'static dyn Relay)>> = RwLock::new(Vec::new());

/// Registers a relay for addresses that begin with `scheme` and `://`. The last one that was registered for a
/// scheme counts.
pub fn register_relay(scheme: &'static str, relay: &'static dyn Relay) {
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push((scheme, relay));
}

/// Returns the relay of a scheme.
pub(crate) fn relay(scheme: &str) -> Option<&'static dyn Relay> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    registered.iter().rev().find(|(known, _)| *known == scheme).map(|(_, relay)| *relay)
}
