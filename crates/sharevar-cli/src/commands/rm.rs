//! `sharevar rm`: the end of a manager, for all processes.

use crate::exit::{Exit, Result};
use sharevar::Manager;

pub(crate) fn run(name: &str) -> Result<Exit> {
    Manager::remove(name)?;
    Ok(Exit::Success)
}
