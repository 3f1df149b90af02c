//! A namespace on its server: its identity, its keys, and the connections that lead there.

use crate::address::Address;
use crate::durability::Durability;
use crate::error::{Answer, corrupt, refused};
use crate::history::{Histories, History};
use crate::place::Place;
use crate::primary::Primary;
use crate::reply;
use crate::script::scripts;
use redis::{Cmd, Connection};
use sharevar::Result;
use sharevar::engine::{Failure, Pickles};
use sharevar_value::HashSeed;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

scripts! { "lua/home.lua":
    FIND = "find";
}

/// The layout of the keys, which changes with what stands in them.
pub(crate) const LAYOUT: u32 = 1;
/// The keys that a variable of any kind can have, by letters; `m` is itself.
pub(crate) const ALL_PARTS: &str = "mdokwpj";

/// A namespace that was found.
pub(crate) struct Namespace {
    pub(crate) address: Address,
    pub(crate) place: Place,
    pub(crate) id: u128,
    pub(crate) id_text: String,
    histories: Histories,
    /// Of this process's indexes of keys; the server compares keys by their bytes.
    pub(crate) seed: HashSeed,
    pub(crate) pickles: Pickles,
    is_closed: AtomicBool,
}

/// The keys of a variable that a script is about, and their variable.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keys<'a> {
    pub(crate) number: u64,
    /// A letter for each; `m` is the variable itself.
    pub(crate) parts: &'a str,
    pub(crate) more: &'a [String],
    pub(crate) fence: Option<&'a Fence>,
    /// The longest that replicas and disks are waited for, if it is not for the address to say.
    pub(crate) patience: Option<Duration>,
    /// The number of the history in which the request is to be carried out, if only there.
    pub(crate) history: Option<u16>,
}

/// The lock that a request is fenced by, and the token of the hold.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) lock: u64,
    pub(crate) token: String,
}

impl Namespace {
    /// Finds that of an address, or makes it with that identity.
    pub(crate) fn find(address: Address, new_id: u128) -> Result<Self> {
        let place = Place::default();
        let root = root_key(&address.namespace);
        let mut command = redis::cmd("EVAL");
        command.arg(&FIND.text).arg(1).arg(&root).arg(format!("{new_id:032x}")).arg(LAYOUT);
        command.arg(u8::from(address.takes_pickles));
        let (found, primary) = place.ask(&address, &command)?;
        if address.durability == Some(Durability::Replicated) && primary.replicas() == 0 {
            let cause = "there is no replica that could be promoted, so that nothing can be replicated";
            return Err(refused(&address.shown, cause));
        }
        let [id, layout, pickles] = reply::parts(found)?;
        let id_text = reply::text(id)?.ok_or(corrupt("a home has an identity"))?;
        if reply::number::<u32>(layout)? != LAYOUT {
            let cause = "another version of sharevar has made its variables; use that, or another namespace";
            return Err(refused(&address.shown, cause));
        }
        let id = u128::from_str_radix(&id_text, 16).map_err(|_| corrupt("a home's identity is a number"))?;
        let are_allowed = reply::text(pickles)?.as_deref() == Some("1");
        let pickles = Pickles { are_allowed, are_accepted: are_allowed && address.takes_pickles };
        let (seed, is_closed) = (HashSeed::new(id as u64), AtomicBool::new(false));
        let histories = Histories::default();
        Ok(Self { address, place, id, id_text, histories, seed, pickles, is_closed })
    }

    /// A connection to a server that was in order.
    pub(crate) fn connect(&self) -> std::result::Result<Primary, Failure> {
        self.place.connect(&self.address).map_err(|error| self.address.failure(error))
    }

    /// Learns the history of the server of a connection. A node to which the keys are on their way
    /// (`is_borrowed`) takes one request after each announcement.
    pub(crate) fn learn_history(
        &self,
        connection: &mut Connection,
        is_borrowed: bool,
    ) -> std::result::Result<History, Answer> {
        let announce = |connection: &mut Connection| {
            let asking = redis::cmd("ASKING");
            if is_borrowed { asking.exec(connection).map_err(Answer::NotNow) } else { Ok(()) }
        };
        announce(connection)?;
        let learned = self.histories.learn(connection, &self.root_key(), &self.id_text)?;
        announce(connection)?;
        Ok(learned)
    }

    /// Whether it was closed, as far as this process has heard.
    pub(crate) fn has_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn set_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Writes the number of keys, and the keys: those of the namespace, and those of a variable.
    pub(crate) fn write_keys(&self, command: &mut Cmd, client: &str, keys: Keys<'_>) {
        let prefix = self.prefix();
        let count = 4 + keys.parts.len() + keys.more.len() + usize::from(keys.fence.is_some());
        command.arg(count).arg(self.root_key());
        command.arg(format!("{prefix}{client}")).arg(format!("{prefix}dead")).arg(format!("{prefix}clients"));
        for part in keys.parts.chars() {
            command.arg(self.key(keys.number, part));
        }
        for key in keys.more {
            command.arg(key);
        }
        if let Some(fence) = keys.fence {
            command.arg(self.key(fence.lock, 'm'));
        }
    }

    /// The key of a part of a variable.
    pub(crate) fn key(&self, number: u64, part: char) -> String {
        variable_key(&self.prefix(), number, part)
    }

    pub(crate) fn client_key(&self, client: &str) -> String {
        format!("{}{client}", self.prefix())
    }

    /// The key of the entries for a client.
    pub(crate) fn inbox_key(&self, client: &str) -> String {
        format!("{}{client}:in", self.prefix())
    }

    /// The key of the hosts of objects, by their names.
    pub(crate) fn hosts_key(&self) -> String {
        format!("{}hosts", self.prefix())
    }

    pub(crate) fn name_keys(&self) -> [String; 2] {
        let prefix = self.prefix();
        [format!("{prefix}names"), format!("{prefix}names:o")]
    }

    pub(crate) fn root_key(&self) -> String {
        root_key(&self.address.namespace)
    }

    /// The beginning of all its keys but the root's.
    pub(crate) fn prefix(&self) -> String {
        key_prefix(&self.address.namespace, &self.id_text)
    }
}

/// The key of a namespace.
pub(crate) fn root_key(namespace: &str) -> String {
    format!("sv:{{{namespace}}}")
}

/// The beginning of all keys of a namespace with that identity, but the root's.
pub(crate) fn key_prefix(namespace: &str, id: &str) -> String {
    format!("sv:{{{namespace}}}:{id}:")
}

/// The key of a part of a variable.
pub(crate) fn variable_key(prefix: &str, number: u64, part: char) -> String {
    if part == 'm' { format!("{prefix}{number}") } else { format!("{prefix}{number}:{part}") }
}
