//! Styles of what is written, and JSON.

use crate::exit::Result;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value as Json;
use std::io::Write;

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A heading.
pub(crate) fn heading(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// A name that what follows belongs to.
pub(crate) fn name(text: &str) -> String {
    styled(AnsiColor::Cyan.on_default(), text)
}

/// Something that is as it should be.
pub(crate) fn good(text: &str) -> String {
    styled(AnsiColor::Green.on_default(), text)
}

/// Something that is wrong.
pub(crate) fn error(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// Writes one line of JSON.
pub(crate) fn json(output: &mut dyn Write, value: &Json) -> Result<()> {
    Ok(writeln!(output, "{value}")?)
}
