//! A picture as plain text.

use super::picture::Picture;
use super::rows::{self, Part, Rows};
use crate::exit::Result;
use crate::{output, table};
use std::io::Write;

pub(super) fn write(output: &mut dyn Write, picture: &Picture) -> Result<()> {
    if let Some(server) = &picture.server {
        writeln!(output, "{}\n", output::printable(&rows::server(server)))?;
    }
    write_rows(output, &rows::managers(picture))?;
    for inside in &picture.insides {
        writeln!(output, "\n{}", output::name(&output::printable(&inside.name)))?;
        for part in Part::ALL {
            let rows = rows::of_part(inside, part);
            if !rows.lines.is_empty() {
                writeln!(output)?;
                write_rows(output, &rows)?;
            }
        }
    }
    Ok(())
}

fn write_rows(output: &mut dyn Write, rows: &Rows) -> Result<()> {
    let cells: Vec<Vec<&str>> =
        rows.lines.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect();
    Ok(table::write(output, &rows.headings, &cells)?)
}
