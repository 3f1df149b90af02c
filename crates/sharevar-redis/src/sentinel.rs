//! Sentinels: servers that know which one is the primary of a service, and promote another when it fails.

use crate::address::Address;
use crate::error::{corrupt, refused};
use crate::reply;
use crate::server;
use redis::{Cmd, Connection, ConnectionInfo, Value};
use sharevar::Result;
use std::time::Duration;

/// A sentinel that has not answered in that time is asked no more, since another one will.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a sentinel knows of a service.
pub(crate) struct Found {
    pub(crate) primary: ConnectionInfo,
    /// The number of its replicas, with those that cannot be reached at this moment.
    pub(crate) replicas: u32,
}

/// Asks one sentinel.
pub(crate) fn find(sentinel: &ConnectionInfo, address: &Address, service: &str) -> Result<Found> {
    let mut connection = connect(sentinel, address)?;
    let mut where_is = redis::cmd("SENTINEL");
    where_is.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let told = ask(&mut connection, address, &where_is)?;
    if told == Value::Nil {
        return Err(refused(&address.shown, format!("the sentinels know no service {service:?}")));
    }
    let [host, port] = reply::parts(told)?;
    let host = reply::text(host)?.ok_or(corrupt("a primary has a host"))?;
    let primary = address.node(&host, reply::number(port)?)?;
    Ok(Found { primary, replicas: count(&mut connection, address, service)? })
}

/// The number of a service's replicas; `None` while no sentinel tells it.
pub(crate) fn replicas(address: &Address, service: &str) -> Option<u32> {
    let told = |sentinel| count(&mut connect(sentinel, address).ok()?, address, service).ok();
    address.nodes.iter().find_map(told)
}

fn count(connection: &mut Connection, address: &Address, service: &str) -> Result<u32> {
    let mut replicas = redis::cmd("SENTINEL");
    replicas.arg("REPLICAS").arg(service);
    Ok(reply::list(ask(connection, address, &replicas)?)?.len() as u32)
}

fn ask(connection: &mut Connection, address: &Address, command: &Cmd) -> Result<Value> {
    let answer = command.query(connection);
    answer.map_err(|cause| server::failed(address, "a sentinel does not tell: ", &cause).into())
}

fn connect(sentinel: &ConnectionInfo, address: &Address) -> Result<Connection> {
    let client = redis::Client::open(sentinel.clone());
    let client =
        client.map_err(|_| refused(&address.shown, "the client does not take a sentinel's address"))?;
    server::open(&client, address, address.timeout.min(PATIENCE))
}
