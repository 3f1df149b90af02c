//! Looks at a server from outside its variables, for tools.

use crate::address::{Address, Shape};
use crate::error::{corrupt, refused};
use crate::place::Place;
use crate::reply;
use crate::server::{self, Settings, Verdict};
use redis::{Cmd, Connection, ConnectionAddr, Value};
use sharevar::Result;
use sharevar::engine::Failure;

/// The most keys that the server looks at before it serves another client.
const PAGE: u32 = 1000;

fn open(address: &Address) -> Result<Connection> {
    if address.shape != Shape::Single {
        return Err(refused(&address.shown, "name one of the servers, by redis://"));
    }
    let client = redis::Client::open(address.nodes[0].clone());
    server::open(
        &client.map_err(|_| refused(&address.shown, "the client does not take the address"))?,
        address,
        address.timeout,
    )
}

fn ask(connection: &mut Connection, address: &Address, command: &Cmd) -> Result<Value> {
    let answer = command.query(connection);
    answer.map_err(|cause| {
        let address = address.shown.clone();
        Failure::Unavailable { address, cause: cause.to_string() }.into()
    })
}

/// Returns the namespaces on a server, in the order of their names. The one in the address does not matter.
///
/// # Errors
/// [`Failure`].
pub fn namespaces(address: &str) -> Result<Vec<String>> {
    let address = Address::parse(address)?;
    let mut connection = open(&address)?;
    let (mut found, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor).arg("MATCH").arg("sv:{*}").arg("COUNT").arg(PAGE);
        let [next, keys] = reply::parts(ask(&mut connection, &address, &scan)?)?;
        for key in reply::list(keys)? {
            let key = reply::text(key)?.unwrap_or_default();
            let namespace = key.strip_prefix("sv:{").and_then(|rest| rest.strip_suffix('}'));
            found.extend(namespace.map(str::to_owned));
        }
        cursor = reply::text(next)?.ok_or(corrupt("a scan has a cursor"))?;
        if cursor == "0" {
            break;
        }
    }
    found.sort();
    // A key may come twice.
    found.dedup();
    Ok(found)
}

/// Returns whether any process has made the namespace of an address.
///
/// # Errors
/// [`Failure`].
pub fn is_there(address: &str) -> Result<bool> {
    let address = Address::parse(address)?;
    let mut exists = redis::cmd("EXISTS");
    exists.arg(format!("sv:{{{}}}", address.namespace));
    reply::yes(Place::default().ask(&address, &exists)?.0)
}

/// Returns what is to be known of a server before variables are entrusted to it: subjects, each with what is
/// good, or with a trap and its remedy.
///
/// # Errors
/// [`Failure`] if it cannot be asked.
pub fn inspect(address: &str) -> Result<Vec<(&'static str, Verdict)>> {
    let address = Address::parse(address)?;
    let mut connection = open(&address)?;
    let settings = Settings::of(&mut connection, &address)?;
    let scripts = server::scripts(&mut connection, &address);
    Ok(vec![
        ("version", server::version(&settings)),
        ("network", network(&address)),
        ("eviction", server::eviction(&settings)),
        ("memory", memory(&settings)),
        ("persistence", persistence(&settings)),
        ("role", server::role(&settings)),
        ("cluster", server::cluster(&settings)),
        ("scripts", scripts.map(|()| "it runs them".to_owned()).map_err(|error| error.to_string())),
    ])
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
