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

use crate::arguments::{Arguments, Command, Look};
use crate::exit::{Exit, Result};
use crate::top::{Machine, Source, Top, Web};
use std::io::Write;
use std::time::Duration;

pub(crate) use run::die_as_program;

/// Runs a command.
pub(crate) fn run(arguments: Arguments, output: &mut dyn Write) -> Result<Exit> {
    let json = arguments.json;
    let exit = match &arguments.engine {
        Some(address) => engine::run(arguments.command, address, json, output)?,
        None => run_command(arguments.command, json, output)?,
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
        Command::Top(look) => top(look, &mut Machine::new(), json, output)?,
        Command::Doctor => crate::doctor::run(json, output)?,
        Command::Completions { shell } => generated::completions(shell, output)?,
        Command::Man { command } => generated::manual(command.as_deref(), output)?,
    })
}

/// `sharevar top`, of the managers of a source.
fn top(look: Look, source: &mut dyn Source, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let Look { manager, once, interval, web, allow_remote } = look;
    let interval = Duration::from_millis(interval);
    match web {
        Some(address) => Web { address, allow_remote, interval }.run(source, output),
        None => Top { manager, interval, once }.run(source, is_json, output),
    }
}
