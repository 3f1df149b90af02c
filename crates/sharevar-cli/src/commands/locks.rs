//! `sharevar locks`: the locks of a manager that have names, and the processes that hold them.

use super::attach;
use crate::exit::{Exit, Result};
use crate::output;
use crate::table::{self, Side};
use serde_json::json;
use sharevar::{Kind, LockHolder, LockInfo};
use std::io::Write;

pub(crate) fn run(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let manager = attach(name)?;
    let mut rows = Vec::new();
    for (name, handle) in super::variables(&manager)? {
        let Some(info) = handle.lock_info()? else { continue };
        let kind = handle.kind().map_or("unknown", Kind::name);
        if is_json {
            let holders: Vec<_> = info.holders.iter().map(described).collect();
            let waiters = info.has_waiters;
            output::json(
                output,
                &json!({"name": name, "kind": kind, "holders": holders, "waiters": waiters}),
            )?;
        } else {
            rows.push([name, kind.to_owned(), holders(&info), waiters(&info).to_owned()]);
        }
    }
    if !is_json {
        let headings = ["LOCK", "KIND", "HOLDERS", "WAITERS"].map(|heading| (heading, Side::Left));
        table::write(output, headings, &rows)?;
    }
    Ok(Exit::Success)
}

fn described(holder: &LockHolder) -> serde_json::Value {
    let (process, thread, units) = (holder.process, holder.thread, holder.units);
    json!({"process": process, "thread": thread, "units": units, "exclusive": holder.is_exclusive})
}

fn holders(info: &LockInfo) -> String {
    let holder = |holder: &LockHolder| {
        let process = holder.process.map_or("elsewhere".to_owned(), |process| process.to_string());
        let thread = holder.thread.map_or(String::new(), |thread| format!(" thread {thread}"));
        let units = if holder.units > 1 { format!(" x {}", holder.units) } else { String::new() };
        format!("{process}{thread}{units}")
    };
    let holders: Vec<_> = info.holders.iter().map(holder).collect();
    if holders.is_empty() { "free".to_owned() } else { holders.join(", ") }
}

fn waiters(info: &LockInfo) -> &'static str {
    match info.has_waiters {
        Some(true) => "some",
        Some(false) => "none",
        None => "",
    }
}
