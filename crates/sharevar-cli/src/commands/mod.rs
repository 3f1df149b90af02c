//! The commands, a file for each.

mod bench;
mod check;
mod del;
mod dump;
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
use crate::exit::{Exit, Failure, Result};
use crate::top::{Top, Web};
use sharevar::{Error, Handle, Manager};
use std::io::Write;
use std::time::Duration;

pub(crate) use locks::{
    described as described_lock, held_for as lock_held_for, holders as lock_holders, waiters as lock_waiters,
};
pub(crate) use ls::lifetime as lifetime_name;
pub(crate) use run::die_as_program;

/// Runs a command.
pub(crate) fn run(arguments: Arguments, output: &mut dyn Write) -> Result<Exit> {
    let json = arguments.json;
    let exit = match arguments.command {
        Command::Ls { all } => ls::run(all, json, output)?,
        Command::Show { name, variable: None, .. } => show::manager(&name, json, output)?,
        Command::Show { name, variable: Some(variable), limit } => {
            show::variable(&name, &variable, limit, json, output)?
        }
        Command::Get(item) => get::run(&item, output)?,
        Command::Set { name, variable, key_and_value } => set::run(&name, &variable, &key_and_value)?,
        Command::Del(item) => del::run(&item)?,
        Command::Dump { name, file } => dump::run(&name, &file)?,
        Command::Load { name, file } => load::run(&name, &file)?,
        Command::Gc => gc::run(json, output)?,
        Command::Rm { name } => rm::run(&name)?,
        Command::Run { command } => return run::run(&command),
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
    };
    output.flush()?;
    Ok(exit)
}

fn attach(name: &str) -> Result<Manager> {
    Ok(Manager::builder().name(name).attach()?)
}

fn find(manager: &Manager, variable: &str) -> Result<Handle> {
    manager.named(variable).get()?.ok_or_else(|| no_variable(manager, variable))
}

/// The variables that have names, but for those that the Python package keeps for itself.
pub(crate) fn variables(manager: &Manager) -> std::result::Result<Vec<(String, Handle)>, Error> {
    let mut variables = manager.variables()?;
    variables.retain(|(name, _)| !name.starts_with("sharevar:"));
    Ok(variables)
}

fn no_variable(manager: &Manager, variable: &str) -> Failure {
    let name = manager.name().unwrap_or_default();
    Failure::not_found(format_args!("the manager {name:?} has no variable {variable:?}"))
}

/// The failure of a command that needs a KEY, or has one that it does not need.
fn wrong_use(handle: &Handle, what: &str) -> Failure {
    let kind = handle.kind().map_or("variable of an unknown kind", sharevar::Kind::name);
    Failure::usage(format_args!("a {kind} {what}"))
}
