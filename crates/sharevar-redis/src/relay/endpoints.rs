//! The endpoints of this process, by the addresses of their namespaces.

use super::endpoint::{Endpoint, Note, Step};
use super::{receiver, sender};
use crate::address::Address;
use crate::fork_gate;
use crate::random::random;
use crate::upkeep;
use sharevar_os::at_exit;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether hosts have finished.
const PAUSE: Duration = Duration::from_millis(2);

static ENDPOINTS: Mutex<Option<HashMap<String, Arc<Endpoint>>>> = Mutex::new(None);

fn with_endpoints<R>(act: impl FnOnce(&mut HashMap<String, Arc<Endpoint>>) -> R) -> R {
    let _no_fork = fork_gate::enter();
    act(ENDPOINTS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Puts one that is no more of use away. It is not dropped under the lock, since forks wait for that.
fn put_away(endpoint: Option<Arc<Endpoint>>) {
    if let Some(endpoint) = endpoint
        && !endpoint.is_ours()
    {
        // Its locks may be taken for ever, by threads that this process does not have.
        std::mem::forget(endpoint);
    }
}

fn is_of_use(endpoint: &Endpoint) -> bool {
    endpoint.is_ours() && !endpoint.is_over()
}

/// The endpoint of this process in a namespace. A new one has its threads.
pub(crate) fn of(address: &Address) -> io::Result<Arc<Endpoint>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| at_exit(at_the_end));
    let known = |known: &mut HashMap<_, Arc<Endpoint>>| known.get(&address.text).cloned();
    match with_endpoints(known) {
        Some(found) if is_of_use(&found) => return Ok(found),
        other => put_away(other),
    }
    let made = Arc::new(Endpoint::new(address).map_err(|cause| io::Error::other(cause.to_string()))?);
    let (used, replaced) = with_endpoints(|known| match known.get(&address.text) {
        Some(other) if is_of_use(other) => (other.clone(), None),
        _ => (made.clone(), known.insert(address.text.clone(), made.clone())),
    });
    put_away(replaced);
    if !Arc::ptr_eq(&used, &made) {
        // Another thread was faster.
        end(&made);
        return Ok(used);
    }
    let start = |name: &str, run: fn(&Endpoint)| {
        let endpoint = made.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || run(&endpoint)).map(drop)
    };
    let started =
        start("sharevar-receiver", receiver::run).and_then(|()| start("sharevar-sender", sender::run));
    started.inspect_err(|_| end(&made))?;
    Ok(made)
}

/// The number of a client's end of a new connection.
pub(crate) fn number() -> u64 {
    // 0 is no connection's.
    (random() as u64 & !1).max(2)
}

/// Waits until clients have been sent what hosts of this process owe them, or for as long as the server's timeout.
/// After that clients are told that their connections have ended.
fn finish(endpoint: &Endpoint) {
    let until = Instant::now() + endpoint.address.timeout;
    while !endpoint.is_over() && endpoint.state().owes() && Instant::now() < until {
        thread::sleep(PAUSE);
    }
}

/// Ends an endpoint, and tells its peers.
fn end(endpoint: &Endpoint) {
    let session = endpoint.session();
    // A server that is gone is not waited for.
    let is_reachable = session.is_current() && session.namespace.connect().is_ok();
    if is_reachable {
        finish(endpoint);
    }
    let (session, steps) = {
        let state = &mut *endpoint.state();
        let open: Vec<(String, u64)> = state
            .connections
            .values()
            .map(|connection| (connection.peer.clone(), connection.number))
            .collect();
        for (peer, number) in open {
            state.note_close(&peer, number);
        }
        let notes: Vec<Note> = std::mem::take(&mut state.notes);
        endpoint.end(state);
        (state.session.clone(), notes.into_iter().map(Step::Note).collect::<Vec<_>>())
    };
    if is_reachable && session.is_current() {
        let told = steps.is_empty() || endpoint.push(&session, &steps).is_ok();
        if told {
            upkeep::end(&session);
        }
    }
    // After a failure the peers notice when the lease ends.
    session.lose();
}

/// Ends those of this process: it ends.
pub(crate) fn end_all() {
    let all: Vec<_> = with_endpoints(|known| known.drain().map(|(_, endpoint)| endpoint).collect());
    for endpoint in all {
        if is_of_use(&endpoint) {
            end(&endpoint);
        }
        put_away(Some(endpoint));
    }
}

extern "C" fn at_the_end() {
    end_all();
}
