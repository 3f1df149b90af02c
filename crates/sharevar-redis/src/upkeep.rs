//! The thread that renews a client's lease, and that frees what is dead.

use crate::departures;
use crate::lane::Failed;
use crate::namespace::{ALL_PARTS, Keys};
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use redis::Value;
use sharevar::{Error, Result};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

scripts! { "lua/home.lua":
    TICK = "tick";
    SWEEP = "sweep";
    REAP = "reap";
}

/// The longest that a handle is kept which was given up.
const RELEASE: Duration = Duration::from_secs(1);
/// What is added to a lease for the time in which others notice its end.
const LATE: Duration = Duration::from_secs(2);
/// Steps of one turn, after which the lease is looked at again.
const STEPS: usize = 200;

/// Starts the thread, which ends with the session or the namespace.
pub(crate) fn start(session: &Arc<Session>) -> Result<()> {
    let session = session.clone();
    let thread = thread::Builder::new().name("sharevar-lease".to_owned());
    let started = thread.spawn(move || run(&session));
    let failed =
        |cause: std::io::Error| Error::Process { what: "starting a thread", cause: cause.to_string() };
    started.map(drop).map_err(failed)
}

fn run(session: &Session) {
    let lease = session.namespace.address.lease;
    while session.is_current() && !session.namespace.has_closed() {
        // A failure is tried again with the next turn; a lease that has ended shows in operations.
        let _ = session.flush();
        let renewed = turn(session);
        departures::finish(session);
        match renewed {
            Ok(true) => {}
            Ok(false) => session.rest(lease / 3, RELEASE.min(lease / 3)),
            // A long lease is no reason to let others wait for what is to be told.
            Err(_) => session.rest(RELEASE.min(lease / 20), RELEASE.min(lease / 20)),
        }
    }
}

/// Renews the lease, and frees some of what is dead. Returns whether there may be more.
pub(crate) fn turn(session: &Session) -> Result<bool> {
    let lease = session.namespace.address.lease.as_millis() as u64;
    let told = session
        .ask(&TICK, Keys::default(), |command| {
            command.arg(lease).arg(&session.client);
        })
        .map_err(|failed| session.error(failed))?;
    let [ended, dead] = reply::parts(told)?;
    let mut is_busy = false;
    if let Some(client) = reply::text(ended)? {
        is_busy = sweep(session, &client)?;
    }
    for number in reply::list(dead)? {
        reap(session, reply::number(number)?)?;
        is_busy = true;
    }
    Ok(is_busy)
}

/// Gives up what a client held whose lease has ended.
fn sweep(session: &Session, client: &str) -> Result<bool> {
    for _ in 0..STEPS {
        let left = give_up(session, client, "0");
        if reply::int(left.map_err(|failed| session.error(failed))?)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives up some of what a client holds; `is_over` is `1` if its lease is to end, too. Whether something is left.
fn give_up(session: &Session, client: &str, is_over: &str) -> std::result::Result<Value, Failed> {
    let namespace = &session.namespace;
    let keys = [namespace.client_key(client), namespace.inbox_key(client), namespace.hosts_key()];
    // Within this the senders of what is in the inbox notice that the lease is over.
    let stays = (namespace.address.lease + LATE).as_millis() as u64;
    session.ask(&SWEEP, Keys { more: &keys, ..Keys::default() }, |command| {
        command.arg(client).arg(is_over).arg(stays);
    })
}

/// Takes a dead variable apart.
fn reap(session: &Session, number: u64) -> Result<()> {
    for _ in 0..STEPS {
        let keys = Keys { number, parts: ALL_PARTS, ..Keys::default() };
        let left = session.ask(&REAP, keys, |command| {
            command.arg(number);
        });
        if reply::int(left.map_err(|failed| session.error(failed))?)? == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Gives up what this client holds, as it ends.
pub(crate) fn end(session: &Session) {
    for _ in 0..STEPS {
        let left = give_up(session, &session.client, "1");
        // After a failure others do it when the lease ends.
        if left.is_err() || left.is_ok_and(|left| reply::int(left) == Ok(0)) {
            return;
        }
    }
}
