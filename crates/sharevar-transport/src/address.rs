//! Addresses of hosts.

use crate::error::{Error, Result};
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// The address at which a host listens. As text it is `unix:/path` or `tcp:host:port`.
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
}

impl Address {
    /// Returns whether messages to this address stay on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
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
        let (host, port) =
            text.strip_prefix("tcp:").and_then(|rest| rest.rsplit_once(':')).ok_or_else(damaged)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Self::Tcp { host: host.to_owned(), port: port.parse().map_err(|_| damaged())? })
    }
}
