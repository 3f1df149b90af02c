//! The facts that a host tells about itself.

use serde::{Deserialize, Serialize};

/// The facts that a host tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The host's process.
    pub process: u32,
    /// The number of objects that it keeps.
    pub objects: usize,
    /// The number of client processes that are connected.
    pub clients: usize,
    /// The number of connections.
    pub connections: usize,
    /// The types that it makes objects of.
    pub types: Vec<String>,
}
