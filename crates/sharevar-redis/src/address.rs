//! Addresses of servers, with what a program chooses.

use crate::error::refused;
use crate::passwords;
use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use sharevar::engine::Failure;
use sharevar::{Error, Result};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use url::Url;

/// Where a home is, and how its client behaves.
///
/// It is printed without the password, and the part of the address that has it is never in an error.
#[derive(Clone)]
pub(crate) struct Address {
    /// The server, or nodes of a cluster.
    pub(crate) nodes: Vec<ConnectionInfo>,
    pub(crate) is_cluster: bool,
    /// The address by which another process connects to the same home, without the password.
    pub(crate) text: String,
    /// For errors.
    pub(crate) shown: String,
    pub(crate) namespace: String,
    pub(crate) lease: Duration,
    pub(crate) timeout: Duration,
    /// Whether this process stores and reads pickles.
    pub(crate) takes_pickles: bool,
    /// Whether plaintext may leave this machine.
    pub(crate) is_insecure: bool,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Address");
        shown.field("server", &self.shown).field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_NAMESPACE: &str = "sharevar";
const DEFAULT_LEASE: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

impl Address {
    /// Reads an address: `redis://user:password@host:port/database?namespace=shop`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        let (single, more) = split_nodes(text);
        let url =
            Url::parse(&single).map_err(|cause| refused(scheme, format!("the address is none: {cause}")))?;
        let (is_tls, is_cluster) = (scheme.starts_with("rediss"), scheme.ends_with("+cluster"));
        let shown = join_nodes(&shown(&url), &url, &more);
        let refuse = |cause: String| refused(&shown, cause);
        let mut options = Options::default();
        for (name, value) in url.query_pairs() {
            options.set(&name, &value).map_err(refuse)?;
        }
        let (host, port) = (url.host_str().unwrap_or(""), url.port().unwrap_or(DEFAULT_PORT));
        if !more.is_empty() && !is_cluster {
            return Err(refuse("only a cluster has several nodes: redis+cluster://".to_owned()));
        }
        let is_insecure = options.is_insecure;
        let mut places = vec![match url.scheme() {
            "redis+unix" => ConnectionAddr::Unix(url.path().into()),
            _ => tcp(host, port, is_tls, is_insecure).map_err(refuse)?,
        }];
        for node in &more {
            let (host, port) = host_and_port(node).map_err(refuse)?;
            places.push(tcp(host, port, is_tls, is_insecure).map_err(refuse)?);
        }
        let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        let database = match url.scheme() {
            "redis+unix" => options.database,
            _ => Some(url.path().trim_matches('/')).filter(|path| !path.is_empty()).map(str::to_owned),
        };
        if let Some(database) = database {
            let number = database.parse().map_err(|_| refuse("the database is no number".to_owned()))?;
            settings = settings.set_db(number);
        }
        if !url.username().is_empty() {
            settings = settings.set_username(percent_decode_str(url.username()).decode_utf8_lossy());
        }
        if let Some(password) = passwords::of(&url) {
            settings = settings.set_password(password);
        }
        if is_cluster && settings.db() != 0 {
            return Err(refuse("a cluster has database 0 alone".to_owned()));
        }
        let node = |place: ConnectionAddr| {
            // It has no part of the address in its errors.
            let info = place.into_connection_info();
            let info = info.map_err(|_| refuse("the client does not take it".to_owned()))?;
            Ok(info.set_redis_settings(settings.clone()))
        };
        Ok(Self {
            nodes: places.into_iter().map(node).collect::<Result<_>>()?,
            is_cluster,
            text: join_nodes(passwords::without(url.clone()).as_str(), &url, &more),
            shown,
            namespace: options.namespace,
            lease: options.lease,
            timeout: options.timeout,
            takes_pickles: options.takes_pickles,
            is_insecure: options.is_insecure,
        })
    }
}

impl Address {
    /// A node of the cluster by its host and port, with the settings of the others.
    pub(crate) fn node(&self, host: &str, port: u16) -> Result<ConnectionInfo> {
        let refuse = |cause| refused(&self.shown, cause);
        let first = &self.nodes[0];
        let is_tls = matches!(first.addr(), ConnectionAddr::TcpTls { .. });
        let info = tcp(host, port, is_tls, self.is_insecure).map_err(refuse)?.into_connection_info();
        let info = info.map_err(|_| refuse("the client does not take a node of the cluster".to_owned()))?;
        Ok(info.set_redis_settings(first.redis_settings().clone()))
    }

    /// An error of a connection.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Engine(failure) => failure,
            other => Failure::Unavailable { address: self.shown.clone(), cause: other.to_string() },
        }
    }
}

