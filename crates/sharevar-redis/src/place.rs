//! Which server has the home, of those that an address names.

use crate::address::Address;
use crate::error::refused;
use crate::fork_gate;
use crate::server;
use redis::{Cmd, Connection, ConnectionInfo, ConnectionLike, RedisError, Value};
use sharevar::Result;
use sharevar::engine::Failure;
use std::sync::{Mutex, PoisonError};

/// The most nodes that one request is sent on to: more only while a cluster is being changed.
const MOST_REDIRECTS: u32 = 8;

/// The nodes of an address, and of a cluster the one that has the home's slot, as far as it is known.
#[derive(Default)]
pub(crate) struct Place {
    owner: Mutex<Option<ConnectionInfo>>,
}

impl Place {
    fn with_owner<R>(&self, act: impl FnOnce(&mut Option<ConnectionInfo>) -> R) -> R {
        let _no_fork = fork_gate::enter();
        act(&mut self.owner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Connects to the owner, or to the first node that answers and can tell who it is.
    pub(crate) fn connect(&self, address: &Address) -> Result<Connection> {
        if let Some(owner) = self.with_owner(|owner| owner.clone()) {
            match connect_to(owner, address) {
                Ok(connection) => return Ok(connection),
                // Another node may have taken its place.
                Err(_) => self.with_owner(|owner| *owner = None),
            }
        }
        let mut failed = None;
        for node in &address.nodes {
            match connect_to(node.clone(), address) {
                Ok(connection) => return Ok(connection),
                Err(cause) => failed = Some(cause),
            }
        }
        Err(failed.unwrap_or_else(|| refused(&address.shown, "the address names no host")))
    }

    /// Notes the node to which a node has sent a request on.
    pub(crate) fn moved(&self, address: &Address, to: &Node) -> Result<()> {
        let owner = address.node(&to.host, to.port)?;
        self.with_owner(|known| *known = Some(owner));
        Ok(())
    }

    /// Asks the owner, which may change meanwhile. The request is one without a number: it changes nothing, or
    /// the same however often it is asked.
    pub(crate) fn ask(&self, address: &Address, command: &Cmd) -> Result<Value> {
        let mut redirects = 0;
        loop {
            let mut connection = self.connect(address)?;
            let cause = match connection.req_command(command).and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(cause) => cause,
            };
            match Node::of(&cause) {
                Some(node) if redirects < MOST_REDIRECTS => self.moved(address, &node)?,
                _ => return Err(server::failed(address, "", &cause).into()),
            }
            redirects += 1;
        }
    }
}

/// Connects to one node, which is asked just once for a slot that is on its way there.
pub(crate) fn connect_to(node: ConnectionInfo, address: &Address) -> Result<Connection> {
    let client = redis::Client::open(node);
    let client = client.map_err(|_| refused(&address.shown, "the client does not take the address"))?;
    server::connect(&client, address)
}

/// The node of a cluster that is to be asked.
#[derive(Debug)]
pub(crate) struct Node {
    host: String,
    port: u16,
}

impl Node {
    /// The one to which an error sends on.
    pub(crate) fn of(error: &RedisError) -> Option<Self> {
        let (node, _) = error.redirect_node()?;
        let (host, port) = node.rsplit_once(':')?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }

    /// Connects to it for one request.
    pub(crate) fn connect(&self, address: &Address) -> std::result::Result<Connection, Failure> {
        let connected = address.node(&self.host, self.port).and_then(|node| {
            let mut connection = connect_to(node, address)?;
            let asking = redis::cmd("ASKING").exec(&mut connection);
            asking.map_err(|cause| server::failed(address, "", &cause))?;
            Ok(connection)
        });
        connected.map_err(|cause| address.failure(cause))
    }
}
