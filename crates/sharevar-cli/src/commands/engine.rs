//! Commands for managers on a server: `--engine`.

use crate::arguments::Command;
use crate::described;
use crate::exit::{Exit, Failure, Result};
use crate::output;
use std::io::Write;

/// The address of a namespace on the server.
fn address(engine: &str, namespace: &str) -> String {
    let (server, options) = engine.split_once('?').unwrap_or((engine, ""));
    let others = options.split('&').filter(|option| !option.is_empty() && !option.starts_with("namespace="));
    let options: Vec<_> = others.map(|option| format!("&{option}")).collect();
    format!("{server}?namespace={namespace}{}", options.concat())
}

/// The command with addresses in the place of the names of managers.
pub(super) fn on_server(mut command: Command, engine: &str) -> Result<Command> {
    // Doctor tells of a wrong address as of any other trap.
    if !matches!(command, Command::Doctor) {
        sharevar_redis::check_address(engine).map_err(Failure::usage)?;
    }
    match &mut command {
        Command::Show { name, .. }
        | Command::Set { name, .. }
        | Command::Watch { name, .. }
        | Command::Locks { name } => *name = address(engine, name),
        Command::Get(item) | Command::Del(item) => item.name = address(engine, &item.name),
        Command::Ls { .. } | Command::Doctor => {}
        _ => return Err(Failure::usage("--engine is for ls, show, get, set, del, watch, locks and doctor")),
    }
    Ok(command)
}

/// `sharevar ls`: the namespaces on the server.
pub(super) fn ls(engine: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    for namespace in sharevar_redis::namespaces(engine)? {
        if is_json {
            output::json(output, &described::namespace(&namespace, None))?;
        } else {
            writeln!(output, "{}", output::name(&namespace))?;
        }
    }
    Ok(Exit::Success)
}
