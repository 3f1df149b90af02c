//! Addresses of servers, with what a program chooses.

use crate::durability::Durability;
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
    /// The server, nodes of a cluster, or sentinels, which have no name and password of the server's.
    pub(crate) nodes: Vec<ConnectionInfo>,
    pub(crate) shape: Shape,
    /// The database, and the user.
    settings: RedisConnectionInfo,
    /// The address by which another process connects to the same home, without the password.
    pub(crate) text: String,
    /// For errors.
    pub(crate) shown: String,
    pub(crate) namespace: String,
    pub(crate) lease: Duration,
    pub(crate) timeout: Duration,
    /// Whether this process stores and reads pickles.
    pub(crate) takes_pickles: bool,
    /// The copies that must have a change before it is acknowledged, if the program says so.
    pub(crate) durability: Option<Durability>,
    /// The number of replicas that may be promoted, if the program says so.
    pub(crate) replicas: Option<u32>,
    /// Whether plaintext may leave this machine.
    pub(crate) is_insecure: bool,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Address");
        shown.field("server", &self.shown).field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// How the server is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// It is the one that the address names.
    Single,
    /// Its nodes send requests on.
    Cluster,
    /// Sentinels know the primary of the service of that name.
    Sentinel(String),
}

/// The beginnings of addresses.
pub(crate) const SCHEMES: [&str; 7] =
    ["redis", "rediss", "redis+unix", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"];

const DEFAULT_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// Has the password of sentinels that ask for one.
const SENTINEL_PASSWORD: &str = "SHAREVAR_SENTINEL_PASSWORD";
const DEFAULT_NAMESPACE: &str = "sharevar";
const DEFAULT_LEASE: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

impl Address {
    /// Reads an address: `redis://user:password@host:port/database?namespace=shop`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (scheme, _) = text.split_once(':').unwrap_or((text, ""));
        if !SCHEMES.contains(&scheme) {
            let known = SCHEMES.join("://, ");
            return Err(refused(scheme, format!("the address of a server begins with one of {known}://")));
        }
        let (single, more) = split_nodes(text);
        let url =
            Url::parse(&single).map_err(|cause| refused(scheme, format!("the address is none: {cause}")))?;
        let is_tls = scheme.starts_with("rediss");
        let (is_cluster, is_sentinel) = (scheme.ends_with("+cluster"), scheme.ends_with("+sentinel"));
        let shown = join_nodes(&shown(&url), &more);
        let refuse = |cause: String| refused(&shown, cause);
        let mut options = Options::default();
        for (name, value) in url.query_pairs() {
            options.set(&name, &value).map_err(refuse)?;
        }
        let default_port = if is_sentinel { SENTINEL_PORT } else { DEFAULT_PORT };
        let (host, port) = (url.host_str().unwrap_or(""), url.port().unwrap_or(default_port));
        if !more.is_empty() && !is_cluster && !is_sentinel {
            let cause =
                "several nodes are those of a cluster, redis+cluster://, or sentinels, redis+sentinel://";
            return Err(refuse(cause.to_owned()));
        }
        let is_insecure = options.is_insecure;
        let mut places = vec![match url.scheme() {
            "redis+unix" => ConnectionAddr::Unix(url.path().into()),
            _ => tcp(host, port, is_tls, is_insecure).map_err(refuse)?,
        }];
        for node in &more {
            let (host, port) = host_and_port(node, default_port).map_err(refuse)?;
            places.push(tcp(host, port, is_tls, is_insecure).map_err(refuse)?);
        }
        let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        let path = url.path().trim_matches('/');
        let (service, database) = match url.scheme() {
            "redis+unix" => ("", options.database.as_deref().unwrap_or("")),
            _ if is_sentinel => path.split_once('/').unwrap_or((path, "")),
            _ => ("", path),
        };
        let shape = match service {
            _ if is_cluster => Shape::Cluster,
            "" if is_sentinel => {
                let cause = "sentinels know services by names: redis+sentinel://host/service/database";
                return Err(refuse(cause.to_owned()));
            }
            service if is_sentinel => {
                Shape::Sentinel(percent_decode_str(service).decode_utf8_lossy().into_owned())
            }
            _ => Shape::Single,
        };
        if !database.is_empty() {
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
        if shape == Shape::Single
            && options.durability == Some(Durability::Replicated)
            && options.replicas.unwrap_or(0) == 0
        {
            let cause = "it says durability=replicated, and not how many replicas may be promoted: say that, \
                         as replicas=2; redis+sentinel:// and redis+cluster:// know it";
            return Err(refuse(cause.to_owned()));
        }
        let of_nodes = if is_sentinel { of_sentinels() } else { settings.clone() };
        let node = |place: ConnectionAddr| {
            // It has no part of the address in its errors.
            let info = place.into_connection_info();
            let info = info.map_err(|_| refuse("the client does not take it".to_owned()))?;
            Ok(info.set_redis_settings(of_nodes.clone()))
        };
        Ok(Self {
            nodes: places.into_iter().map(node).collect::<Result<_>>()?,
            shape,
            settings,
            text: join_nodes(passwords::without(url.clone()).as_str(), &more),
            shown,
            namespace: options.namespace,
            lease: options.lease,
            timeout: options.timeout,
            takes_pickles: options.takes_pickles,
            durability: options.durability,
            replicas: options.replicas,
            is_insecure: options.is_insecure,
        })
    }
}

impl Address {
    /// A node of the cluster or the service by its host and port.
    pub(crate) fn node(&self, host: &str, port: u16) -> Result<ConnectionInfo> {
        let refuse = |cause| refused(&self.shown, cause);
        let is_tls = matches!(self.nodes[0].addr(), ConnectionAddr::TcpTls { .. });
        let info = tcp(host, port, is_tls, self.is_insecure).map_err(refuse)?.into_connection_info();
        let info = info.map_err(|_| refuse("the client does not take a node's address".to_owned()))?;
        Ok(info.set_redis_settings(self.settings.clone()))
    }

    /// Whether any change waits until replicas or the disk have it.
    pub(crate) fn may_wait(&self) -> bool {
        match self.durability {
            Some(asked) => asked != Durability::Fast,
            None => self.shape != Shape::Single || self.replicas.unwrap_or(0) > 0,
        }
    }

    /// An error of a connection.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Engine(failure) => failure,
            other => Failure::Unavailable { address: self.shown.clone(), cause: other.to_string() },
        }
    }
}

