//! The hosts of a namespace by their names.

use super::endpoint::Endpoint;
use crate::history::Request;
use crate::lane::Failed;
use crate::namespace::Keys;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use redis::Value;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

scripts! { "../lua/relay.lua":
    ANNOUNCE = "announce";
    RENOUNCE = "renounce";
    SEEK = "seek";
}

/// How often a name is looked at that another host has.
const PAUSE: Duration = Duration::from_millis(50);

fn failed(session: &Session, failed: Failed) -> io::Error {
    io::Error::other(session.error(failed).to_string())
}

/// Makes this process the host of a name. The client that is it otherwise, with the end of its lease.
pub(crate) fn announce(
    endpoint: &Endpoint,
    session: &Arc<Session>,
    name: &str,
) -> io::Result<Option<(String, String)>> {
    let key = [session.namespace.hosts_key()];
    let args = |command: &mut Request| {
        command.arg(name).arg(&session.client);
    };
    let keys = Keys { more: &key, ..Keys::default() };
    let done = session.ask_with_shortfall(&ANNOUNCE, keys, args);
    let done = done.map_err(|cause| failed(session, cause))?;
    if let Value::Array(_) = done.value {
        let [known, end] = reply::parts(done.value).map_err(io::Error::other)?;
        let texts = (reply::text(known).ok().flatten(), reply::text(end).ok().flatten());
        return Ok(Some((texts.0.unwrap_or_default(), texts.1.unwrap_or_default())));
    }
    if let Some(cause) = done.shortfall {
        renounce(endpoint, session, name);
        return Err(io::Error::other(format!("the name is not safe from a failover: {cause}")));
    }
    Ok(None)
}

/// Makes this process the host of a name once more, if it is to be that still: the name may have been given up
/// meanwhile, and would stay taken.
pub(crate) fn announce_again(endpoint: &Endpoint, session: &Arc<Session>, name: &str) {
    let _ = announce(endpoint, session, name);
    let is_given_up = !endpoint.state().accept_queues.contains_key(name);
    if is_given_up {
        renounce(endpoint, session, name);
    }
}

/// Makes this process the host of a name, once no other is. A host that has died has its name until its lease is
/// over; one whose lease is renewed meanwhile lives.
pub(crate) fn take(endpoint: &Endpoint, session: &Arc<Session>, name: &str) -> io::Result<()> {
    let mut first = None;
    while let Some(other) = announce(endpoint, session, name)? {
        if *first.get_or_insert_with(|| other.clone()) != other {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("a host with the name {name:?} lives in this namespace"),
            ));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Gives a name up. After a failure it is free when the lease ends.
pub(crate) fn renounce(endpoint: &Endpoint, session: &Arc<Session>, name: &str) {
    let key = [session.namespace.hosts_key()];
    let _ = endpoint.ask(session, &RENOUNCE, &key, |command| {
        command.arg(name).arg(&session.client);
    });
}

/// The client that is the host of a name.
pub(crate) fn seek(endpoint: &Endpoint, session: &Arc<Session>, name: &str) -> io::Result<String> {
    let key = [session.namespace.hosts_key()];
    let found = endpoint.ask(session, &SEEK, &key, |command| {
        command.arg(name);
    });
    let missing = |cause: String| io::Error::new(io::ErrorKind::NotFound, cause);
    match found.map_err(|cause| failed(session, cause))? {
        Value::Array(parts) => {
            let [client, is_live] = reply::parts(Value::Array(parts)).map_err(io::Error::other)?;
            if !reply::yes(is_live).unwrap_or(false) {
                return Err(missing(format!("the host with the name {name:?} has ended")));
            }
            let client = reply::text(client).ok().flatten();
            client.ok_or_else(|| io::Error::other("the server names no client"))
        }
        _ => Err(missing(format!("this namespace has no host with the name {name:?}"))),
    }
}
