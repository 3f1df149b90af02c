//! The engine of [`sharevar`] on Redis (7.0 or newer) and Valkey: the same variables, for programs on
//! several machines.
//!
//! ```no_run
//! sharevar_redis::register();
//! let manager = sharevar::Manager::connect("redis://localhost/0?namespace=shop")?;
//! let stock = manager.named("stock").dict::<String, i64>()?;
//! stock.increment("apples", 3)?;
//! # Ok::<(), sharevar::Error>(())
//! ```
//!
//! Each operation is one script, which the server runs as a whole. A request is numbered, and its answer is
//! kept with its effect, so that asking once more after a connection was cut applies it once. All keys of a
//! home have one hash tag.
//!
//! | module | concept |
//! |---|---|
//! | `address` | where a server is, and what a program chooses |
//! | `durability` | what has a change before it is acknowledged |
//! | `passwords` | those that this process was told, which no address that is passed on has |
//! | `sentinel` | servers that know which one is the primary |
//! | `primary` | a connection to it, and the waits until its changes are confirmed |
//! | `place` | which server has the home |
//! | `server` | which servers are refused |
//! | `nodes` | the primaries that an address leads to, for tools |
//! | `inspect` | the traps of a server |
//! | `survey` | looks at namespaces from outside, for tools |
//! | `random` | chance |
//! | `script` | scripts, in `lua/`, and their parts |
//! | `namespace`, `number` | a namespace on its server, with its keys; the numbers of variables in it |
//! | `history` | which changes a server has had: counts mean something in one history alone |
//! | `lane` | one connection, and the numbers of its requests |
//! | `listener` | wake-ups from the server |
//! | `session` | a client as the server knows it: its lease, its requests, and what it holds |
//! | `holds` | the locks that this process has, as it sees that itself |
//! | `named_holds` | the holds of readers-writer locks, told from each other by names |
//! | `departures` | the ends of holds and of monitors' methods that the server may not know |
//! | `upkeep` | the thread that renews the lease and frees what is dead |
//! | `client` | this process: one session, and another one after a fork |
//! | `variable`, `stored`, `reply` | a handle; values as the server has them; its answers |
//! | `waits` | waiting |
//! | `inside` | the threads of this process that are in methods of monitors |
//! | `kinds` | the operations on each kind |
//! | `home`, `names` | the variables of one namespace, and those that have names |
//! | `relay` | hosts of objects that are found through the server, and connections to them |

#![forbid(unsafe_code)]

mod address;
mod client;
mod departures;
mod durability;
mod error;
mod fork_gate;
mod history;
mod holds;
mod home;
mod inside;
mod inspect;
mod kinds;
mod lane;
mod listener;
mod mutex;
mod named_holds;
mod names;
mod namespace;
mod nodes;
mod number;
mod passwords;
mod place;
mod primary;
mod random;
mod relay;
mod repetition;
mod reply;
mod script;
mod sent;
mod sentinel;
mod server;
mod session;
mod stored;
mod survey;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod upkeep;
mod variable;
mod waits;

pub use inspect::{inspect, is_there};
pub use passwords::{add_passwords, known_passwords};
pub use survey::{
    ClientSeen, HolderSeen, InsideSeen, LockSeen, NamespaceSeen, Population, ServerSeen, Survey, VariableSeen,
};

use sharevar::engine::Engine;
use std::sync::Arc;

/// Makes [`Manager::connect`](sharevar::Manager::connect) take addresses of servers: `redis://`,
/// `rediss://` (with TLS; the feature `tls`), `redis+unix://`, `redis+cluster://host:port,host:port` or
/// `rediss+cluster://` for a cluster, of which any node may be named, and
/// `redis+sentinel://host:port,host:port/service/database` or `rediss+sentinel://` for the primary that
/// sentinels know.
///
/// | option | meaning |
/// |---|---|
/// | `namespace` | which variables; those of others are not seen. `sharevar` if it is left out |
/// | `lease` | seconds after which the locks of a process that is not heard of are others'; 10 |
/// | `timeout` | seconds to wait for an answer; 5 |
/// | `durability` | what has a change before it is acknowledged: `fast`, `replicated` or `disk` |
/// | `replicas` | how many replicas may be promoted, for a server that is named by its own address |
/// | `db` | the database, of a socket |
/// | `insecure=1` | a server on another machine without TLS |
/// | `pickle=1` | Python programs store and read values of no native type, if the process that made the namespace said so |
///
/// The same addresses lead to hosts of objects (`sharevar::hosted`), with one more option: `host`, the name
/// of the host in the namespace.
///
/// An address without a password has that which this process knows of the same user and server, else that
/// in the environment, `SHAREVAR_REDIS_PASSWORD`.
pub fn register() {
    for scheme in address::SCHEMES {
        sharevar::engine::register(scheme, connect);
        sharevar_transport::register_relay(scheme, &relay::Server);
    }
}

/// Ends the connections of this process to hosts, and its own hosts, that go through servers. It is called by
/// itself when a process returns from `main` or calls `exit`: for one that ends without that. Without it the
/// other sides learn of the end when the lease is over.
pub fn end_relayed_connections() {
    relay::end_all();
}

/// Expects that a text is the address of a server, whether it can be reached or not.
///
/// # Errors
/// [`Failure::Refused`](sharevar::engine::Failure::Refused), in [`Error::Engine`](sharevar::Error::Engine).
///
/// ```
/// assert!(sharevar_redis::check_address("redis://localhost/0").is_ok());
/// assert!(sharevar_redis::check_address("localhost").is_err());
/// ```
pub fn check_address(address: &str) -> sharevar::Result<()> {
    address::Address::parse(address).map(drop)
}

fn connect(address: &str) -> sharevar::Result<Arc<dyn Engine>> {
    Ok(home::Home::connect(address::Address::parse(address)?)?)
}

#[cfg(doctest)]
#[doc = include_str!("../docs/several-machines.md")]
struct SeveralMachines;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
