//! The population of namespaces, by which it is known whether they are there.

use super::exchange::{Answers, Questions};
use super::seen::Population;
use crate::namespace::{LAYOUT, key_prefix, root_key};
use crate::reply;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use std::time::Duration;

/// The fields of a root that are no counts of a variable. The first three are read.
const FIELDS: [&str; 7] = ["id", "layout", "history", "pickle", "next", "named", "token"];

/// What is known of a namespace, or why it is not.
pub(super) type State = std::result::Result<Population, String>;

/// Asks for the root of a namespace.
pub(super) fn ask(questions: &mut Questions, name: &str) {
    let root = root_key(name);
    questions.ask_words(&[&["HMGET", &root], &FIELDS[..]].concat());
    questions.ask_words(&["HLEN", &root]);
}

/// The state of a namespace, whose clients are not counted yet; `None` if the node has no such namespace.
pub(super) fn read(answers: &mut Answers) -> Option<State> {
    let (root, count) = (answers.next(), answers.next());
    let (root, count) = match (root, count) {
        (Err(cause), _) | (_, Err(cause)) if is_elsewhere(&cause) => return None,
        (Err(cause), _) | (_, Err(cause)) => return Some(Err(cause.to_string())),
        (Ok(root), Ok(count)) => (root, count),
    };
    let fields = reply::list(root).ok()?;
    let missing = fields.iter().filter(|field| **field == Value::Nil).count();
    let mut fields = fields.into_iter().map(|field| reply::text(field).ok().flatten());
    let [id, layout, history] = [(); 3].map(|()| fields.next().flatten());
    let id = id?;
    if layout.is_none_or(|layout| layout != LAYOUT.to_string()) {
        return Some(Err("another version of sharevar has made its variables".to_owned()));
    }
    let Ok(id) = u128::from_str_radix(&id, 16) else {
        return Some(Err("its identity is no number".to_owned()));
    };
    let count = reply::int(count).unwrap_or(0) as u64;
    let variables = count.saturating_sub((FIELDS.len() - missing) as u64);
    Some(Ok(Population { id, history: history.unwrap_or_default(), variables, clients: 0 }))
}

/// Asks how many clients a namespace has whose leases go on at that moment.
pub(super) fn ask_for_clients(questions: &mut Questions, name: &str, population: &Population, now: Duration) {
    questions.ask_words(&["ZCOUNT", &leases(name, population), &format!("({}", now.as_millis()), "+inf"]);
}

/// Whether another node of the cluster has it.
fn is_elsewhere(cause: &RedisError) -> bool {
    cause.kind() == ErrorKind::Server(ServerErrorKind::Moved)
}

/// The key of the leases of a namespace.
pub(super) fn leases(name: &str, population: &Population) -> String {
    format!("{}clients", prefix(name, population))
}

/// The beginning of the keys of a namespace.
pub(super) fn prefix(name: &str, population: &Population) -> String {
    key_prefix(name, &format!("{:032x}", population.id))
}
