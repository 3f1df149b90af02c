//! A lock as the command shows it.

use crate::amount;
use serde_json::{Value as Json, json};
use sharevar::{Kind, LockHolder, LockInfo};

/// A lock as JSON.
pub(crate) fn described(name: &str, kind: Option<Kind>, info: &LockInfo) -> Json {
    let holder = |holder: &LockHolder| {
        let (process, thread, units) = (holder.process, holder.thread, holder.units);
        json!({"process": process, "thread": thread, "units": units, "is_exclusive": holder.is_exclusive})
    };
    json!({
        "name": name, "kind": kind.map_or("unknown", Kind::name),
        "holders": info.holders.iter().map(holder).collect::<Vec<_>>(),
        "is_left_held": info.is_left_held, "held_for": info.held_for.map(|time| time.as_secs_f64()),
        "has_waiters": info.has_waiters, "waiting": info.waiting,
    })
}

/// The holders, for people. A semaphore may have no unit left, and no holder either.
pub(crate) fn holders(kind: Option<Kind>, info: &LockInfo) -> String {
    let holder = |holder: &LockHolder| {
        let process = holder.process.map_or("elsewhere".to_owned(), |process| process.to_string());
        let thread = holder.thread.map_or(String::new(), |thread| format!(" thread {thread}"));
        let units = if holder.units > 1 { format!(" x {}", holder.units) } else { String::new() };
        format!("{process}{thread}{units}")
    };
    let holders: Vec<_> = info.holders.iter().map(holder).collect();
    match holders.is_empty() {
        true if info.is_left_held => "has ended".to_owned(),
        true if kind == Some(Kind::Semaphore) => "none".to_owned(),
        true => "free".to_owned(),
        false => holders.join(", "),
    }
}

/// For how long at least, as far as it is known.
pub(crate) fn held_for(info: &LockInfo) -> String {
    info.held_for.filter(|_| !info.holders.is_empty()).map_or(String::new(), amount::time)
}

/// The processes that wait, as far as they are known.
pub(crate) fn waiters(info: &LockInfo) -> String {
    let waiting: Vec<_> = info.waiting.iter().map(u32::to_string).collect();
    match (info.has_waiters, waiting.is_empty()) {
        (false, _) => "none".to_owned(),
        (true, true) => "some".to_owned(),
        (true, false) => waiting.join(", "),
    }
}
