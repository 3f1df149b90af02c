//! The traps of a server that keeps variables.

use super::finding::{Finding, bad, good};
use super::tell;
use crate::exit::{Exit, Result};
use sharevar_redis::inspect;
use std::io::Write;

/// `sharevar doctor --engine`.
pub(crate) fn run(address: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let findings: Vec<Finding> = match inspect(address) {
        Ok(seen) => {
            let finding = |(subject, seen): (String, std::result::Result<String, String>)| match seen {
                Ok(text) => good(&subject, text),
                Err(text) => bad(&subject, text),
            };
            seen.into_iter().map(finding).collect()
        }
        // Its cause is the finding.
        Err(error) => vec![bad("server", error.to_string())],
    };
    tell(&findings, is_json, output)
}
