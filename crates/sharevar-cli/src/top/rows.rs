//! The tables of a picture, which the screen and the text have in common.

use super::picture::{Inside, ManagerRow, ManagerState, Picture, ServerRow, Users};
use crate::amount;
use crate::described::kind;
use crate::named::lifetime;
use crate::output::printable;
use crate::table::Side;
use std::cmp::Ordering;
use std::time::Duration;

/// A part of a manager's inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Variables,
    Locks,
    Processes,
    /// On a server.
    Clients,
    Memory,
}

impl Part {
    pub(super) const ALL: [Self; 5] =
        [Self::Variables, Self::Locks, Self::Processes, Self::Clients, Self::Memory];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Variables => "Variables",
            Self::Locks => "Locks",
            Self::Processes => "Processes",
            Self::Clients => "Clients",
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

/// The address of a server, and its memory or the reason why it is not known.
pub(super) fn server(row: &ServerRow) -> String {
    let memory = row.used.map(|used| match row.capacity {
        Some(capacity) => format!("{} of {} in use", amount::bytes(used), amount::bytes(capacity)),
        None => format!("{} in use", amount::bytes(used)),
    });
    let told: Vec<_> = memory.into_iter().chain(row.problem.clone()).collect();
    format!("{}: {}", row.address, told.join("; "))
}

pub(super) fn managers(picture: &Picture) -> Rows {
    if picture.server.is_some() { namespaces(&picture.managers) } else { managers_here(&picture.managers) }
}

fn managers_here(managers: &[ManagerRow]) -> Rows {
    let rows = managers.iter().map(|row| {
        let (lifetime, info) = match &row.state {
            ManagerState::Here { lifetime: time, info, .. } => (lifetime(*time), info.as_ref().ok()),
            ManagerState::OnServer(_) => ("", None),
        };
        vec![
            Cell::text(&row.name),
            Cell::text(lifetime),
            Cell::count(info.map(|info| (info.processes().len() + info.elsewhere()) as u64)),
            Cell::bytes(info.map(|info| info.used)),
            Cell::bytes(info.map(|info| info.capacity)),
            Cell::text(row.problem().unwrap_or_default()),
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

fn namespaces(managers: &[ManagerRow]) -> Rows {
    let rows = managers.iter().map(|row| {
        let population = match &row.state {
            ManagerState::OnServer(Ok(population)) => Some(population),
            _ => None,
        };
        vec![
            Cell::text(&row.name),
            Cell::count(population.map(|population| population.variables)),
            Cell::count(population.map(|population| population.clients)),
            Cell::text(row.problem().unwrap_or_default()),
        ]
    });
    let headings = vec![("NAMESPACE", LEFT), ("VARIABLES", RIGHT), ("CLIENTS", RIGHT), ("", LEFT)];
    Rows { headings, dispensable: &[1, 2, 3], lines: rows.collect() }
}

pub(super) fn of_part(inside: &Inside, part: Part) -> Rows {
    match part {
        Part::Variables => variables(inside),
        Part::Locks => locks(inside),
        Part::Processes => processes(inside),
        Part::Clients => clients(inside),
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
    let is_on_server = matches!(inside.users, Users::OnServer(_));
    let rows = inside.locks.iter().map(|row| {
        let lock = &row.lock;
        let held_for = lock.held_for.filter(|_| !lock.holders.is_empty());
        vec![
            Cell::text(&row.name),
            Cell::text(kind(lock.kind)),
            Cell::text(lock.holders()),
            if is_on_server {
                Cell::count(lock.token())
            } else {
                Cell::number(held_for.map(|time| time.as_secs_f64()), |_| lock.held_for())
            },
            Cell::text(lock.waiters()),
        ]
    });
    // A server does not know for how long a lock is held.
    let fourth = if is_on_server { "TOKEN" } else { "HELD FOR" };
    let headings =
        vec![("LOCK", LEFT), ("KIND", LEFT), ("HOLDERS", LEFT), (fourth, RIGHT), ("WAITERS", LEFT)];
    Rows { headings, dispensable: &[1, 3, 4, 2], lines: rows.collect() }
}

fn processes(inside: &Inside) -> Rows {
    let row = |id: String, number: f64, state: &str, program: &str| {
        let id = Cell { text: id, number: Some(number) };
        vec![id, Cell::text(state), Cell::text(program)]
    };
    let headings = vec![("PROCESS", RIGHT), ("STATE", LEFT), ("PROGRAM", LEFT)];
    let mut rows = Rows { headings, dispensable: &[1], lines: Vec::new() };
    let Users::Here { processes, elsewhere, .. } = &inside.users else { return rows };
    rows.lines.extend(processes.iter().map(|process| {
        row(process.id.to_string(), process.id.into(), process.state.name(), &process.program)
    }));
    if *elsewhere > 0 {
        let said = format!("{elsewhere} in other pid namespaces");
        rows.lines.push(row(String::new(), f64::NEG_INFINITY, "unknown", &said));
    }
    rows
}

fn clients(inside: &Inside) -> Rows {
    let headings = vec![
        ("CLIENT", LEFT),
        ("MACHINE", LEFT),
        ("PROCESS", RIGHT),
        ("KNOWN FOR", RIGHT),
        ("LEASE LEFT", RIGHT),
    ];
    let mut rows = Rows { headings, dispensable: &[3, 0, 4, 1], lines: Vec::new() };
    let Users::OnServer(clients) = &inside.users else { return rows };
    let time = |time: Option<Duration>| {
        Cell::number(time.map(|time| time.as_secs_f64()), |_| time.map_or(String::new(), amount::time))
    };
    rows.lines.extend(clients.iter().map(|client| {
        let lease_left = match client.lease_left {
            Some(Duration::ZERO) => Cell::number(Some(0.0), |_| "ended".to_owned()),
            left => time(left),
        };
        vec![
            Cell::text(&client.name),
            Cell::text(client.machine.as_deref().unwrap_or_default()),
            Cell::count(client.process.map(u64::from)),
            time(client.known_for),
            lease_left,
        ]
    }));
    rows
}

fn memory(inside: &Inside) -> Rows {
    let headings = vec![("BLOCK SIZE", RIGHT), ("BLOCKS", RIGHT), ("RESERVED", RIGHT)];
    let mut rows = Rows { headings, dispensable: &[2, 1], lines: Vec::new() };
    let Users::Here { blocks, .. } = &inside.users else { return rows };
    rows.lines.extend(blocks.iter().map(|usage| {
        let size = if usage.size == 0 { f64::INFINITY } else { usage.size as f64 };
        let name = |_| if usage.size == 0 { "pages".to_owned() } else { amount::bytes(usage.size) };
        vec![
            Cell::number(Some(size), name),
            Cell::count(Some(usage.blocks)),
            Cell::bytes(Some(usage.reserved)),
        ]
    }));
    rows
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
