//! `sharevar load`: a manager from a dump, kept for the programs that come.

use crate::exit::{Exit, Failure, Result};
use sharevar::{Lifetime, Manager};
use std::path::Path;

pub(crate) fn run(name: &str, file: &Path, allow_pickle: bool) -> Result<Exit> {
    let builder =
        Manager::builder().name(name).lifetime(Lifetime::Keep).allow_pickle(allow_pickle).load(file);
    match builder.build_new()? {
        Some(_) => Ok(Exit::Success),
        None => Err(Failure::new(
            Exit::Failure,
            format_args!("the manager {name:?} is there already; remove it first (sharevar rm)"),
        )),
    }
}
