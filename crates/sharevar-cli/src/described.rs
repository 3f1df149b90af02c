//! Managers and variables as JSON: every command writes the same members, which are those of
//! `sharevar::ManagerInfo` and `sharevar::VariableInfo`, and in Python of `info()`.

use crate::named;
use serde_json::{Value as Json, json};
use sharevar::{BlockUsage, Kind, Lifetime, ManagerInfo, VariableInfo};

/// A manager with a name, and its state or the reason why it is not known.
pub(crate) fn manager(name: &str, id: u128, lifetime: Lifetime, info: &Result<ManagerInfo, String>) -> Json {
    let mut described = json!({
        "name": name, "id": format!("{id:032x}"), "lifetime": named::lifetime(lifetime),
        "problem": info.as_ref().err(),
    });
    if let Ok(info) = info {
        described["capacity"] = json!(info.capacity);
        described["used"] = json!(info.used);
        described["processes"] = json!(info.processes());
        described["elsewhere"] = json!(info.elsewhere());
        described["blocks"] = info.blocks.iter().map(blocks).collect();
    }
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
