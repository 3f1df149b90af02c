//! The picture of a moment: managers, and the inside of some of them.

use crate::described;
use crate::lock;
use crate::process::State;
use serde_json::{Value as Json, json};
use sharevar::{BlockUsage, Kind, Lifetime, LockInfo, ManagerInfo, VariableInfo};

#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    pub(crate) managers: Vec<ManagerRow>,
    /// The insides of those that were asked for.
    pub(crate) insides: Vec<Inside>,
}

#[derive(Debug, Clone)]
pub(crate) struct ManagerRow {
    pub(crate) name: String,
    pub(crate) id: u128,
    pub(crate) lifetime: Lifetime,
    /// Its state, or the reason why nothing more is known of it.
    pub(crate) info: Result<ManagerInfo, String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Inside {
    pub(crate) name: String,
    pub(crate) variables: Vec<VariableRow>,
    pub(crate) locks: Vec<LockRow>,
    pub(crate) processes: Vec<ProcessRow>,
    /// Participants in other pid namespaces.
    pub(crate) elsewhere: usize,
    pub(crate) blocks: Vec<BlockUsage>,
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
    pub(crate) kind: Option<Kind>,
    pub(crate) info: LockInfo,
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
        let manager = |row: &ManagerRow| described::manager(&row.name, row.id, row.lifetime, &row.info);
        json!({
            "managers": self.managers.iter().map(manager).collect::<Vec<_>>(),
            "insides": self.insides.iter().map(Inside::json).collect::<Vec<_>>(),
        })
    }
}

impl Inside {
    fn json(&self) -> Json {
        let variable = |row: &VariableRow| {
            let mut described = described::variable(&row.name, &row.info);
            described["changes_per_second"] = json!(row.rate);
            described
        };
        let lock = |row: &LockRow| lock::described(&row.name, row.kind, &row.info);
        let process =
            |row: &ProcessRow| json!({"process": row.id, "state": row.state.name(), "program": row.program});
        json!({
            "name": self.name,
            "variables": self.variables.iter().map(variable).collect::<Vec<_>>(),
            "locks": self.locks.iter().map(lock).collect::<Vec<_>>(),
            "processes": self.processes.iter().map(process).collect::<Vec<_>>(),
            "elsewhere": self.elsewhere,
            "blocks": self.blocks.iter().map(described::blocks).collect::<Vec<_>>(),
        })
    }
}
