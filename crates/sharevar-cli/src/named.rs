//! Managers and variables, found by their names.

use crate::exit::{Failure, Result};
use sharevar::{Error, Handle, Lifetime, Manager};

pub(crate) fn attach(name: &str) -> Result<Manager> {
    Ok(Manager::builder().name(name).attach()?)
}

pub(crate) fn find(manager: &Manager, variable: &str) -> Result<Handle> {
    manager.named(variable).get()?.ok_or_else(|| no_variable(manager, variable))
}

/// The variables that have names, but for those that the Python package keeps for itself.
pub(crate) fn variables(manager: &Manager) -> std::result::Result<Vec<(String, Handle)>, Error> {
    let mut variables = manager.variables()?;
    variables.retain(|(name, _)| !name.starts_with("sharevar:"));
    Ok(variables)
}

pub(crate) fn no_variable(manager: &Manager, variable: &str) -> Failure {
    let name = manager.name().unwrap_or_default();
    Failure::not_found(format_args!("the manager {name:?} has no variable {variable:?}"))
}

/// The failure of a command that needs a KEY, or has one that it does not need.
pub(crate) fn wrong_use(handle: &Handle, what: &str) -> Failure {
    let kind = handle.kind().map_or("variable of an unknown kind", sharevar::Kind::name);
    Failure::usage(format_args!("a {kind} {what}"))
}

pub(crate) fn lifetime(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::WhileUsed => "while_used",
        Lifetime::Keep => "keep",
    }
}