/// An address with its first node alone, and the others.
fn split_nodes(text: &str) -> (String, Vec<String>) {
    let Some((scheme, rest)) = text.split_once("://") else { return (text.to_owned(), Vec::new()) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let hosts = authority.rfind('@').map_or(0, |at| at + 1);
    let mut nodes = authority[hosts..].split(',');
    let first = nodes.next().unwrap_or_default();
    let single = format!("{scheme}://{}{first}{behind}", &authority[..hosts]);
    (single, nodes.map(str::to_owned).collect())
}

/// The opposite of [`split_nodes`]: the other nodes behind the first one of `text`, which is that of `url`.
fn join_nodes(text: &str, url: &Url, more: &[String]) -> String {
    let Some(host) = url.host_str().filter(|_| !more.is_empty()) else { return text.to_owned() };
    let first = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    text.replacen(&first, &format!("{first},{}", more.join(",")), 1)
}

fn host_and_port(node: &str) -> std::result::Result<(&str, u16), String> {
    let bracket = node.rfind(']').map_or(0, |place| place + 1);
    match node[bracket..].rfind(':') {
        None => Ok((node, DEFAULT_PORT)),
        Some(place) => {
            let port = node[bracket + place + 1..].parse().map_err(|_| format!("{node:?} has no port"))?;
            Ok((&node[..bracket + place], port))
        }
    }
}

fn tcp(
    host: &str,
    port: u16,
    is_tls: bool,
    is_insecure: bool,
) -> std::result::Result<ConnectionAddr, String> {
    if host.is_empty() {
        return Err("the address names no host".to_owned());
    }
    let host_text = bare(host).to_owned();
    match is_tls {
        true if cfg!(feature = "tls") => {
            Ok(ConnectionAddr::TcpTls { host: host_text, port, insecure: false, tls_params: None })
        }
        true => Err("this build has no TLS; use the feature `tls`".to_owned()),
        false if is_this_machine(host) || is_insecure => Ok(ConnectionAddr::Tcp(host_text, port)),
        false => {
            let cause = "others could read and change what goes over the network; use rediss://, or say \
                         insecure=1 in the address if no stranger can reach it";
            Err(cause.to_owned())
        }
    }
}

struct Options {
    namespace: String,
    database: Option<String>,
    lease: Duration,
    timeout: Duration,
    is_insecure: bool,
    takes_pickles: bool,
}

impl Default for Options {
    fn default() -> Self {
        let namespace = DEFAULT_NAMESPACE.to_owned();
        Self {
            namespace,
            database: None,
            lease: DEFAULT_LEASE,
            timeout: DEFAULT_TIMEOUT,
            is_insecure: false,
            takes_pickles: false,
        }
    }
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> std::result::Result<(), String> {
        match name {
            "namespace" if is_namespace(value) => value.clone_into(&mut self.namespace),
            "namespace" => return Err("a namespace has letters, digits, and `.`, `_`, `-`".to_owned()),
            "db" => self.database = Some(value.to_owned()),
            "lease" => self.lease = seconds(name, value)?,
            "timeout" => self.timeout = seconds(name, value)?,
            "insecure" if value == "1" => self.is_insecure = true,
            "pickle" if value == "1" => self.takes_pickles = true,
            "insecure" | "pickle" => return Err(format!("{name} is 1, or is left out")),
            other => return Err(format!("an address has no option {other:?}")),
        }
        Ok(())
    }
}

fn seconds(name: &str, value: &str) -> std::result::Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| format!("{name} is a number of seconds, 0.1 to 3600"))
}

fn is_namespace(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A host without the brackets of a numeric one.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || bare(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or(""), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(address: &str) -> String {
        Address::parse(address).unwrap_err().to_string()
    }

    #[test]
    fn an_address_says_where_and_how() {
        let address = Address::parse("redis://127.0.0.1:7000/3?namespace=shop&lease=2.5&timeout=1").unwrap();
        assert_eq!(address.namespace, "shop");
        assert_eq!((address.lease, address.timeout), (Duration::from_millis(2500), Duration::from_secs(1)));
        assert_eq!(address.nodes[0].redis_settings().db(), 3);
        let address = Address::parse("redis+unix:///run/redis.sock?db=2").unwrap();
        assert_eq!(address.nodes[0].addr(), &ConnectionAddr::Unix("/run/redis.sock".into()));
        assert_eq!(address.nodes[0].redis_settings().db(), 2);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        assert!(cause("redis://db.example/0").contains("use rediss://"));
        assert!(Address::parse("redis://db.example/0?insecure=1").is_ok());
        assert!(Address::parse("redis://[::1]").is_ok() && Address::parse("redis://localhost").is_ok());
        assert!(cause("redis://localhost/x").contains("no number"));
        assert!(cause("redis://localhost?leese=3").contains("no option \"leese\""));
        assert!(cause("redis://localhost?lease=0").contains("lease is a number of seconds"));
        assert!(cause("redis://localhost?namespace=a{b}").contains("a namespace has letters"));
        assert!(cause("redis:///0").contains("names no host"));
    }

    #[test]
    fn a_cluster_has_several_nodes() {
        let text = "redis+cluster://me:pw@127.0.0.1:7000,localhost:7001,[::1]/0?namespace=a";
        let address = Address::parse(text).unwrap();
        let places: Vec<_> = address.nodes.iter().map(|node| node.addr().to_string()).collect();
        assert_eq!(places, ["127.0.0.1:7000", "localhost:7001", "::1:6379"]);
        assert!(address.is_cluster && address.nodes[2].redis_settings().password() == Some("pw"));
        let without = "redis+cluster://me@127.0.0.1:7000,localhost:7001,[::1]/0?namespace=a";
        assert_eq!(address.text, without);
        assert!(cause("redis://localhost,localhost:1").contains("only a cluster"));
        assert!(cause("redis+cluster://localhost,far.example:1").contains("use rediss://"));
        assert!(cause("redis+cluster://localhost/1").contains("database 0"));
        assert!(address.node("far.example", 1).is_err(), "no node leads off the machine in plaintext");
    }

    #[test]
    fn a_password_is_in_nothing_that_is_printed() {
        let address = Address::parse("redis://me:s%2fcret@localhost/0").unwrap();
        assert_eq!(address.nodes[0].redis_settings().password(), Some("s/cret"));
        assert_eq!(address.nodes[0].redis_settings().username(), Some("me"));
        assert_eq!(address.text, "redis://me@localhost/0");
        let refused = cause("redis://me:s%2fcret@far.example/0");
        for text in [format!("{address:?}"), address.text, address.shown, refused] {
            assert!(!text.contains("cret") && !text.contains("me:"), "{text}");
        }
    }
}
