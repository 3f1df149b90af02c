//! `sharevar load`: a manager from a dump, kept for the programs that come.

use crate::exit::{Exit, Failure, Result};
use sharevar::{Error, Lifetime, Manager, RendezvousError};
use std::path::Path;

pub(crate) fn run(name: &str, file: &Path) -> Result<Exit> {
    match Manager::builder().name(name).attach() {
        Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. })) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {
            let message =
                format_args!("the manager {name:?} is there already; remove it first (sharevar rm)");
            return Err(Failure::new(Exit::Failure, message));
        }
    }
    Manager::builder().name(name).lifetime(Lifetime::Keep).load(file).build()?;
    Ok(Exit::Success)
}
