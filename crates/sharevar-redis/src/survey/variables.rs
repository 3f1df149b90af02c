//! Variables as a server tells of them.

use super::clients::Leases;
use super::exchange::Questions;
use super::seen::{HolderSeen, LockSeen, VariableSeen};
use crate::namespace::variable_key;
use crate::number::kind_of;
use crate::reply;
use crate::script::scripts;
use redis::Value;
use sharevar::{Kind, Result};

scripts! { "../lua/look.lua":
    LOOK = "variables";
}

/// The most variables of one script, which keeps the server from other clients for less than a millisecond.
const PAGE: usize = 100;

/// The keys of a variable of that kind, and what each of them is asked for.
fn questions_of(kind: Option<Kind>) -> (&'static str, &'static str) {
    match kind {
        Some(Kind::Dict | Kind::Set | Kind::Namespace) => ("mdok", "fnzn"),
        Some(Kind::Monitor) => ("mdokw", "fnznw"),
        Some(Kind::List) => ("md", "fl"),
        Some(Kind::Array) => ("md", "fn"),
        Some(Kind::Lock | Kind::RLock) => ("mw", "fw"),
        Some(Kind::Semaphore) => ("mkw", "fhw"),
        Some(Kind::RwLock) => ("mkwp", "fhww"),
        Some(Kind::Condition) => ("mwk", "cnn"),
        Some(Kind::Event) => ("mw", "fn"),
        Some(Kind::Barrier) => ("mkpw", "fnnn"),
        Some(Kind::Queue) => ("mdowpj", "flnnnn"),
        Some(Kind::PriorityQueue) => ("mdowpj", "fnznnn"),
        _ => ("m", "f"),
    }
}

/// Asks for variables by their numbers. There is an answer for each page.
pub(super) fn ask(questions: &mut Questions, prefix: &str, numbers: &[u64]) {
    for page in numbers.chunks(PAGE) {
        let asked = || page.iter().map(|number| (*number, questions_of(kind_of(*number))));
        let keys = asked().flat_map(|(number, (parts, _))| parts.chars().map(move |part| (number, part)));
        let keys: Vec<_> = keys.map(|(number, part)| variable_key(prefix, number, part)).collect();
        let mut command = redis::cmd("EVAL");
        command.arg(&LOOK.text).arg(keys.len()).arg(keys);
        command.arg(asked().map(|(_, (_, letters))| letters).collect::<Vec<_>>());
        questions.ask(command);
    }
}

/// How many answers there are for so many variables.
pub(super) fn pages(count: usize) -> usize {
    count.div_ceil(PAGE)
}

/// A variable, and of a condition the number of its lock.
pub(super) struct Told {
    pub(super) seen: VariableSeen,
    pub(super) lock: Option<u64>,
}

/// Reads what was told of a variable; `None` if it is gone.
pub(super) fn read(name: String, number: u64, told: Value, leases: &Leases) -> Result<Option<Told>> {
    let [fields, length, held, count, waiters, bytes] = reply::parts(told)?;
    let mut fields = reply::list(fields)?.into_iter().map(|field| reply::text(field).ok().flatten());
    if fields.next().flatten().is_none() {
        return Ok(None);
    }
    let kind = kind_of(number);
    let bytes = (bytes != Value::Nil).then(|| reply::int(bytes)).transpose()?.map(|bytes| bytes as u64);
    let mut seen = VariableSeen { name, number, kind, len: None, changes: None, bytes, lock: None };
    if kind == Some(Kind::Condition) {
        let lock = fields.next().flatten().and_then(|value| value.strip_prefix('h')?.parse().ok());
        return Ok(Some(Told { seen, lock }));
    }
    let [changes, count_of_array, owner, inside, token, free] = [(); 6].map(|()| fields.next().flatten());
    let number_in = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    seen.changes = number_in(changes).filter(|_| counts_changes(kind));
    seen.len = match length {
        Value::Nil => number_in(count_of_array),
        length => Some(reply::int(length)? as u64),
    };
    if !is_lock(kind) {
        return Ok(Some(Told { seen, lock: None }));
    }
    let mut holders: Vec<_> = inside.or(owner).map(|owner| holder(&owner, kind)).into_iter().collect();
    holders.extend(clients_with(held)?);
    let (living, ended): (Vec<_>, Vec<_>) =
        holders.into_iter().partition(|holder| leases.is_living(&holder.client));
    let waiters = reply::list(waiters)?;
    let more_waiting = (reply::int(count)? as u64).saturating_sub(waiters.len() as u64);
    let waiting = waiters.into_iter().filter_map(|waiter| reply::text(waiter).ok().flatten());
    let waiting = waiting.map(|waiter| waiter.split('/').next().unwrap_or_default().to_owned());
    // The server gives back the units of clients that have ended when a unit is asked for.
    let free = number_in(free).map(|free| free + ended.iter().map(|holder| holder.units).sum::<u64>());
    seen.lock = Some(LockSeen {
        holders: living,
        waiting: waiting.filter(|client| leases.is_living(client)).collect(),
        more_waiting,
        token: number_in(token),
        free,
    });
    Ok(Some(Told { seen, lock: None }))
}

/// Whether all changes of a variable of that kind are counted.
fn counts_changes(kind: Option<Kind>) -> bool {
    use Kind::{Dict, List, Monitor, Namespace, Set, Value};
    matches!(kind, Some(Dict | List | Monitor | Namespace | Set | Value))
}

fn is_lock(kind: Option<Kind>) -> bool {
    use Kind::{Lock, Monitor, RLock, RwLock, Semaphore};
    matches!(kind, Some(Lock | Monitor | RLock | RwLock | Semaphore))
}

/// The holder of a name such as `<client>`, of a recursive lock `<client>/<thread>`, and of a monitor
/// `<client>/<entrance>`.
fn holder(owner: &str, kind: Option<Kind>) -> HolderSeen {
    let (client, rest) = owner.split_once('/').unwrap_or((owner, ""));
    // A greenlet has its own number behind that of the thread.
    let thread = rest.split('-').next().and_then(|number| number.parse::<u32>().ok());
    let thread = thread.filter(|_| kind == Some(Kind::RLock)).map(|number| number.saturating_add(1));
    HolderSeen { client: client.to_owned(), thread, units: 1, is_exclusive: true }
}

/// Clients that have units or read.
fn clients_with(held: Value) -> Result<Vec<HolderSeen>> {
    let mut parts = reply::list(held)?.into_iter();
    let mut holders = Vec::new();
    while let (Some(client), Some(units)) = (parts.next(), parts.next()) {
        let client = reply::text(client)?.unwrap_or_default();
        holders.push(HolderSeen { client, thread: None, units: reply::number(units)?, is_exclusive: false });
    }
    Ok(holders)
}
