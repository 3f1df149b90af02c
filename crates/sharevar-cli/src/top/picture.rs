//! The picture of a moment: managers, and the inside of some of them.

use crate::lock;
use crate::process::State;
use serde_json::{Value as Json, json};
use sharevar::{BlockUsage, Kind, LockInfo};

#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    pub(crate) managers: Vec<ManagerRow>,
    /// The insides of those that were asked for.
    pub(crate) insides: Vec<Inside>,
}

#[derive(Debug, Clone)]
pub(crate) struct ManagerRow {
    pub(crate) name: String,
    pub(crate) lifetime: &'static str,
    /// Why nothing more is known of it.
    pub(crate) problem: Option<String>,
    pub(crate) processes: usize,
    pub(crate) used: u64,
    pub(crate) capacity: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Inside {
    pub(crate) name: String,
    pub(crate) variables: Vec<VariableRow>,
    pub(crate) locks: Vec<LockRow>,
    pub(crate) processes: Vec<ProcessRow>,
    /// Participants in other pid namespaces.
    pub(crate) elsewhere: usize,
    pub(crate) memory: Vec<BlockUsage>,
}

#[derive(Debug, Clone)]
pub(crate) struct VariableRow {
    pub(crate) name: String,
    pub(crate) kind: Option<Kind>,
    pub(crate) len: Option<u64>,
    /// As it was when it was counted last.
    pub(crate) bytes: Option<u64>,
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

pub(crate) fn kind_name(kind: Option<Kind>) -> &'static str {
    kind.map_or("unknown", Kind::name)
}

impl Picture {
    pub(crate) fn inside(&self, name: &str) -> Option<&Inside> {
        self.insides.iter().find(|inside| inside.name == name)
    }

    pub(crate) fn json(&self) -> Json {
        let manager = |row: &ManagerRow| {
            json!({
                "name": row.name, "lifetime": row.lifetime, "problem": row.problem,
                "processes": row.processes, "used": row.used, "capacity": row.capacity,
            })
        };
        json!({
            "managers": self.managers.iter().map(manager).collect::<Vec<_>>(),
            "insides": self.insides.iter().map(Inside::json).collect::<Vec<_>>(),
        })
    }
}

impl Inside {
    fn json(&self) -> Json {
        let variable = |row: &VariableRow| {
            json!({
                "name": row.name, "kind": kind_name(row.kind), "len": row.len, "bytes": row.bytes,
                "changes_per_second": row.rate,
            })
        };
        let lock = |row: &LockRow| lock::described(&row.name, row.kind, &row.info);
        let process =
            |row: &ProcessRow| json!({"process": row.id, "state": row.state.name(), "program": row.program});
        let memory = |usage: &BlockUsage| json!({"size": usage.size, "blocks": usage.blocks, "reserved": usage.reserved});
        json!({
            "name": self.name,
            "variables": self.variables.iter().map(variable).collect::<Vec<_>>(),
            "locks": self.locks.iter().map(lock).collect::<Vec<_>>(),
            "processes": self.processes.iter().map(process).collect::<Vec<_>>(),
            "elsewhere": self.elsewhere,
            "memory": self.memory.iter().map(memory).collect::<Vec<_>>(),
        })
    }
}
