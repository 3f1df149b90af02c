//! The commands, a file for each.

mod bench;
mod check;
mod del;
mod dump;
mod engine;
mod gc;
mod generated;
mod get;
mod load;
mod locks;
mod ls;
mod rm;
mod run;
mod set;
mod show;
mod watch;

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Result};
use crate::top::{Top, Web};
use std::io::Write;
use std::time::Duration;

pub(crate) use run::die_as_program;

/// Runs a command.
pub(crate) fn run(arguments: Arguments, output: &mut dyn Write) -> Result<Exit> {
    let json = arguments.json;
    let command = match &arguments.engine {
        Some(address) => engine::on_server(arguments.command, address)?,
        None => arguments.command,
    };
    let exit = match (command, arguments.engine) {
        (Command::Ls { .. }, Some(address)) => engine::ls(&address, json, output)?,
        (Command::Doctor, Some(address)) => crate::doctor::server(&address, json, output)?,
        (command, _) => run_command(command, json, output)?,
    };
    output.flush()?;
    Ok(exit)
}

fn run_command(command: Command, json: bool, output: &mut dyn Write) -> Result<Exit> {
    Ok(match command {
        Command::Ls { all } => ls::run(all, json, output)?,
        Command::Show { name, variable: None, .. } => show::manager(&name, json, output)?,
        Command::Show { name, variable: Some(variable), limit } => {
            show::variable(&name, &variable, limit, json, output)?
        }
        Command::Get(item) => get::run(&item, output)?,
        Command::Set { name, variable, key_and_value } => set::run(&name, &variable, &key_and_value)?,
        Command::Del(item) => del::run(&item)?,
        Command::Dump { name, file } => dump::run(&name, &file)?,
        Command::Load { name, file, pickle } => load::run(&name, &file, pickle)?,
        Command::Gc => gc::run(json, output)?,
        Command::Rm { name } => rm::run(&name)?,
        Command::Run { command } => run::run(&command)?,
        Command::Bench => bench::run(json, output)?,
        Command::Check { name } => check::run(&name, json, output)?,
        Command::Locks { name } => locks::run(&name, json, output)?,
        Command::Watch { name, variable, limit, interval, count } => {
            let watch = watch::Watch { limit, interval: Duration::from_millis(interval), count };
            watch.run(&name, &variable, json, output)?
        }
        Command::Top { web: Some(address), interval, allow_remote, .. } => {
            Web { address, allow_remote, interval: Duration::from_millis(interval) }.run(output)?
        }
        Command::Top { manager, once, interval, web: None, .. } => {
            Top { manager, once, interval: Duration::from_millis(interval) }.run(json, output)?
        }
        Command::Doctor => crate::doctor::run(json, output)?,
        Command::Completions { shell } => generated::completions(shell, output)?,
        Command::Man { command } => generated::manual(command.as_deref(), output)?,
    })
}
