//! Engines by the scheme of their addresses.

use super::contract::Engine;
use super::memory::{Memory, Server};
use crate::error::{Error, Result};
use std::sync::{Arc, PoisonError, RwLock};

/// Connects to what an address leads to.
pub type Connect = fn(address: &str) -> Result<Arc<dyn Engine>>;

static REGISTERED: RwLock<Vec<(&str, Connect)>> = RwLock::new(Vec::new());

/// Registers an engine, so that [`Manager::connect`](crate::Manager::connect) finds it for addresses that
/// begin with `scheme` and a colon. The last one that was registered for a scheme counts.
pub fn register(scheme: &'static str, connect: Connect) {
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push((scheme, connect));
}

/// Connects to what `address` leads to.
pub(crate) fn connect(address: &str) -> Result<Arc<dyn Engine>> {
    let scheme = address.split_once(':').map_or(address, |(scheme, _)| scheme);
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    let found = registered.iter().rev().find(|(known, _)| *known == scheme).map(|(_, connect)| *connect);
    // The engine may register others.
    drop(registered);
    match found {
        Some(connect) => connect(address),
        None if Server::may_have(address) => Ok(Memory::connect(address)?),
        None => Err(Error::NoEngine { scheme: scheme.to_owned() }),
    }
}
