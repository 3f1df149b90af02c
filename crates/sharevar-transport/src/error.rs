//! Errors of connections.

use crate::address::Address;
use std::io;

/// The result of an operation on a connection.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a connection cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The other side does not accept this process.
    #[error("{address} refuses this process: {reason}")]
    Refused {
        /// The address of the other side.
        address: Address,
        /// The reason that the other side gives.
        reason: String,
    },
    /// The other side could not prove that it knows the key.
    #[error("{address} does not know the key: it is another host than the one that the key is for")]
    Impostor {
        /// The address of the other side.
        address: Address,
    },
    /// No process listens at the address.
    #[error("no host can be reached at {address}: {cause}; start it, or check the address")]
    Unreachable {
        /// The address.
        address: Address,
        /// The kernel's error.
        cause: String,
        /// The kernel's error as its number.
        code: Option<i32>,
    },
    /// This process has no descriptor left for another connection.
    #[error(
        "no connection to {address} can be opened: {cause}; close files, or raise the limit (`ulimit -n`)"
    )]
    OutOfDescriptors {
        /// The address.
        address: Address,
        /// The kernel's error.
        cause: String,
        /// The kernel's error as its number.
        code: i32,
    },
    /// A host cannot listen at the address.
    #[error("cannot listen at {address}: {cause}; choose another address, or end the process that uses it")]
    CannotListen {
        /// The address.
        address: Address,
        /// The kernel's error.
        cause: String,
        /// The kernel's error as its number.
        code: Option<i32>,
    },
    /// The process at the address speaks another protocol.
    #[error("the server at {address} is not a sharevar host; check the address")]
    NotAHost {
        /// The address.
        address: Address,
    },
    /// The other side is gone.
    #[error("the host is gone; the request {}", if *.started { "had been read" } else { "had not been read" })]
    Gone {
        /// Whether the other side had read the request. If not, it cannot have acted on it.
        started: bool,
    },
    /// There was no reply before the deadline.
    #[error("no reply in time")]
    TimedOut,
    /// A signal came during a wait. A wait for a reply may be continued.
    #[error("interrupted by a signal")]
    Interrupted,
    /// A message is longer than this side accepts.
    #[error(
        "a message of {asked} bytes is over the limit of {limit}; raise the limit, or send less at a time"
    )]
    TooLarge {
        /// The length of the message in bytes.
        asked: u64,
        /// The longest message in bytes.
        limit: u64,
    },
    /// Messages would leave the machine unencrypted.
    #[error(
        "messages to {address} leave this machine, and without TLS every machine on the way can read them; \
         give certificates, or allow plain text explicitly"
    )]
    Plaintext {
        /// The address.
        address: Address,
    },
    /// TCP has no users, so without a key every process that reaches the port would be accepted.
    #[error("{address} needs a key; only a Unix socket can do without")]
    KeyNeeded {
        /// The address.
        address: Address,
    },
    /// The text is not an address.
    #[error("{text:?} is not an address; write unix:/path or tcp:host:port")]
    NotAnAddress {
        /// The text.
        text: String,
    },
    /// No relay was registered for the scheme of an address.
    #[error(
        "no transport is known for addresses that begin with {scheme}://; register the crate that has it \
         (`sharevar_redis::register()`), or write unix:/path or tcp:host:port"
    )]
    NoRelay {
        /// The scheme.
        scheme: String,
    },
    /// A relay does not take an address.
    #[error("{cause}")]
    UnusableAddress {
        /// The reason, without the secrets of the address.
        cause: String,
    },
    /// The directory of a Unix socket is open to others.
    #[error("{path} cannot hold a socket: {reason}; remove it, or correct its owner and mode")]
    UnsafeDirectory {
        /// The directory.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A certificate cannot be used, or that of the other side is not accepted.
    #[error("TLS: {cause}")]
    Tls {
        /// The reason.
        cause: String,
    },
    /// A system call failed for another reason.
    #[error("{what}: {cause}")]
    Io {
        /// The operation that failed.
        what: &'static str,
        /// The kernel's error.
        cause: String,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { what, cause: cause.to_string() }
    }
}
