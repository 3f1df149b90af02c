//! Tables of text, whose columns are as wide as their widest cell.

use crate::output;
use std::io::{Result, Write};

/// The side of a column on which its text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Writes a table with these headings. There is no trailing space.
pub(crate) fn write<const N: usize>(
    output: &mut dyn Write,
    headings: [(&str, Side); N],
    rows: &[[String; N]],
) -> Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].0.chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: [&str; N]| {
        let padded = (0..N).map(|column| match headings[column].1 {
            Side::Left => format!("{:<1$}", cells[column], width(column)),
            Side::Right => format!("{:>1$}", cells[column], width(column)),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(output, "{}", output::heading(&line(headings.map(|(heading, _)| heading))))?;
    for row in rows {
        writeln!(output, "{}", line(row.each_ref().map(String::as_str)))?;
    }
    Ok(())
}
