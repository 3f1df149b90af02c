//! Tables of text, whose columns are as wide as their widest cell.

use crate::output;
use std::io::{Result, Write};
use unicode_width::UnicodeWidthStr;

/// The side of a column on which its text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Writes a table with these headings, and as many cells in each row. There is no trailing space.
pub(crate) fn write<R: AsRef<[C]>, C: AsRef<str>>(
    output: &mut dyn Write,
    headings: &[(&str, Side)],
    rows: &[R],
) -> Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.as_ref()[column].as_ref().width());
        cells.chain([headings[column].0.width()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(headings).zip(&widths).map(|((cell, (_, side)), width)| {
            let space = " ".repeat(width - cell.width());
            if *side == Side::Left { format!("{cell}{space}") } else { format!("{space}{cell}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let names: Vec<_> = headings.iter().map(|(name, _)| *name).collect();
    writeln!(output, "{}", output::heading(&line(&names)))?;
    for row in rows {
        let cells: Vec<_> = row.as_ref().iter().map(AsRef::as_ref).collect();
        writeln!(output, "{}", line(&cells))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_are_shown() {
        let mut written = Vec::new();
        let rows = [["äpfel", "10"], ["数据", "5"]];
        write(&mut written, &[("NAME", Side::Left), ("N", Side::Right)], &rows).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&written).unwrap()).to_string();
        assert_eq!(text, "NAME    N\näpfel  10\n数据    5\n");
    }
}
