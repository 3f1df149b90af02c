//! `sharevar dump`: the variables of a manager, in a file.

use crate::exit::{Exit, Result};
use crate::named::attach;
use std::path::Path;

pub(crate) fn run(name: &str, file: &Path) -> Result<Exit> {
    attach(name)?.dump(file)?;
    Ok(Exit::Success)
}
