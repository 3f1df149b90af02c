//! The servers that have the variables of an address, for tools, which look at them however they are.

use crate::address::{Address, Shape};
use crate::error::refused;
use crate::sentinel;
use crate::server;
use redis::{Connection, ConnectionAddr, ConnectionInfo};
use sharevar::{Error, Result};

/// A primary, by its address, and a connection to it or the reason why there is none.
pub(crate) struct Node {
    /// Its place, for people.
    pub(crate) shown: String,
    pub(crate) connection: Result<Connection>,
}

/// Connects to the server of an address, to the primary that its sentinels know, or to each primary of its cluster.
///
/// # Errors
/// If nothing tells where the primaries are. That one of several cannot be reached is no error of all.
pub(crate) fn connect(address: &Address) -> Result<Vec<Node>> {
    let primaries = match &address.shape {
        Shape::Single => vec![address.nodes[0].clone()],
        Shape::Sentinel(service) => {
            vec![first(address, |sentinel| Ok(sentinel::find(sentinel, address, service)?.primary))?]
        }
        Shape::Cluster => first(address, |node| primaries_of(node, address))?,
    };
    let node = |place: ConnectionInfo| Node {
        // The address of a single server has its socket or its database, too.
        shown: if address.shape == Shape::Single { address.shown.clone() } else { place.addr().to_string() },
        connection: open(place, address),
    };
    Ok(primaries.into_iter().map(node).collect())
}

/// The answer of the first node that gives one.
fn first<R>(address: &Address, ask: impl Fn(&ConnectionInfo) -> Result<R>) -> Result<R> {
    let mut failed = None;
    for node in &address.nodes {
        match ask(node) {
            Ok(answer) => return Ok(answer),
            Err(cause) => failed = Some(cause),
        }
    }
    Err(failed.unwrap_or_else(|| refused(&address.shown, "the address names no host")))
}

fn open(place: ConnectionInfo, address: &Address) -> Result<Connection> {
    let client = redis::Client::open(place);
    let client = client.map_err(|_| refused(&address.shown, "the client does not take the address"))?;
    server::open(&client, address, address.timeout)
}

/// The primaries of a cluster, as one of its nodes knows them.
fn primaries_of(node: &ConnectionInfo, address: &Address) -> Result<Vec<ConnectionInfo>> {
    let told = redis::cmd("CLUSTER").arg("NODES").query::<String>(&mut open(node.clone(), address)?);
    let told = told.map_err(|cause| {
        let what = "it does not tell the nodes of its cluster (CLUSTER NODES): ";
        Error::from(server::failed(address, what, &cause))
    })?;
    let (asked, is_tls) = match node.addr() {
        ConnectionAddr::TcpTls { host, .. } => (host.as_str(), true),
        ConnectionAddr::Tcp(host, _) => (host.as_str(), false),
        _ => ("", false),
    };
    let places = told.lines().filter_map(|line| primary_in(line, asked, is_tls));
    places.map(|(host, port)| address.node(&host, port)).collect()
}

/// The host and the port of the primary that a line of `CLUSTER NODES` describes, if it has slots and is not given up.
fn primary_in(line: &str, asked: &str, by_name: bool) -> Option<(String, u16)> {
    let fields: Vec<_> = line.split(' ').collect();
    let (place, flags) = (fields.get(1)?, fields.get(2)?);
    let is = |flag: &str| flags.split(',').any(|one| one == flag);
    if !is("master") || is("noaddr") || is("handshake") || fields.len() < 9 {
        return None;
    }
    let (place, names) = place.split_once(',').unwrap_or((place, ""));
    let (host, port) = place.split('@').next()?.rsplit_once(':')?;
    let name = names.split(',').next().filter(|name| !name.is_empty() && !name.contains('='));
    let host = match name {
        // The name is the one in the certificate.
        Some(name) if by_name => name,
        // A node that was met by no other does not know its own.
        _ if host.is_empty() => asked,
        _ => host,
    };
    Some((host.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primaries_of_a_cluster_are_found_in_what_a_node_tells() {
        let found = |line, by_name| primary_in(line, "asked", by_name);
        let line = "07c3 127.0.0.1:7000@17000,one.example,shard-id=1 myself,master - 0 0 1 connected 0-5460";
        assert_eq!(found(line, false), Some(("127.0.0.1".to_owned(), 7000)));
        assert_eq!(found(line, true), Some(("one.example".to_owned(), 7000)));
        let own = "07c3 :7000@17000,,shard-id=1 myself,master - 0 0 1 connected 0-5460";
        assert_eq!(found(own, true), Some(("asked".to_owned(), 7000)));
        for other in [
            "07c4 127.0.0.1:7001@17001 slave 07c3 0 0 1 connected",
            "07c5 127.0.0.1:7002@17002 master - 0 0 1 connected",
            "07c6 :0@0 master,noaddr - 0 0 1 disconnected 5461-10922",
            "",
        ] {
            assert_eq!(found(other, false), None, "{other}");
        }
    }
}
