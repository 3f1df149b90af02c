//! `sharevar ls`: the managers of this user.

use crate::exit::{Exit, Result};
use crate::table::{self, Side};
use crate::{amount, named, output, process};
use serde_json::{Value as Json, json};
use sharevar::{Error, Manager, ManagerInfo, RendezvousError, UnnamedManager};
use std::io::Write;

/// The most processes that a row names.
const SHOWN: usize = 4;

pub(crate) fn run(with_runs: bool, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let mut rows = Vec::new();
    for found in Manager::find_all()? {
        if found.is_of_run() && !with_runs {
            continue;
        }
        let lifetime = named::lifetime(found.lifetime);
        let info = match found.info() {
            // It has gone since.
            Ok(None) => continue,
            Ok(Some(info)) => info,
            Err(Error::Rendezvous(other @ RendezvousError::LayoutMismatch { .. })) => {
                if is_json {
                    let problem = other.to_string();
                    let found = json!({"name": found.name, "lifetime": lifetime, "problem": problem});
                    output::json(output, &found)?;
                }
                rows.push([&found.name, lifetime, "another layout", "", ""].map(str::to_owned));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if is_json {
            let mut described = description(&info);
            described.insert(0, ("lifetime".to_owned(), json!(lifetime)));
            described.insert(0, ("id".to_owned(), json!(format!("{:032x}", found.id))));
            described.insert(0, ("name".to_owned(), json!(found.name)));
            output::json(output, &Json::Object(described.into_iter().collect()))?;
        }
        let (used, capacity) = (amount::bytes(info.used), amount::bytes(info.capacity));
        rows.push([found.name, lifetime.to_owned(), shown(&info), used, capacity]);
    }
    for found in Manager::find_unnamed() {
        if is_json {
            let programs: Vec<_> = found.processes.iter().map(|id| process::program(*id)).collect();
            let described = json!({
                "name": null, "lifetime": "while_used", "used": found.used,
                "processes": found.processes, "programs": programs,
            });
            output::json(output, &described)?;
        }
        let used = found.used.map_or(String::new(), amount::bytes);
        rows.push([
            "(unnamed)".to_owned(),
            "while_used".to_owned(),
            with_program(&found),
            used,
            String::new(),
        ]);
    }
    if !is_json {
        let (left, right) = (Side::Left, Side::Right);
        let headings =
            [("NAME", left), ("LIFETIME", left), ("PROCESSES", left), ("USED", right), ("CAPACITY", right)];
        table::write(output, &headings, &rows)?;
    }
    Ok(Exit::Success)
}

/// The processes of a manager without a name, and the program of the first.
fn with_program(found: &UnnamedManager) -> String {
    let program = found.processes.first().map_or(String::new(), |first| process::program(*first));
    format!("{} {}", listed(&found.processes), output::printable(&program)).trim_end().to_owned()
}

/// The sizes and the processes, as members of a JSON object.
pub(super) fn description(info: &ManagerInfo) -> Vec<(String, Json)> {
    let (here, elsewhere) = processes(info);
    [
        ("capacity", json!(info.capacity)),
        ("used", json!(info.used)),
        ("processes", json!(here)),
        ("elsewhere", json!(elsewhere)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The processes, and the number of participants in other pid namespaces.
fn processes(info: &ManagerInfo) -> (Vec<u32>, usize) {
    let mut here: Vec<_> = info.participants.iter().filter_map(|peer| peer.process).collect();
    let elsewhere = info.participants.len() - here.len();
    here.sort_unstable();
    here.dedup();
    (here, elsewhere)
}

/// The processes, as many as fit.
pub(super) fn shown(info: &ManagerInfo) -> String {
    let (here, elsewhere) = processes(info);
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
