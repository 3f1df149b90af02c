//! Addresses of hosts.

use crate::error::{Error, Result};
use crate::relay::{Relay, relay};
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// The address at which a host listens. As text it is `unix:/path` or `tcp:host:port`, or begins with the
/// scheme of a [relay](crate::Relay) and `://`.
///
/// ```
/// use sharevar_transport::Address;
///
/// let address: Address = "tcp:127.0.0.1:4000".parse()?;
/// assert_eq!(address, Address::Tcp { host: "127.0.0.1".to_owned(), port: 4000 });
/// assert_eq!(address.to_string(), "tcp:127.0.0.1:4000");
/// # Ok::<(), sharevar_transport::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP port; 0 lets the kernel choose one. An empty host is every address of the machine.
    Tcp {
        /// A name, or an address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A place at a server of another kind, to which both sides connect.
    Relayed(RelayedAddress),
}

/// An address at a [relay](crate::Relay), as it may be printed: without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelayedAddress(String);

impl RelayedAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The relay that was registered for it.
    pub(crate) fn relay(&self) -> Result<&'static dyn Relay> {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        relay(scheme).ok_or_else(|| Error::NoRelay { scheme: scheme.to_owned() })
    }

    /// Has the relay of its scheme read an address. `None` if the text has no scheme.
    fn parse(text: &str) -> Option<Result<Self>> {
        // A blank in front must not hide the scheme: the text may have a password, which no error shows.
        let text = text.trim();
        let (scheme, _) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let checked = match relay(scheme) {
            Some(relay) => relay.check(text).map_err(|cause| Error::UnusableAddress { cause }),
            None => Err(Error::NoRelay { scheme: scheme.to_owned() }),
        };
        Some(checked.map(Self))
    }
}

impl Address {
    /// Returns whether messages to this address stay on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Relayed(_) => false,
            Self::Tcp { host, .. } if host.is_empty() => false,
            Self::Tcp { host, .. } if host == "localhost" => true,
            Self::Tcp { host, .. } => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        }
    }

    /// Looks up the socket addresses of a host's name.
    pub(crate) fn resolve(host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        Ok((host, port).to_socket_addrs()?.collect())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
            Self::Relayed(address) => f.write_str(address.as_str()),
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let damaged = || Error::NotAnAddress { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        if let Some(relayed) = RelayedAddress::parse(text) {
            return Ok(Self::Relayed(relayed?));
        }
        let (host, port) =
            text.strip_prefix("tcp:").and_then(|rest| rest.rsplit_once(':')).ok_or_else(damaged)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Self::Tcp { host: host.to_owned(), port: port.parse().map_err(|_| damaged())? })
    }
}