/// The settings of connections to sentinels, which have no databases, and users of their own.
fn of_sentinels() -> RedisConnectionInfo {
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    match std::env::var(SENTINEL_PASSWORD) {
        Ok(password) if !password.is_empty() => settings.set_password(password),
        _ => settings,
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

/// The opposite of [`split_nodes`]: the other nodes behind the first one of `text`.
fn join_nodes(text: &str, more: &[String]) -> String {
    let Some((scheme, rest)) = text.split_once("://").filter(|_| !more.is_empty()) else {
        return text.to_owned();
    };
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    format!("{scheme}://{authority},{}{behind}", more.join(","))
}

fn host_and_port(node: &str, default_port: u16) -> std::result::Result<(&str, u16), String> {
    let bracket = node.rfind(']').map_or(0, |place| place + 1);
    match node[bracket..].rfind(':') {
        None => Ok((node, default_port)),
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
    durability: Option<Durability>,
    replicas: Option<u32>,
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
            durability: None,
            replicas: None,
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
            "durability" => self.durability = Some(Durability::parse(value)?),
            "replicas" => {
                let number = value.parse().map_err(|_| "replicas is a number of them".to_owned())?;
                self.replicas = Some(number);
            }
            "insecure" if value == "1" => self.is_insecure = true,
            "pickle" if value == "1" => self.takes_pickles = true,
            "insecure" | "pickle" => return Err(format!("{name} is 1, or is left out")),
            "host" => return Err("host=NAME belongs to hosts of objects, and variables have none".to_owned()),
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
    fn the_nodes_of_an_address_are_told_as_they_were_given() {
        for shown in [
            "redis+sentinel://sentinel,s2/shop/0",
            "redis+cluster://redis,redis2:7001,redis3",
            "redis+sentinel://[::1]:26379,localhost/shop",
        ] {
            let address = Address::parse(&format!("{shown}?insecure=1")).unwrap();
            assert_eq!(address.shown, shown);
            // It is as good after a journey to another process.
            let again = Address::parse(&address.text).unwrap();
            assert_eq!((again.shown, again.nodes.len()), (address.shown, address.nodes.len()));
        }
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
        assert!(
            address.shape == Shape::Cluster && address.nodes[2].redis_settings().password() == Some("pw")
        );
        let without = "redis+cluster://me@127.0.0.1:7000,localhost:7001,[::1]/0?namespace=a";
        assert_eq!(address.text, without);
        assert!(cause("redis://localhost,localhost:1").contains("several nodes are those of a cluster"));
        assert!(cause("redis+cluster://localhost,far.example:1").contains("use rediss://"));
        assert!(cause("redis+cluster://localhost/1").contains("database 0"));
        assert!(address.node("far.example", 1).is_err(), "no node leads off the machine in plaintext");
    }

    #[test]
    fn sentinels_know_a_service() {
        let text = "redis+sentinel://me:pw@localhost,[::1]:7001/the%20shop/2?durability=replicated";
        let address = Address::parse(text).unwrap();
        let places: Vec<_> = address.nodes.iter().map(|node| node.addr().to_string()).collect();
        assert_eq!(places, ["localhost:26379", "::1:7001"]);
        assert_eq!(address.shape, Shape::Sentinel("the shop".to_owned()));
        assert_eq!(address.durability, Some(Durability::Replicated));
        let (sentinel, primary) = (&address.nodes[0], address.node("localhost", 1).unwrap());
        assert_eq!((sentinel.redis_settings().password(), sentinel.redis_settings().db()), (None, 0));
        assert_eq!((primary.redis_settings().password(), primary.redis_settings().db()), (Some("pw"), 2));
        assert!(!address.text.contains("pw") && address.text.contains("localhost,[::1]:7001/the%20shop/2"));
        assert!(cause("redis+sentinel://localhost").contains("services by names"));
        assert!(cause("redis+sentinel://localhost/shop/x").contains("no number"));
    }

    #[test]
    fn a_level_that_an_address_cannot_have_is_refused() {
        assert!(cause("redis://localhost?durability=safe").contains("replicated or disk"));
        assert!(cause("redis://localhost?durability=replicated").contains("replicas=2"));
        assert!(cause("redis://localhost?durability=replicated&replicas=0").contains("replicas=2"));
        assert!(cause("redis://localhost?replicas=all").contains("a number"));
        let address = Address::parse("redis://localhost?durability=replicated&replicas=2").unwrap();
        assert_eq!(address.replicas, Some(2));
        assert!(Address::parse("redis://localhost?durability=disk").is_ok());
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
