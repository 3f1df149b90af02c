//! What a look at a server has seen.

use sharevar::Kind;
use std::time::Duration;

/// A server, or the primaries of a cluster, at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerSeen {
    /// Bytes of memory in use, for variables and all else.
    pub used: u64,
    /// The most bytes that there may be, if the server has a limit.
    pub limit: Option<u64>,
    /// The namespaces that were asked for, by their names.
    pub namespaces: Vec<NamespaceSeen>,
    /// Why some nodes of a cluster tell nothing, if they do not.
    pub problem: Option<String>,
    /// The time that the look has taken the server.
    pub cost: Duration,
}

/// A namespace.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NamespaceSeen {
    /// Its name.
    pub name: String,
    /// Its identity and its population, or the reason why they are not known.
    pub state: Result<Population, String>,
    /// Its inside, if that was asked for, or the reason why it is not known.
    pub inside: Option<Result<InsideSeen, String>>,
}

/// How many there are in a namespace. By default it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Population {
    /// The identity of the namespace.
    pub id: u128,
    /// The history of its changes: a failover begins another one, in which the same count may stand for other contents.
    pub history: String,
    /// The variables, with those that have no name.
    pub variables: u64,
    /// The clients whose lease goes on.
    pub clients: u64,
}

/// The inside of a namespace.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InsideSeen {
    /// The variables that have names, in the order in which they got them.
    pub variables: Vec<VariableSeen>,
    /// The clients, with those whose lease has ended and whose holds were not given up yet.
    pub clients: Vec<ClientSeen>,
}

/// A variable with a name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VariableSeen {
    /// Its name.
    pub name: String,
    /// The number by which the server knows it.
    pub number: u64,
    /// Its kind; `None` if a newer version made it.
    pub kind: Option<Kind>,
    /// The number of its keys, items, elements or attributes, if it is of a kind that has some.
    pub len: Option<u64>,
    /// The number of its changes in the history of the namespace, if it is of a kind that counts them.
    pub changes: Option<u64>,
    /// Bytes of memory of its keys, if the server tells them; those of a large one are estimated from samples.
    pub bytes: Option<u64>,
    /// Its state as a lock, if it is one; of a condition that of its lock.
    pub lock: Option<LockSeen>,
}

/// A lock, a semaphore, a readers-writer lock, or a monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockSeen {
    /// Its holders whose lease goes on.
    pub holders: Vec<HolderSeen>,
    /// The clients that wait, of at most sixteen waiters; a client that waits several times is here as often.
    pub waiting: Vec<String>,
    /// How many waiters there are beside these, with those whose client has ended.
    pub more_waiting: u64,
    /// The token of the last hold, of a lock or a recursive lock that was ever taken.
    pub token: Option<u64>,
    /// The units that are free, of a semaphore.
    pub free: Option<u64>,
}

/// A client that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HolderSeen {
    /// Its name.
    pub client: String,
    /// The number of its thread, counted from 1, if the lock belongs to a thread.
    pub thread: Option<u32>,
    /// The units of a semaphore, or the reading threads of a readers-writer lock; 1 of any other lock.
    pub units: u64,
    /// Whether it keeps all others out.
    pub is_exclusive: bool,
}

/// A client, as a namespace knows it: a process that uses its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientSeen {
    /// Its name.
    pub client: String,
    /// The name of its machine, as the process knows it.
    pub machine: Option<String>,
    /// The number of its process on that machine.
    pub process: Option<u32>,
    /// For how long the namespace has known it, in full seconds.
    pub known_for: Option<Duration>,
    /// The rest of its lease; zero if that has ended.
    pub lease_left: Duration,
}
