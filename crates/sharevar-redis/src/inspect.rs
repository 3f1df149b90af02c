//! Looks at a server from outside its variables, for tools.

use crate::address::{Address, Shape};
use crate::nodes::{self, Node};
use crate::place::Place;
use crate::reply;
use crate::server::{self, Settings, Verdict};
use redis::ConnectionAddr;
use sharevar::Result;

/// Returns whether any process has made the namespace of an address.
///
/// # Errors
/// [`Failure`](sharevar::engine::Failure).
pub fn is_there(address: &str) -> Result<bool> {
    let address = Address::parse(address)?;
    let mut exists = redis::cmd("EXISTS");
    exists.arg(format!("sv:{{{}}}", address.namespace));
    reply::yes(Place::default().ask(&address, &exists)?.0)
}

/// Returns what is to be known of a server before variables are entrusted to it, or of each primary of a cluster:
/// subjects, each with what is good, or with a trap and its remedy.
///
/// # Errors
/// [`Failure`](sharevar::engine::Failure) if it cannot be asked.
pub fn inspect(address: &str) -> Result<Vec<(String, Verdict)>> {
    let address = Address::parse(address)?;
    let mut seen = Vec::new();
    for Node { shown, connection } in nodes::connect(&address)? {
        let found = connection.and_then(|mut connection| {
            let settings = Settings::of(&mut connection, &address)?;
            let scripts = server::scripts(&mut connection, &address);
            let scripts = scripts.map(|()| "it runs them".to_owned()).map_err(|error| error.to_string());
            Ok(verdicts(&settings, scripts, &address))
        });
        let subject = |subject: &str| {
            if address.shape == Shape::Cluster { format!("{shown}, {subject}") } else { subject.to_owned() }
        };
        match found {
            Ok(found) => seen.extend(found.into_iter().map(|(about, verdict)| (subject(about), verdict))),
            // Other nodes may be in order.
            Err(error) if address.shape == Shape::Cluster => {
                seen.push((subject("server"), Err(error.to_string())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

fn verdicts(settings: &Settings, scripts: Verdict, address: &Address) -> Vec<(&'static str, Verdict)> {
    let is_in_cluster = address.shape == Shape::Cluster;
    vec![
        ("version", server::version(settings)),
        ("network", network(address)),
        ("eviction", server::eviction(settings)),
        ("memory", memory(settings)),
        ("persistence", persistence(settings)),
        ("role", if address.shape == Shape::Single { server::role(settings) } else { known_role(settings) }),
        ("cluster", if is_in_cluster { server::in_cluster(settings) } else { server::cluster(settings) }),
        ("scripts", scripts),
    ]
}

/// The role of a server whose service or cluster knows its replicas.
fn known_role(settings: &Settings) -> Verdict {
    match (settings.get("role"), settings.get("connected_slaves")) {
        ("master", "" | "0") => Err("a primary without replicas: what it has is lost with it".to_owned()),
        ("master", count) => Ok(format!("a primary with {count} replicas")),
        _ => Err("it is a replica by now; look again".to_owned()),
    }
}

fn network(address: &Address) -> Verdict {
    match address.nodes[0].addr() {
        ConnectionAddr::Unix(_) => Ok("a socket of this machine".to_owned()),
        ConnectionAddr::TcpTls { .. } => {
            Ok("TLS, and the name in the server's certificate is right".to_owned())
        }
        _ if address.is_insecure => {
            Err("others can read and change what goes over the network (insecure=1); use rediss://"
                .to_owned())
        }
        _ => Ok("plaintext, inside of this machine".to_owned()),
    }
}

fn memory(settings: &Settings) -> Verdict {
    let number = |name| settings.get(name).parse::<u64>().unwrap_or(0);
    let (used, most) = (number("used_memory"), number("maxmemory"));
    let (used_text, most_text) = (settings.get("used_memory_human"), settings.get("maxmemory_human"));
    match most {
        0 => Ok(format!("{used_text} are in use, and there is no limit (maxmemory)")),
        _ if used > most / 10 * 9 => Err(format!(
            "{used_text} of {most_text} are in use; operations that need more fail. Raise maxmemory"
        )),
        _ => Ok(format!("{used_text} of {most_text} are in use")),
    }
}

fn persistence(settings: &Settings) -> Verdict {
    match settings.get("aof_enabled") {
        "1" if settings.get("aof_last_write_status") == "err" => {
            Err("the last write of the append-only file failed: look at the server's disk and log".to_owned())
        }
        "1" => Ok("an append-only file, so that a server which is started again has its data".to_owned()),
        _ => Err(
            "a server that is started again has lost all or its latest changes, and then no client takes \
             it for the same; set appendonly to yes"
                .to_owned(),
        ),
    }
}
