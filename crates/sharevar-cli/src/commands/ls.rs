//! `sharevar ls`: the managers of this user.

use crate::exit::{Exit, Result};
use crate::table::{self, Side};
use crate::{amount, output};
use serde_json::{Value as Json, json};
use sharevar::{Error, Lifetime, Manager, ManagerInfo, RendezvousError};
use std::io::Write;

/// The most processes that a row names.
const SHOWN: usize = 4;

pub(crate) fn run(with_runs: bool, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let mut rows = Vec::new();
    for found in Manager::find_all()? {
        if found.is_of_run() && !with_runs {
            continue;
        }
        let lifetime = lifetime(found.lifetime);
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
    if !is_json {
        let (left, right) = (Side::Left, Side::Right);
        let headings =
            [("NAME", left), ("LIFETIME", left), ("PROCESSES", left), ("USED", right), ("CAPACITY", right)];
        table::write(output, headings, &rows)?;
    }
    Ok(Exit::Success)
}

fn lifetime(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::WhileUsed => "while_used",
        Lifetime::Keep => "keep",
    }
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
    let mut shown: Vec<_> = here.iter().take(SHOWN).map(u32::to_string).collect();
    if here.len() > SHOWN {
        shown.push(format!("and {} more", here.len() - SHOWN));
    }
    if elsewhere > 0 {
        shown.push(format!("{elsewhere} elsewhere"));
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
