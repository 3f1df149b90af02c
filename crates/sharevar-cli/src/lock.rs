//! A lock as the command shows it, whether it is in shared memory or on a server.

use crate::amount;
use crate::client::Client;
use serde_json::{Value as Json, json};
use sharevar::{Kind, LockHolder, LockInfo};
use sharevar_redis::{HolderSeen, LockSeen};
use std::collections::HashSet;
use std::time::Duration;

/// The state of a lock at some moment.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(crate) kind: Option<Kind>,
    /// Its holders, but for those that have ended.
    pub(crate) holders: Vec<Holder>,
    pub(crate) is_left_held: bool,
    pub(crate) held_for: Option<Duration>,
    pub(crate) has_waiters: bool,
    /// Those that are known to wait.
    pub(crate) waiting: Vec<Participant>,
    /// The facts that a server alone tells.
    pub(crate) on_server: Option<OnServer>,
}

/// The part of a lock that a server alone tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnServer {
    /// How many waiters there are beside those that are named.
    pub(crate) more_waiting: u64,
    /// The token of the last hold.
    pub(crate) token: Option<u64>,
    /// The units that are free, of a semaphore.
    pub(crate) free: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) participant: Participant,
    pub(crate) thread: Option<u32>,
    /// The units of a semaphore.
    pub(crate) units: u64,
    pub(crate) is_exclusive: bool,
}

/// A process that holds a lock, or waits for it.
#[derive(Debug, Clone)]
pub(crate) enum Participant {
    /// One that has the manager in shared memory; `None` in another pid namespace.
    Process(Option<u32>),
    /// One that a server knows.
    Client(Client),
}

impl Lock {
    /// A lock in shared memory.
    pub(crate) fn of(kind: Option<Kind>, info: LockInfo) -> Self {
        let holder = |LockHolder { process, thread, units, is_exclusive, .. }| Holder {
            participant: Participant::Process(process),
            thread,
            units,
            is_exclusive,
        };
        Self {
            kind,
            holders: info.holders.into_iter().map(holder).collect(),
            is_left_held: info.is_left_held,
            held_for: info.held_for,
            has_waiters: info.has_waiters,
            waiting: info.waiting.into_iter().map(|process| Participant::Process(Some(process))).collect(),
            on_server: None,
        }
    }

    /// A lock on a server, whose holders and waiters are among these clients, which are in the order of
    /// their names.
    pub(crate) fn on_server(kind: Option<Kind>, seen: LockSeen, clients: &[Client]) -> Self {
        let participant = |name: String| {
            let known = clients.binary_search_by(|client| client.name.cmp(&name)).ok();
            Participant::Client(known.map_or_else(|| Client::unknown(name), |place| clients[place].clone()))
        };
        let holder = |HolderSeen { client, thread, units, is_exclusive, .. }| Holder {
            participant: participant(client),
            thread,
            units,
            is_exclusive,
        };
        let LockSeen { mut waiting, more_waiting, token, free, holders, .. } = seen;
        let mut named = HashSet::new();
        waiting.retain(|client| named.insert(client.clone()));
        Self {
            kind,
            holders: holders.into_iter().map(holder).collect(),
            is_left_held: false,
            held_for: None,
            has_waiters: !waiting.is_empty() || more_waiting > 0,
            waiting: waiting.into_iter().map(participant).collect(),
            on_server: Some(OnServer { more_waiting, token, free }),
        }
    }

    /// A lock as JSON. A server's has members of its own, and numbers of processes only beside their machines.
    pub(crate) fn described(&self, name: &str) -> Json {
        let holders: Vec<_> = self.holders.iter().map(Holder::described).collect();
        let mut described = json!({
            "name": name, "kind": self.kind.map_or("unknown", Kind::name), "holders": holders,
            "is_left_held": self.is_left_held, "held_for": self.held_for.map(|time| time.as_secs_f64()),
            "has_waiters": self.has_waiters,
        });
        let waiting = self.waiting.iter().map(Participant::described);
        if let Some(OnServer { more_waiting, token, free }) = self.on_server {
            described["waiting"] = Json::Null;
            described["waiting_clients"] = waiting.collect();
            described["more_waiting"] = json!(more_waiting);
            described["token"] = json!(token);
            described["free"] = json!(free);
        } else {
            described["waiting"] = waiting.collect();
        }
        described
    }

    /// The holders, for people. A semaphore may have no unit left, and no holder either.
    pub(crate) fn holders(&self) -> String {
        let mut holders: Vec<_> = self.holders.iter().map(Holder::shown).collect();
        let free = self.on_server.as_ref().and_then(|lock| lock.free);
        if let Some(free) = free {
            holders.push(format!("{free} free"));
        }
        match holders.is_empty() {
            true if self.is_left_held => "has ended".to_owned(),
            true if self.kind == Some(Kind::Semaphore) => "none".to_owned(),
            true => "free".to_owned(),
            false => holders.join(", "),
        }
    }

    /// For how long at least, as far as it is known.
    pub(crate) fn held_for(&self) -> String {
        self.held_for.filter(|_| !self.holders.is_empty()).map_or(String::new(), amount::time)
    }

    /// The processes that wait, as far as they are known.
    pub(crate) fn waiters(&self) -> String {
        let mut waiting: Vec<_> = self.waiting.iter().map(Participant::shown).collect();
        match self.on_server.as_ref().map_or(0, |lock| lock.more_waiting) {
            0 => {}
            more => waiting.push(format!("{more} more")),
        }
        match (self.has_waiters, waiting.is_empty()) {
            (false, _) => "none".to_owned(),
            (true, true) => "some".to_owned(),
            (true, false) => waiting.join(", "),
        }
    }

    /// The token of the last hold, if the lock is on a server and was ever taken.
    pub(crate) fn token(&self) -> Option<u64> {
        self.on_server.as_ref()?.token
    }
}

impl Holder {
    fn described(&self) -> Json {
        let mut described = json!({
            "process": null, "thread": self.thread, "units": self.units, "is_exclusive": self.is_exclusive,
        });
        match &self.participant {
            Participant::Process(process) => described["process"] = json!(process),
            Participant::Client(client) => {
                described["client"] = json!(client.name);
                described["machine"] = json!(client.machine);
                described["process"] = json!(client.process);
                described["lease_left"] = json!(client.lease_left.map(|time| time.as_secs_f64()));
            }
        }
        described
    }

    fn shown(&self) -> String {
        let thread = self.thread.map_or(String::new(), |thread| format!(" thread {thread}"));
        let units = if self.units > 1 { format!(" x {}", self.units) } else { String::new() };
        format!("{}{thread}{units}", self.participant.shown())
    }
}

impl Participant {
    fn described(&self) -> Json {
        match self {
            Self::Process(process) => json!(process),
            Self::Client(client) => json!({
                "client": client.name, "machine": client.machine, "process": client.process,
            }),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Process(process) => process.map_or("elsewhere".to_owned(), |process| process.to_string()),
            Self::Client(client) => client.shown(),
        }
    }
}
