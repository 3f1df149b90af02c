//! `sharevar show`: a manager's variables, or a variable's content.

use super::ls;
use crate::content::Contents;
use crate::described::{self, kind};
use crate::exit::{Exit, Result};
use crate::named::{self, find};
use crate::table::{self, Side};
use crate::{amount, output};
use serde_json::json;
use sharevar::{Manager, VariableInfo};
use std::io::Write;

/// The most characters of an item that are shown to people.
const LINE: usize = 200;

pub(crate) fn manager(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let look = |manager: &Manager| {
        let info = match manager.participant() {
            Ok(participant) => {
                let mut info = manager.info()?;
                // This command is none that has the manager.
                info.participants.retain(|peer| peer.identity != participant.identity());
                Some(info)
            }
            // A server's processes and memory are no concern of one manager.
            Err(_) => None,
        };
        let variables = manager.variables()?.into_iter();
        let variables = variables.map(|(name, handle)| Ok((name, handle.info()?))).collect::<Result<_>>()?;
        Ok((manager.id(), info, variables))
    };
    let (id, info, variables): (_, _, Vec<(String, VariableInfo)>) = named::look_into(name, look)?;
    if is_json {
        let described_variable = |(name, info): &(String, VariableInfo)| described::variable(name, info);
        let variables = variables.iter().map(described_variable).collect();
        let mut described = match info {
            Some(info) => described::manager(name, id, info.lifetime, &Ok(info)),
            None => described::namespace(name, Some(id)),
        };
        described["variables"] = variables;
        output::json(output, &described)?;
        return Ok(Exit::Success);
    }
    writeln!(output, "{}", output::name(name))?;
    if let Some(info) = info {
        writeln!(output, "processes: {}", ls::shown(&info))?;
        writeln!(output, "memory: {} of {}", amount::bytes(info.used), amount::bytes(info.capacity))?;
    }
    if variables.is_empty() {
        return Ok(Exit::Success);
    }
    let length = |info: &VariableInfo| info.len.map_or(String::new(), |length| length.to_string());
    let bytes = |info: &VariableInfo| info.bytes.map_or(String::new(), amount::bytes);
    let row = |(name, info): (String, VariableInfo)| {
        [output::printable(&name), kind(info.kind).to_owned(), length(&info), bytes(&info)]
    };
    let rows: Vec<_> = variables.into_iter().map(row).collect();
    let (left, right) = (Side::Left, Side::Right);
    let headings = [("VARIABLE", left), ("KIND", left), ("LENGTH", right), ("BYTES", right)];
    writeln!(output)?;
    table::write(output, &headings, &rows)?;
    Ok(Exit::Success)
}

pub(crate) fn variable(
    manager: &str,
    name: &str,
    limit: usize,
    is_json: bool,
    output: &mut dyn Write,
) -> Result<Exit> {
    let look = |manager: &Manager| {
        let handle = find(manager, name)?;
        Ok((handle.info()?, Contents::read(&handle, limit)?))
    };
    let (info, contents) = named::look_into(manager, look)?;
    let length = info.len.unwrap_or(0);
    let missing = contents.len().map_or(0, |shown| length.saturating_sub(shown as u64));
    if is_json {
        let mut described = described::variable(name, &info);
        described["content"] = contents.json();
        described["missing"] = json!(missing);
        output::json(output, &described)?;
        return Ok(Exit::Success);
    }
    let size = info.bytes.map_or(String::new(), |bytes| format!(", {}", amount::bytes(bytes)));
    let length = info.len.map_or(String::new(), |length| format!(", {length} long"));
    writeln!(output, "{}: {}{length}{size}", output::name(&output::printable(name)), kind(info.kind))?;
    for line in contents.lines() {
        let shown: String = line.chars().take(LINE).collect();
        let rest = if shown.len() < line.len() { "..." } else { "" };
        writeln!(output, "{shown}{rest}")?;
    }
    if missing > 0 {
        writeln!(output, "and {missing} more")?;
    }
    Ok(Exit::Success)
}
