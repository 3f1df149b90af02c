//! Managers and variables as JSON: every command writes the same members, which are those of
//! `sharevar::ManagerInfo` and `sharevar::VariableInfo`, and in Python of `info()`.

use crate::{named, process};
use serde_json::{Value as Json, json};
use sharevar::{BlockUsage, Kind, Lifetime, ManagerInfo, UnnamedManager, VariableInfo};
use sharevar_redis::Population;

/// A manager of which nothing is known.
fn unknown() -> Json {
    json!({
        "name": null, "id": null, "lifetime": null, "problem": null, "capacity": null, "used": null,
        "processes": null, "elsewhere": null, "blocks": null,
    })
}

/// A manager with a name, and its state or the reason why it is not known.
pub(crate) fn manager(name: &str, id: u128, lifetime: Lifetime, info: &Result<ManagerInfo, String>) -> Json {
    let mut described = unknown();
    described["name"] = json!(name);
    described["id"] = json!(format!("{id:032x}"));
    described["lifetime"] = json!(named::lifetime(lifetime));
    described["problem"] = json!(info.as_ref().err());
    if let Ok(info) = info {
        described["capacity"] = json!(info.capacity);
        described["used"] = json!(info.used);
        described["processes"] = json!(info.processes());
        described["elsewhere"] = json!(info.elsewhere());
        described["blocks"] = info.blocks.iter().map(blocks).collect();
    }
    described
}

/// A manager without a name, and the programs of its processes.
pub(crate) fn unnamed(manager: &UnnamedManager) -> Json {
    let mut described = unknown();
    described["lifetime"] = json!(named::lifetime(Lifetime::WhileUsed));
    described["used"] = json!(manager.used);
    described["processes"] = json!(manager.processes);
    described["programs"] = manager.processes.iter().map(|id| json!(process::program(*id))).collect();
    described
}

/// A namespace on a server, and its identity if that was asked for.
pub(crate) fn namespace(name: &str, id: Option<u128>) -> Json {
    let mut described = unknown();
    described["name"] = json!(name);
    described["id"] = json!(id.map(|id| format!("{id:032x}")));
    described
}

/// A namespace that was looked at from outside, and its population or the reason why it is not known.
pub(crate) fn population(name: &str, state: &Result<Population, String>) -> Json {
    let known = state.as_ref().ok();
    let mut described = namespace(name, known.map(|population| population.id));
    described["problem"] = json!(state.as_ref().err());
    described["variables"] = json!(known.map(|population| population.variables));
    described["clients"] = json!(known.map(|population| population.clients));
    described
}

/// A variable with a name.
pub(crate) fn variable(name: &str, info: &VariableInfo) -> Json {
    json!({
        "name": name, "kind": kind(info.kind), "len": info.len, "changes": info.changes,
        "bytes": info.bytes,
    })
}

/// The blocks of one size.
pub(crate) fn blocks(usage: &BlockUsage) -> Json {
    json!({"size": usage.size, "blocks": usage.blocks, "reserved": usage.reserved})
}

/// The name of a kind; that of one which a newer version has made is not known.
pub(crate) fn kind(kind: Option<Kind>) -> &'static str {
    kind.map_or("unknown", Kind::name)
}
