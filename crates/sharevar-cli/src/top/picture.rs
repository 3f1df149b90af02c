//! The picture of a moment: managers, and the inside of some of them.

use crate::client::Client;
use crate::described;
use crate::lock::Lock;
use crate::process::State;
use serde_json::{Value as Json, json};
use sharevar::{BlockUsage, Lifetime, ManagerInfo, VariableInfo};
use sharevar_redis::Population;

#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    /// The server that has the managers, if it is not this machine.
    pub(crate) server: Option<ServerRow>,
    pub(crate) managers: Vec<ManagerRow>,
    /// The insides of those that were asked for.
    pub(crate) insides: Vec<Inside>,
}

#[derive(Debug, Clone)]
pub(crate) struct ServerRow {
    pub(crate) address: String,
    /// Bytes in use, and the most that there may be, as far as they are known.
    pub(crate) used: Option<u64>,
    pub(crate) capacity: Option<u64>,
    /// Why nothing, or not all, is known at this moment.
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct ManagerRow {
    pub(crate) name: String,
    pub(crate) state: ManagerState,
}

/// The state of a manager, or the reason why nothing more is known of it.
#[derive(Debug, Clone)]
pub(crate) enum ManagerState {
    Here { id: u128, lifetime: Lifetime, info: Result<ManagerInfo, String> },
    OnServer(Result<Population, String>),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Inside {
    pub(crate) name: String,
    pub(crate) variables: Vec<VariableRow>,
    pub(crate) locks: Vec<LockRow>,
    pub(crate) users: Users,
}

/// The processes that have a manager, with what is told only where they are.
#[derive(Debug, Clone)]
pub(crate) enum Users {
    Here {
        processes: Vec<ProcessRow>,
        /// Participants in other pid namespaces.
        elsewhere: usize,
        blocks: Vec<BlockUsage>,
    },
    OnServer(Vec<Client>),
}

impl Default for Users {
    fn default() -> Self {
        Self::Here { processes: Vec::new(), elsewhere: 0, blocks: Vec::new() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct VariableRow {
    pub(crate) name: String,
    /// The bytes are those that it had when they were counted last.
    pub(crate) info: VariableInfo,
    /// Changes a second since the look before.
    pub(crate) rate: Option<f64>,
}

#[derive(Debug, Clone)]
pub(crate) struct LockRow {
    pub(crate) name: String,
    pub(crate) lock: Lock,
}

#[derive(Debug, Clone)]
pub(crate) struct ProcessRow {
    pub(crate) id: u32,
    pub(crate) state: State,
    pub(crate) program: String,
}

impl Picture {
    pub(crate) fn inside(&self, name: &str) -> Option<&Inside> {
        self.insides.iter().find(|inside| inside.name == name)
    }

    pub(crate) fn json(&self) -> Json {
        let server = |row: &ServerRow| {
            json!({
                "address": row.address, "problem": row.problem, "used": row.used, "capacity": row.capacity,
            })
        };
        json!({
            "server": self.server.as_ref().map(server),
            "managers": self.managers.iter().map(ManagerRow::json).collect::<Vec<_>>(),
            "insides": self.insides.iter().map(Inside::json).collect::<Vec<_>>(),
        })
    }
}

impl ManagerRow {
    fn json(&self) -> Json {
        match &self.state {
            ManagerState::Here { id, lifetime, info } => described::manager(&self.name, *id, *lifetime, info),
            ManagerState::OnServer(state) => described::population(&self.name, state),
        }
    }

    /// Why nothing more is known of it.
    pub(crate) fn problem(&self) -> Option<&str> {
        let problem = match &self.state {
            ManagerState::Here { info, .. } => info.as_ref().err(),
            ManagerState::OnServer(state) => state.as_ref().err(),
        };
        problem.map(String::as_str)
    }
}

impl Inside {
    fn json(&self) -> Json {
        let variable = |row: &VariableRow| {
            let mut described = described::variable(&row.name, &row.info);
            described["changes_per_second"] = json!(row.rate);
            described
        };
        let lock = |row: &LockRow| row.lock.described(&row.name);
        let mut described = json!({
            "name": self.name,
            "variables": self.variables.iter().map(variable).collect::<Vec<_>>(),
            "locks": self.locks.iter().map(lock).collect::<Vec<_>>(),
            "processes": null, "elsewhere": null, "blocks": null, "clients": null,
        });
        match &self.users {
            Users::Here { processes, elsewhere, blocks } => {
                described["processes"] = processes.iter().map(ProcessRow::json).collect();
                described["elsewhere"] = json!(elsewhere);
                described["blocks"] = blocks.iter().map(described::blocks).collect();
            }
            Users::OnServer(clients) => {
                described["clients"] = clients.iter().map(Client::described).collect();
            }
        }
        described
    }
}

impl ProcessRow {
    fn json(&self) -> Json {
        json!({"process": self.id, "state": self.state.name(), "program": self.program})
    }
}
