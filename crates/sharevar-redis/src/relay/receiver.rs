//! The thread that takes entries from the inbox, and hands their bytes to the programs' sockets.
//!
//! It waits for entries without taking them, so that none is lost with an answer. What is for a host it claims
//! before it hands it on: an entry is either claimed, or withdrawn by its client, which is told then that its
//! call was not begun.

use super::connection::Connection;
use super::endpoint::{Endpoint, State, open_session, socket_pair};
use super::entry::{Content, Entry, is_host_end};
use super::names;
use crate::lane::Failed;
use crate::reply;
use crate::script::scripts;
use crate::session::Session;
use crate::upkeep;
use redis::{Connection as ServerConnection, ConnectionLike, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

scripts! { "../lua/relay.lua":
    ATTEND = "attend";
    CLAIM = "claim";
}

/// The most entries that are read at a time.
const MOST_ENTRIES: usize = 16;
/// The longest time until peers that have ended are noticed after their leases.
const LONGEST: Duration = Duration::from_secs(1);
/// The pause before another attempt to reach the server.
const PAUSE: Duration = Duration::from_millis(100);

/// An entry with its identity in the inbox.
type Read = (String, Vec<u8>);

pub(crate) fn run(endpoint: &Endpoint) {
    loop {
        let session = endpoint.session();
        attend_session(endpoint, &session);
        if endpoint.is_over() {
            upkeep::end(&session);
            session.lose();
            return;
        }
        // The lease has ended, or the server has lost its data: peers take the connections for ended.
        if !begin_anew(endpoint) {
            return;
        }
    }
}

fn is_usable(session: &Session) -> bool {
    session.is_current() && !session.namespace.has_closed()
}

/// How long it waits for entries until it looks after peers.
fn interval(session: &Session) -> Duration {
    let address = &session.namespace.address;
    LONGEST.min(address.lease / 4).min(address.timeout / 2)
}

/// Receives until the session or the endpoint ends.
fn attend_session(endpoint: &Endpoint, session: &Arc<Session>) {
    let mut ended = BTreeSet::new();
    while is_usable(session) && !endpoint.is_over() {
        if let Ok(mut primary) = session.namespace.connect() {
            // After a failure another connection goes on.
            let _ = receive(endpoint, session, &mut primary.connection, &mut ended);
        }
        if is_usable(session) && !endpoint.is_over() {
            thread::sleep(PAUSE);
        }
        // It follows the keys to another server.
        ended.append(&mut attend(endpoint, session));
    }
}

/// Receives from one connection for as long as its server has the same history. It begins with all that is in the
/// inbox, of which parts may have come already. Connections to peers that have ended, which are in `ended`, end once
/// all has been handed on that those peers had sent.
fn receive(
    endpoint: &Endpoint,
    session: &Arc<Session>,
    connection: &mut ServerConnection,
    ended: &mut BTreeSet<String>,
) -> redis::RedisResult<()> {
    let interval = interval(session);
    let inbox = session.namespace.inbox_key(&session.client);
    let (mut cursor, mut history) = ("0".to_owned(), 0);
    let mut attended = Instant::now();
    let mut before_end = entries_in(connection, &inbox, ended)?;
    while is_usable(session) && !endpoint.is_over() {
        let known = endpoint.state().history;
        if history != 0 && history != known {
            // The identities of entries begin anew, perhaps below the cursor.
            return Ok(());
        }
        history = known;
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(MOST_ENTRIES);
        if ended.is_empty() {
            command.arg("BLOCK").arg(interval.as_millis() as u64);
        }
        command.arg("STREAMS").arg(&inbox).arg(&cursor);
        let read = entries(connection.req_command(&command).and_then(Value::extract_error)?);
        if let Some((last, _)) = read.last() {
            cursor.clone_from(last);
            if let Err(failed) = take(endpoint, session, &inbox, &read) {
                // What was not claimed is not handed on, so that connections lack something. Their clients wait
                // for answers, and hear of the end from nobody else.
                drop(session.error(failed));
                let state = &mut *endpoint.state();
                let meant: BTreeSet<(u64, &str)> =
                    for_host(&read).map(|(entry, _)| (entry.connection, entry.sender)).collect();
                for (number, sender) in &meant {
                    state.note_close(sender, *number);
                    mark_ending(state, |connection| {
                        connection.number == *number && connection.peer == *sender
                    });
                }
                endpoint.wake();
                return Ok(());
            }
        }
        before_end = before_end.saturating_sub(read.len());
        if !ended.is_empty() && (before_end == 0 || read.len() < MOST_ENTRIES) {
            end_with(endpoint, session, &std::mem::take(ended));
        }
        if attended.elapsed() >= interval {
            ended.append(&mut attend(endpoint, session));
            before_end = entries_in(connection, &inbox, ended)?;
            attended = Instant::now();
        }
    }
    Ok(())
}

/// How many entries are in the inbox, among them all of peers that have ended. 0 if none has.
fn entries_in(
    connection: &mut ServerConnection,
    inbox: &str,
    ended: &BTreeSet<String>,
) -> redis::RedisResult<usize> {
    if ended.is_empty() { Ok(0) } else { redis::cmd("XLEN").arg(inbox).query(connection) }
}

/// The entries in the answer to `XREAD`.
fn entries(read: Value) -> Vec<Read> {
    let entry = |value| {
        let [id, fields] = reply::parts(value).ok()?;
        // One that no client has made like this is read past, and means nothing.
        let bytes = reply::parts(fields).ok().and_then(|[_, bytes]| reply::bytes(bytes).ok().flatten());
        Some((reply::text(id).ok()??, bytes.unwrap_or_default()))
    };
    let mut streams = reply::list(read).unwrap_or_default();
    let stream = streams.pop().and_then(|stream| reply::parts::<2>(stream).ok());
    let entries = stream.map_or_else(Vec::new, |[_, entries]| reply::list(entries).unwrap_or_default());
    entries.into_iter().filter_map(entry).collect()
}

/// Those entries that are for a host's end, with their indexes among all.
fn for_host(read: &[Read]) -> impl Iterator<Item = (Entry<'_>, usize)> {
    let entries =
        read.iter().enumerate().filter_map(|(index, (_, bytes))| Some((Entry::read(bytes)?, index)));
    entries.filter(|(entry, _)| is_host_end(entry.connection))
}

/// Hands entries on, and takes them out of the inbox: for a client's end in this order, for a host's in the other.
fn take(endpoint: &Endpoint, session: &Arc<Session>, inbox: &str, read: &[Read]) -> Result<(), Failed> {
    {
        let state = &mut *endpoint.state();
        for entry in read.iter().filter_map(|(_, bytes)| Entry::read(bytes)) {
            if !is_host_end(entry.connection) {
                hand_on(endpoint, state, &entry);
            }
        }
    }
    let claimed = endpoint.ask(session, &CLAIM, &[inbox.to_owned()], |command| {
        for (id, _) in read {
            command.arg(id);
        }
    })?;
    let claimed = reply::list(claimed).unwrap_or_default().into_iter();
    let claimed: Vec<bool> = claimed.map(|one| reply::yes(one).unwrap_or(false)).collect();
    let state = &mut *endpoint.state();
    for (entry, index) in for_host(read) {
        if claimed.get(index).copied().unwrap_or(false) {
            hand_on(endpoint, state, &entry);
        } else {
            // Its client has withdrawn it, and takes the connection for ended; or a claim whose answer was lost
            // has taken it.
            state.note_close(entry.sender, entry.connection);
            mark_ending(state, |connection| {
                connection.number == entry.connection && connection.peer == entry.sender
            });
        }
    }
    endpoint.wake();
    Ok(())
}

/// Has the sender close connections, once their programs have all that has come.
fn mark_ending(state: &mut State, is_meant: impl Fn(&Connection) -> bool) {
    for connection in state.connections.values_mut().filter(|connection| is_meant(connection)) {
        connection.is_ending = true;
    }
}

fn hand_on(endpoint: &Endpoint, state: &mut State, entry: &Entry<'_>) {
    if let Content::Open { host } = entry.content {
        if open(endpoint, state, entry, host).is_none() {
            state.note_close(entry.sender, entry.connection);
        }
        return;
    }
    let known = state.connections.get_mut(&entry.connection);
    let Some(connection) = known.filter(|connection| connection.peer == entry.sender) else {
        if entry.content != Content::Close {
            state.note_close(entry.sender, entry.connection);
        }
        return;
    };
    match entry.content {
        Content::Data { count, bytes } => {
            if !connection.receive(count, bytes) {
                let peer = connection.peer.clone();
                connection.is_ending = true;
                state.note_close(&peer, entry.connection);
                return;
            }
            let peer = connection.peer.clone();
            if let Some(entry) = connection.freed(&state.session.client) {
                state.notes.push(super::endpoint::Note { peer, entry });
            }
        }
        Content::Freed { total } => {
            let waits = connection.waits_since().is_some();
            connection.free(total);
            if waits && connection.waits_since().is_none() {
                // There is room for what its host has left.
                let _ = endpoint.watch(connection);
            }
        }
        Content::Close => connection.is_ending = true,
        Content::Open { .. } => {}
    }
    endpoint.rewatch(connection);
}

/// Accepts a connection. `None` if there is no such host here, or too little room.
fn open(endpoint: &Endpoint, state: &mut State, entry: &Entry<'_>, host: &str) -> Option<()> {
    let queue = state.accept_queues.get(host)?.clone();
    if !is_host_end(entry.connection) || state.connections.contains_key(&entry.connection) {
        return None;
    }
    let (of_program, ours) = socket_pair().ok()?;
    state.add(entry.sender, entry.connection, ours);
    let is_watched = endpoint.watch(&state.connections[&entry.connection]).is_ok();
    if !is_watched || !queue.add(of_program) {
        state.connections.remove(&entry.connection);
        return None;
    }
    Some(())
}

/// Takes names that were lost once more. Returns the peers whose leases have ended.
fn attend(endpoint: &Endpoint, session: &Arc<Session>) -> BTreeSet<String> {
    let (names, peers) = {
        let state = &mut *endpoint.state();
        end_stuck(endpoint, state, session.namespace.address.lease);
        if state.is_idle() {
            if state.used.elapsed() > session.namespace.address.lease {
                endpoint.end(state);
            }
            return BTreeSet::new();
        }
        let names: Vec<String> = state.accept_queues.keys().cloned().collect();
        let peers = state.connections.values().map(|connection| connection.peer.clone());
        (names, peers.collect::<BTreeSet<_>>())
    };
    let key = [session.namespace.hosts_key()];
    let told = endpoint.ask(session, &ATTEND, &key, |command| {
        command.arg(&session.client).arg(names.len()).arg(&names).arg(&peers);
    });
    let told = match told.map(reply::parts::<2>) {
        Ok(Ok(told)) => told,
        Ok(Err(_)) => return BTreeSet::new(),
        Err(failed) => {
            drop(session.error(failed));
            return BTreeSet::new();
        }
    };
    let [lost, ended] = told.map(|part| reply::list(part).unwrap_or_default().into_iter());
    let texts = |part: std::vec::IntoIter<Value>| part.filter_map(|value| reply::text(value).ok().flatten());
    let ended: BTreeSet<String> = texts(ended).collect();
    for name in texts(lost) {
        // While it is another's there is nothing to be done; that ends with the other's lease.
        names::announce_again(endpoint, session, &name);
    }
    ended
}

/// Ends the connections to those peers.
fn end_with(endpoint: &Endpoint, session: &Arc<Session>, ended: &BTreeSet<String>) {
    let state = &mut *endpoint.state();
    if !state.is_of(session) {
        return;
    }
    for peer in ended {
        let of_peer = state.connections.values().filter(|connection| connection.peer == *peer);
        let numbers: Vec<u64> = of_peer.map(|connection| connection.number).collect();
        for number in numbers {
            // One that was only paused hears of it.
            state.note_close(peer, number);
        }
    }
    mark_ending(state, |connection| ended.contains(&connection.peer));
    endpoint.wake();
}

/// Ends the connections of hosts that have closed their side, and whose clients have taken nothing for that long.
fn end_stuck(endpoint: &Endpoint, state: &mut State, longest: Duration) {
    let is_stuck =
        |connection: &&Connection| connection.waits_since().is_some_and(|since| since.elapsed() > longest);
    let stuck: Vec<(u64, String)> = state
        .connections
        .values()
        .filter(is_stuck)
        .map(|connection| (connection.number, connection.peer.clone()))
        .collect();
    for (number, peer) in stuck {
        state.connections.remove(&number);
        state.note_close(&peer, number);
        endpoint.wake();
    }
}

/// Begins another session for the hosts of this process. `false` if it has none, so that the endpoint ends.
fn begin_anew(endpoint: &Endpoint) -> bool {
    loop {
        let names: Vec<String> = {
            let state = &mut *endpoint.state();
            state.connections.clear();
            if state.accept_queues.is_empty() || endpoint.is_over() {
                endpoint.end(state);
                return false;
            }
            state.accept_queues.keys().cloned().collect()
        };
        let Ok(session) = open_session(&endpoint.address) else {
            thread::sleep(PAUSE);
            continue;
        };
        endpoint.state().begin_anew(session.clone());
        for name in names {
            // A name that is another's by now is tried again when peers are looked after.
            names::announce_again(endpoint, &session, &name);
        }
        return true;
    }
}
