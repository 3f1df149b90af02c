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

/// A text of a program's own, without the characters by which it would change the terminal.
pub(crate) fn printable(text: &str) -> String {
    let escaped = |character: char| {
        let (escaped, plain) = if character.is_control() || is_bidirectional(character) {
            (Some(character.escape_default()), None)
        } else {
            (None, Some(character))
        };
        escaped.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(escaped).collect()
}

/// Whether it turns the direction of the text around it, by which one name can look like another.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes one line of JSON.
pub(crate) fn json(output: &mut dyn Write, value: &Json) -> Result<()> {
    Ok(writeln!(output, "{value}")?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_does_nothing_to_the_terminal() {
        let shown = super::printable("a\u{1b}[2Jb\nc\u{9b}d\u{202e}e äö 数");
        assert_eq!(shown, r"a\u{1b}[2Jb\nc\u{9b}d\u{202e}e äö 数");
    }
}
