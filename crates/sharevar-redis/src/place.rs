//! Which server has the home, of those that an address leads to.

use crate::address::{Address, Shape};
use crate::error::refused;
use crate::fork_gate;
use crate::primary::Primary;
use crate::sentinel;
use crate::server;
use redis::{Cmd, ConnectionInfo, ConnectionLike, ErrorKind, RedisError, ServerErrorKind, Value};
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
    pub(crate) fn connect(&self, address: &Address) -> Result<Primary> {
        if let Some(owner) = self.with_owner(|owner| owner.clone()) {
            match Primary::connect(owner, address, None) {
                Ok(primary) => return Ok(primary),
                // Another node may have taken its place.
                Err(_) => self.with_owner(|owner| *owner = None),
            }
        }
        let mut failed = None;
        for node in &address.nodes {
            let connected = match &address.shape {
                Shape::Sentinel(service) => sentinel::find(node, address, service)
                    .and_then(|found| Primary::connect(found.primary, address, Some(found.replicas))),
                _ => Primary::connect(node.clone(), address, None),
            };
            match connected {
                Ok(primary) => return Ok(primary),
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

    /// Asks the owner, which may change meanwhile, and returns it, too. The request is one without a number: it
    /// changes nothing, or the same however often it is asked.
    pub(crate) fn ask(&self, address: &Address, command: &Cmd) -> Result<(Value, Primary)> {
        let mut primary = self.connect(address)?;
        for _ in 0..=MOST_REDIRECTS {
            let cause = match primary.connection.req_command(command).and_then(Value::extract_error) {
                Ok(value) => return Ok((value, primary)),
                Err(cause) => cause,
            };
            let Some(node) = Node::of(&cause) else { return Err(server::failed(address, "", &cause).into()) };
            // One that cannot be reached says why: the others would send the request there again.
            primary = if cause.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
                node.connect(address)?
            } else {
                self.moved(address, &node)?;
                Primary::connect(address.node(&node.host, node.port)?, address, None)?
            };
        }
        let cause = "its nodes send a request on to each other".to_owned();
        Err(Failure::Unavailable { address: address.shown.clone(), cause }.into())
    }
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

    /// Connects to it for one request, of a slot that is on its way there.
    pub(crate) fn connect(&self, address: &Address) -> std::result::Result<Primary, Failure> {
        let connected = address.node(&self.host, self.port).and_then(|node| {
            let mut primary = Primary::connect(node, address, None)?;
            let asking = redis::cmd("ASKING").exec(&mut primary.connection);
            asking.map_err(|cause| server::failed(address, "", &cause))?;
            Ok(primary)
        });
        connected.map_err(|cause| address.failure(cause))
    }
}
