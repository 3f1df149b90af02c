//! Managers and variables, found by their names.

use crate::exit::{Failure, Result};
use sharevar::{Handle, Lifetime, Manager};

/// Attaches to the manager of that name on this machine, or to that of an address on a server.
pub(crate) fn attach(name: &str) -> Result<Manager> {
    if name.contains("://") {
        // Connecting would make it.
        if !sharevar_redis::is_there(name)? {
            let namespace = name.split_once("namespace=").map_or("", |(_, rest)| rest);
            let namespace = namespace.split('&').next().unwrap_or_default();
            return Err(Failure::not_found(format_args!("the server has no namespace {namespace:?}")));
        }
        return Ok(Manager::connect(name)?);
    }
    Ok(Manager::builder().name(name).attach()?)
}

/// A manager that is looked into without the right to change anything, so that neither its programs nor
/// this one wait.
#[derive(Debug)]
pub(crate) struct Looking {
    name: String,
    manager: Manager,
}

impl Looking {
    pub(crate) fn at(name: &str) -> Result<Self> {
        let manager = if name.contains("://") {
            attach(name)?
        } else {
            Manager::builder().name(name).attach_read_only()?
        };
        Ok(Self { name: name.to_owned(), manager })
    }

    /// Where a variable is changed all the time, or its writer has died, this looks again as a participant,
    /// which waits for the lock and repairs.
    pub(crate) fn look<R>(&self, look: impl Fn(&Manager) -> Result<R>) -> Result<R> {
        match look(&self.manager) {
            Err(failure) if failure.needs_lock() => look(&attach(&self.name)?),
            looked => looked,
        }
    }

    /// Whether the manager was removed.
    pub(crate) fn is_removed(&self) -> bool {
        self.manager.is_shut_down()
    }

    /// Whether no process takes part in the manager, so that nothing changes any more.
    pub(crate) fn is_unused(&self) -> Result<bool> {
        // Those that use a server's are not known.
        Ok(self.manager.participant().is_ok() && self.manager.info()?.participants.is_empty())
    }
}

/// Looks into a manager once.
pub(crate) fn look_into<R>(name: &str, look: impl Fn(&Manager) -> Result<R>) -> Result<R> {
    Looking::at(name)?.look(look)
}

pub(crate) fn find(manager: &Manager, variable: &str) -> Result<Handle> {
    manager.named(variable).get()?.ok_or_else(|| no_variable(manager, variable))
}

pub(crate) fn no_variable(manager: &Manager, variable: &str) -> Failure {
    let name = manager.name().unwrap_or_default();
    Failure::not_found(format_args!("the manager {name:?} has no variable {variable:?}"))
}

/// The failure of a command that needs a KEY, or has one that it does not need.
pub(crate) fn wrong_use(handle: &Handle, what: &str) -> Failure {
    let kind = handle.kind().map_or("variable of an unknown kind", sharevar::Kind::name);
    let article = if kind.starts_with(['a', 'e', 'o']) { "an" } else { "a" };
    Failure::usage(format_args!("{article} {kind} {what}"))
}

pub(crate) fn lifetime(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::WhileUsed => "while_used",
        Lifetime::Keep => "keep",
    }
}
