//! The tables of a picture, which the screen and the text have in common.

use super::picture::{Inside, Picture};
use crate::described::kind;
use crate::named::lifetime;
use crate::output::printable;
use crate::table::Side;
use crate::{amount, lock};
use std::cmp::Ordering;

/// A part of a manager's inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Variables,
    Locks,
    Processes,
    Memory,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Variables, Self::Locks, Self::Processes, Self::Memory];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Variables => "Variables",
            Self::Locks => "Locks",
            Self::Processes => "Processes",
            Self::Memory => "Memory",
        }
    }
}

/// A cell, and the number by which it is sorted, if it is one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    number: Option<f64>,
}

impl Cell {
    fn text(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()), number: None }
    }

    /// A number that is shown as `text`; without one the cell is empty, and sorted last.
    fn number(number: Option<f64>, text: impl FnOnce(f64) -> String) -> Self {
        Self { text: number.map_or(String::new(), text), number: Some(number.unwrap_or(f64::NEG_INFINITY)) }
    }

    fn bytes(bytes: Option<u64>) -> Self {
        Self::number(bytes.map(|bytes| bytes as f64), |bytes| amount::bytes(bytes as u64))
    }

    fn count(count: Option<u64>) -> Self {
        Self::number(count.map(|count| count as f64), |count| count.to_string())
    }

    /// The order in which a list is most useful: text from A to Z, the largest number first.
    fn order(&self, other: &Self) -> Ordering {
        match (self.number, other.number) {
            (Some(one), Some(other)) => other.total_cmp(&one),
            _ => self.text.cmp(&other.text),
        }
    }
}

/// Rows under headings.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) headings: Vec<(&'static str, Side)>,
    /// The columns that may be left out where there is no room, the least important one first.
    pub(super) dispensable: &'static [usize],
    pub(super) lines: Vec<Vec<Cell>>,
}

impl Rows {
    /// Sorts by a column; the other columns stay as they are where this one is equal.
    pub(super) fn sort(&mut self, column: usize, is_reversed: bool) {
        self.lines.sort_by(|one, other| {
            let order = one[column].order(&other[column]);
            if is_reversed { order.reverse() } else { order }
        });
    }
}

const LEFT: Side = Side::Left;
const RIGHT: Side = Side::Right;

pub(super) fn managers(picture: &Picture) -> Rows {
    let rows = picture.managers.iter().map(|row| {
        let info = row.info.as_ref().ok();
        vec![
            Cell::text(&row.name),
            Cell::text(lifetime(row.lifetime)),
            Cell::count(info.map(|info| (info.processes().len() + info.elsewhere()) as u64)),
            Cell::bytes(info.map(|info| info.used)),
            Cell::bytes(info.map(|info| info.capacity)),
            Cell::text(row.info.as_ref().err().map_or("", String::as_str)),
        ]
    });
    let headings = vec![
        ("MANAGER", LEFT),
        ("LIFETIME", LEFT),
        ("PROCESSES", RIGHT),
        ("USED", RIGHT),
        ("CAPACITY", RIGHT),
        ("", LEFT),
    ];
    Rows { headings, dispensable: &[1, 4, 2, 3, 5], lines: rows.collect() }
}

pub(super) fn of_part(inside: &Inside, part: Part) -> Rows {
    match part {
        Part::Variables => variables(inside),
        Part::Locks => locks(inside),
        Part::Processes => processes(inside),
        Part::Memory => memory(inside),
    }
}

fn variables(inside: &Inside) -> Rows {
    let rows = inside.variables.iter().map(|row| {
        vec![
            Cell::text(&row.name),
            Cell::text(kind(row.info.kind)),
            Cell::count(row.info.len),
            Cell::bytes(row.info.bytes),
            Cell::number(row.rate, amount::rate),
        ]
    });
    let headings =
        vec![("VARIABLE", LEFT), ("KIND", LEFT), ("LENGTH", RIGHT), ("BYTES", RIGHT), ("CHANGES/S", RIGHT)];
    Rows { headings, dispensable: &[1, 3, 2, 4], lines: rows.collect() }
}

fn locks(inside: &Inside) -> Rows {
    let rows = inside.locks.iter().map(|row| {
        let held_for = row.info.held_for.filter(|_| !row.info.holders.is_empty());
        vec![
            Cell::text(&row.name),
            Cell::text(kind(row.kind)),
            Cell::text(lock::holders(row.kind, &row.info)),
            Cell::number(held_for.map(|time| time.as_secs_f64()), |_| lock::held_for(&row.info)),
            Cell::text(lock::waiters(&row.info)),
        ]
    });
    let headings =
        vec![("LOCK", LEFT), ("KIND", LEFT), ("HOLDERS", LEFT), ("HELD FOR", RIGHT), ("WAITERS", LEFT)];
    Rows { headings, dispensable: &[1, 3, 4, 2], lines: rows.collect() }
}

fn processes(inside: &Inside) -> Rows {
    let row = |id: String, number: f64, state: &str, program: &str| {
        let id = Cell { text: id, number: Some(number) };
        vec![id, Cell::text(state), Cell::text(program)]
    };
    let here = inside.processes.iter();
    let mut rows: Vec<_> = here
        .map(|process| row(process.id.to_string(), process.id.into(), process.state.name(), &process.program))
        .collect();
    if inside.elsewhere > 0 {
        let said = format!("{} in other pid namespaces", inside.elsewhere);
        rows.push(row(String::new(), f64::NEG_INFINITY, "unknown", &said));
    }
    let headings = vec![("PROCESS", RIGHT), ("STATE", LEFT), ("PROGRAM", LEFT)];
    Rows { headings, dispensable: &[1], lines: rows }
}

fn memory(inside: &Inside) -> Rows {
    let rows = inside.blocks.iter().map(|usage| {
        let size = if usage.size == 0 { f64::INFINITY } else { usage.size as f64 };
        let name = |_| if usage.size == 0 { "pages".to_owned() } else { amount::bytes(usage.size) };
        vec![
            Cell::number(Some(size), name),
            Cell::count(Some(usage.blocks)),
            Cell::bytes(Some(usage.reserved)),
        ]
    });
    let headings = vec![("BLOCK SIZE", RIGHT), ("BLOCKS", RIGHT), ("RESERVED", RIGHT)];
    Rows { headings, dispensable: &[2, 1], lines: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_number_and_text() {
        let row = |name: &str, count| vec![Cell::text(name), Cell::count(count)];
        let headings = vec![("NAME", LEFT), ("COUNT", RIGHT)];
        let mut rows = Rows {
            headings,
            dispensable: &[],
            lines: vec![row("b", Some(9)), row("c", None), row("a", Some(10)), row("d", Some(9))],
        };
        let names = |rows: &Rows| rows.lines.iter().map(|row| row[0].text.clone()).collect::<String>();
        rows.sort(1, false);
        assert_eq!(names(&rows), "abdc");
        rows.sort(0, true);
        assert_eq!(names(&rows), "dcba");
        rows.sort(1, true);
        assert_eq!(names(&rows), "cdba");
    }
}
