//! What can go wrong between two processes.

use crate::address::Address;
use std::io;

/// The result of what is done with a connection.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a connection cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The other side does not let this process in.
    #[error("{address} refuses this process: {reason}")]
    Refused {
        /// Who refused.
        address: Address,
        /// Why, as the other side says.
        reason: String,
    },
    /// The other side could not prove that it knows the key.
    #[error("{address} does not know the key: it is another host than the one that the key is for")]
    Impostor {
        /// Who was asked.
        address: Address,
    },
    /// Nobody listens there.
    #[error("no host can be reached at {address}: {cause}; start it, or look at the address")]
    Unreachable {
        /// Where.
        address: Address,
        /// What the kernel said.
        cause: String,
        /// The same, as its number.
        code: Option<i32>,
    },
    /// This process cannot open a connection more.
    #[error(
        "no connection to {address} can be opened: {cause}; close files, or raise the limit (`ulimit -n`)"
    )]
    OutOfDescriptors {
        /// To whom.
        address: Address,
        /// What the kernel said.
        cause: String,
        /// The same, as its number.
        code: i32,
    },
    /// No host can be at an address.
    #[error("cannot listen at {address}: {cause}; choose another address, or end who is there")]
    CannotListen {
        /// Where.
        address: Address,
        /// What the kernel said.
        cause: String,
        /// The same, as its number.
        code: Option<i32>,
    },
    /// Something answers there that speaks another protocol.
    #[error("what answers at {address} is no sharevar host")]
    NotAHost {
        /// Where.
        address: Address,
    },
    /// The other side is gone.
    #[error("the host is gone; the request {}", if *.started { "had been read" } else { "had not been read" })]
    Gone {
        /// Whether the other side had read the request. If not it has certainly not acted on it.
        started: bool,
    },
    /// The time for the reply is over. The connection is of no use any more.
    #[error("no reply in time")]
    TimedOut,
    /// A signal came while the reply was waited for. It may be waited for on.
    #[error("interrupted by a signal")]
    Interrupted,
    /// A frame is larger than this side takes.
    #[error(
        "a message of {asked} bytes is over the limit of {limit}; raise the limit, or send less at a time"
    )]
    TooLarge {
        /// Its length in bytes.
        asked: u64,
        /// The most that is taken.
        limit: u64,
    },
    /// Bytes would leave the machine readable for everybody.
    #[error(
        "what is said at {address} leaves this machine, and without TLS everybody on the way can read it; \
         give certificates, or allow plain text explicitly"
    )]
    Plaintext {
        /// Where they would go.
        address: Address,
    },
    /// TCP knows no users: without a key whoever reaches the port would be let in.
    #[error("{address} needs a key; only a Unix socket can do without")]
    KeyNeeded {
        /// The address.
        address: Address,
    },
    /// A text that is no address.
    #[error("{text:?} is no address; write unix:/path or tcp:host:port")]
    NotAnAddress {
        /// The text.
        text: String,
    },
    /// The directory of a Unix socket is open to others.
    #[error("{path} cannot hold a socket: {reason}")]
    UnsafeDirectory {
        /// The directory.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificates that cannot be used, or a peer whose certificate is not accepted.
    #[error("TLS: {cause}")]
    Tls {
        /// What is wrong.
        cause: String,
    },
    /// The kernel refused something else.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        cause: String,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { what, cause: cause.to_string() }
    }
}
