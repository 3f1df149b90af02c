//! `sharevar gc`: the removal of files that names without a manager have left.

use crate::exit::{Exit, Result};
use crate::output;
use serde_json::json;
use sharevar::Manager;
use std::io::Write;

pub(crate) fn run(is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let removed = Manager::sweep_names()?;
    if is_json {
        output::json(output, &json!({"removed": removed}))?;
    } else {
        let files = if removed == 1 { "file" } else { "files" };
        writeln!(output, "removed {removed} {files} of names that have no manager")?;
    }
    Ok(Exit::Success)
}
