//! Commands for managers on a server: `--engine`.

use crate::arguments::Command;
use crate::exit::{Exit, Failure, Result};
use crate::table::{self, Side};
use crate::top::Server;
use crate::{described, doctor, output};
use sharevar_redis::{NamespaceSeen, Survey};
use std::io::Write;

/// The address of a namespace on the server.
fn address(engine: &str, namespace: &str) -> String {
    let (server, options) = engine.split_once('?').unwrap_or((engine, ""));
    let others = options.split('&').filter(|option| !option.is_empty() && !option.starts_with("namespace="));
    let options: Vec<_> = others.map(|option| format!("&{option}")).collect();
    format!("{server}?namespace={namespace}{}", options.concat())
}

/// Runs a command on the managers of a server.
pub(super) fn run(mut command: Command, engine: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    // Doctor tells of a wrong address as of any other trap.
    if !matches!(command, Command::Doctor) {
        sharevar_redis::check_address(engine).map_err(Failure::usage)?;
    }
    match &mut command {
        Command::Show { name, .. } | Command::Set { name, .. } | Command::Watch { name, .. } => {
            *name = address(engine, name);
        }
        Command::Get(item) | Command::Del(item) => item.name = address(engine, &item.name),
        Command::Ls { .. } => return ls(engine, is_json, output),
        Command::Locks { name } => return locks(engine, name, is_json, output),
        Command::Doctor => return doctor::server(engine, is_json, output),
        Command::Top(_) => {}
        _ => {
            let commands = "ls, show, get, set, del, watch, locks, top and doctor";
            return Err(Failure::usage(format_args!("--engine is for {commands}")));
        }
    }
    if let Command::Top(look) = command {
        let mut server = server(engine, look.manager.as_deref())?;
        if look.web.is_some() {
            // Otherwise the first page that asks would end the command.
            server.reach()?;
        }
        return super::top(look, &mut server, is_json, output);
    }
    super::run_command(command, is_json, output)
}

/// A server, or one namespace on it, for looks.
fn server(engine: &str, namespace: Option<&str>) -> Result<Server> {
    if let Some(namespace) = namespace {
        sharevar_redis::check_address(&address(engine, namespace)).map_err(Failure::usage)?;
    }
    Server::new(engine, namespace)
}

/// `sharevar ls`: the namespaces on the server.
fn ls(engine: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let seen = Survey::of(engine, None)?.look(|_| false)?;
    let mut rows = Vec::new();
    for NamespaceSeen { name, state, .. } in &seen.namespaces {
        if is_json {
            output::json(output, &described::population(name, state))?;
        }
        let [variables, clients] = match state {
            Ok(population) => [population.variables.to_string(), population.clients.to_string()],
            Err(_) => Default::default(),
        };
        rows.push([name.clone(), variables, clients, state.clone().err().unwrap_or_default()]);
    }
    if !is_json {
        let headings =
            [("NAME", Side::Left), ("VARIABLES", Side::Right), ("CLIENTS", Side::Right), ("", Side::Left)];
        table::write(output, &headings, &rows)?;
    }
    match seen.problem {
        // There may be more on the nodes that do not answer.
        Some(problem) => Err(Failure::new(Exit::Failure, problem)),
        None => Ok(Exit::Success),
    }
}

/// `sharevar locks`: the locks of a namespace that have names, and the clients that hold them.
fn locks(engine: &str, namespace: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let inside = server(engine, Some(namespace))?.inside_of(namespace)?;
    let locks: Vec<_> = inside.locks.into_iter().map(|row| (row.name, row.lock)).collect();
    super::locks::tell(&locks, is_json, output)
}
