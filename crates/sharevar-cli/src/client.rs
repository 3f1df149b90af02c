//! A client of a namespace on a server, as the command shows it.

use crate::output::printable;
use serde_json::{Value as Json, json};
use sharevar_redis::ClientSeen;
use std::time::Duration;

/// A process that uses variables of a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The name by which the server knows it.
    pub(crate) name: String,
    pub(crate) machine: Option<String>,
    /// The number of its process on its machine.
    pub(crate) process: Option<u32>,
    /// For how long the server has known it.
    pub(crate) known_for: Option<Duration>,
    /// The rest of its lease, if that is known; zero if it has ended.
    pub(crate) lease_left: Option<Duration>,
}

impl From<ClientSeen> for Client {
    fn from(seen: ClientSeen) -> Self {
        let ClientSeen { client: name, machine, process, known_for, lease_left, .. } = seen;
        Self { name, machine, process, known_for, lease_left: Some(lease_left) }
    }
}

impl Client {
    /// A client of which no more than its name is known.
    pub(crate) fn unknown(name: String) -> Self {
        Self { name, machine: None, process: None, known_for: None, lease_left: None }
    }

    /// Its process and its machine, or its name where these are not known.
    pub(crate) fn shown(&self) -> String {
        match (self.process, &self.machine) {
            (Some(process), Some(machine)) => format!("{process} on {}", printable(machine)),
            _ => format!("client {}", printable(&self.name)),
        }
    }

    pub(crate) fn described(&self) -> Json {
        json!({
            "client": self.name, "machine": self.machine, "process": self.process,
            "known_for": self.known_for.map(|time| time.as_secs()),
            "lease_left": self.lease_left.map(|time| time.as_secs_f64()),
        })
    }
}
