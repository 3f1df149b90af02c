//! `sharevar ls`: the managers of this user.

use crate::described;
use crate::exit::{Exit, Result};
use crate::table::{self, Side};
use crate::{amount, named, output, process};
use sharevar::{Manager, ManagerInfo, UnnamedManager};
use std::io::Write;

/// The most processes that a row names.
const SHOWN: usize = 4;

pub(crate) fn run(with_runs: bool, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let mut rows = Vec::new();
    for (found, info) in Manager::find_all_with_info()? {
        if found.is_of_run() && !with_runs {
            continue;
        }
        let lifetime = named::lifetime(found.lifetime);
        let info = info.map_err(|error| error.to_string());
        if is_json {
            output::json(output, &described::manager(&found.name, found.id, found.lifetime, &info))?;
        }
        let [processes, used, capacity] = match &info {
            Ok(info) => [shown(info), amount::bytes(info.used), amount::bytes(info.capacity)],
            Err(_) => Default::default(),
        };
        let problem = info.err().unwrap_or_default();
        rows.push([found.name, lifetime.to_owned(), processes, used, capacity, problem]);
    }
    for found in Manager::find_unnamed() {
        if is_json {
            output::json(output, &described::unnamed(&found))?;
        }
        let used = found.used.map_or(String::new(), amount::bytes);
        rows.push([
            "(unnamed)".to_owned(),
            "while_used".to_owned(),
            with_program(&found),
            used,
            String::new(),
            String::new(),
        ]);
    }
    if !is_json {
        let (left, right) = (Side::Left, Side::Right);
        let headings = [
            ("NAME", left),
            ("LIFETIME", left),
            ("PROCESSES", left),
            ("USED", right),
            ("CAPACITY", right),
            // Why nothing more is known of it.
            ("", left),
        ];
        table::write(output, &headings, &rows)?;
    }
    Ok(Exit::Success)
}

/// The processes of a manager without a name, and the program of the first.
fn with_program(found: &UnnamedManager) -> String {
    let program = found.processes.first().map_or(String::new(), |first| process::program(*first));
    format!("{} {}", listed(&found.processes), output::printable(&program)).trim_end().to_owned()
}

/// The processes, as many as fit.
pub(super) fn shown(info: &ManagerInfo) -> String {
    let (here, elsewhere) = (info.processes(), info.elsewhere());
    let elsewhere = (elsewhere > 0).then(|| format!("{elsewhere} elsewhere"));
    let here = Some(listed(&here)).filter(|here| !here.is_empty());
    let shown: Vec<_> = here.into_iter().chain(elsewhere).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn listed(processes: &[u32]) -> String {
    let mut shown: Vec<_> = processes.iter().take(SHOWN).map(u32::to_string).collect();
    if processes.len() > SHOWN {
        shown.push(format!("and {} more", processes.len() - SHOWN));
    }
    shown.join(", ")
}
