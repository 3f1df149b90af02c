//! The clients of a namespace, and their leases.

use super::exchange::{Answer, Questions};
use super::seen::ClientSeen;
use crate::reply;
use redis::Value;
use std::collections::HashMap;
use std::time::Duration;

/// The ends of the leases of clients, since 1970.
#[derive(Debug, Default)]
pub(super) struct Leases {
    ends: HashMap<String, Duration>,
    now: Duration,
}

impl Leases {
    /// Those of an answer with names and scores, at that moment.
    pub(super) fn of(answer: Value, now: Duration) -> Self {
        let mut parts = reply::list(answer).unwrap_or_default().into_iter();
        let mut ends = HashMap::new();
        while let (Some(client), Some(end)) = (parts.next(), parts.next()) {
            let end = reply::number::<f64>(end).unwrap_or(0.0).max(0.0);
            let client = reply::text(client).ok().flatten();
            ends.extend(client.map(|client| (client, Duration::from_millis(end as u64))));
        }
        Self { ends, now }
    }

    /// Whether a client's lease goes on.
    pub(super) fn is_living(&self, client: &str) -> bool {
        self.ends.get(client).is_some_and(|end| *end > self.now)
    }

    /// Whether a client is known, whether its lease goes on or not.
    pub(super) fn has(&self, client: &str) -> bool {
        self.ends.contains_key(client)
    }

    /// Asks for the description of a client.
    pub(super) fn ask(questions: &mut Questions, prefix: &str, client: &str) {
        questions.ask_words(&["HMGET", &format!("{prefix}{client}"), "machine", "process", "since"]);
    }

    /// A client as it describes itself.
    pub(super) fn seen(&self, client: String, answer: Answer) -> ClientSeen {
        let fields = answer.ok().and_then(|answer| reply::parts(answer).ok());
        let [machine, process, since] = fields.unwrap_or([Value::Nil, Value::Nil, Value::Nil]);
        let since = reply::number(since).ok().map(Duration::from_secs);
        let end = self.ends.get(&client).copied().unwrap_or_default();
        ClientSeen {
            machine: reply::text(machine).ok().flatten(),
            process: reply::number(process).ok(),
            known_for: since.map(|since| Duration::from_secs(self.now.as_secs()).saturating_sub(since)),
            lease_left: end.saturating_sub(self.now),
            client,
        }
    }
}
