//! `sharevar check`: the arena's own look for damage.

use crate::exit::{Exit, Result};
use crate::named::attach;
use crate::{amount, output};
use serde_json::json;
use std::io::Write;

pub(crate) fn run(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let manager = attach(name)?;
    let report = manager.check()?;
    if is_json {
        let described = json!({
            "name": name, "variables": report.variables, "blocks": report.blocks,
            "bytes": report.bytes, "problems": report.problems,
        });
        output::json(output, &described)?;
    } else {
        for problem in &report.problems {
            writeln!(output, "{}: {problem}", output::error("problem"))?;
        }
        let verdict = if report.is_clean() { output::good("clean") } else { output::error("damaged") };
        let (variables, blocks) = (report.variables, report.blocks);
        let size = amount::bytes(report.bytes);
        writeln!(output, "{name}: {verdict}, {variables} variables, {blocks} blocks, {size}")?;
    }
    Ok(if report.is_clean() { Exit::Success } else { Exit::Problem })
}
