//! The thread that takes bytes from the programs' sockets, and puts them into the inboxes of peers.
//!
//! One request brings the bytes of all sockets that are readable. It is the only thread that sends bytes, so
//! those of a connection stay in order, and that closes the sockets of connections whose peer has ended.

use super::connection::{CHUNK, Connection, FromProgram};
use super::endpoint::{Endpoint, Note, State, Step, WAKE};
use crate::lane::Failed;
use crate::session::Session;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventFlags};
use rustix::io::Errno;
use sharevar::engine::Failure;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The most events that are taken at a time.
const MOST_EVENTS: usize = 64;
/// The most bytes of one request: sockets that are readable beyond that wait for the next.
const MOST_BYTES: usize = 1 << 20;
/// The pause after a request that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// Steps of a request, each with the connection that it is about, if it is open.
type Steps = Vec<(Option<u64>, Step)>;

pub(crate) fn run(endpoint: &Endpoint) {
    let mut events = Vec::with_capacity(MOST_EVENTS);
    let mut buffer = vec![0; CHUNK];
    while !endpoint.is_over() {
        events.clear();
        match epoll::wait(&endpoint.epoll, spare_capacity(&mut events), None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            // The program has closed our descriptor. The pause leaves the processor to others.
            Err(_) => {
                thread::sleep(PAUSE);
                continue;
            }
        }
        let (session, steps) = collect(endpoint, &events, &mut buffer);
        if steps.is_empty() {
            continue;
        }
        let (connections, steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        match endpoint.push(&session, &steps) {
            Ok(results) => settle(endpoint, &session, connections, steps, results),
            Err(failed) => {
                fail(endpoint, &session, connections, steps, &failed);
                // It may end the session, which the receiver sees.
                drop(session.error(failed));
                thread::sleep(PAUSE);
            }
        }
    }
}

/// What is to be sent.
fn collect(endpoint: &Endpoint, events: &[Event], buffer: &mut [u8]) -> (Arc<Session>, Steps) {
    let state = &mut *endpoint.state();
    let session = state.session.clone();
    let mut steps = Steps::new();
    let mut bytes = 0;
    for event in events {
        let (number, flags) = (event.data.u64(), event.flags);
        if number == WAKE {
            endpoint.drain_wake();
            continue;
        }
        let Some(connection) = state.connections.get_mut(&number) else { continue };
        connection.flush();
        let is_hung_up = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        // Beside a hang-up there may be bytes that were not watched for, since the window was full.
        let is_readable = is_hung_up || flags.contains(EventFlags::IN);
        let is_due = is_readable && bytes < MOST_BYTES && !connection.is_ending;
        let read = if is_due { connection.read(&session.client, buffer) } else { FromProgram::Nothing };
        match read {
            FromProgram::Bytes(entry) => {
                bytes += entry.len();
                connection.is_sending = true;
                let peer = connection.peer.clone();
                steps.push((Some(number), Step::Send { peer, entry }));
            }
            FromProgram::Nothing if !is_hung_up || bytes >= MOST_BYTES => {}
            FromProgram::Nothing if connection.awaits_room() => {
                endpoint.unwatch(connection);
                continue;
            }
            FromProgram::Nothing | FromProgram::Closed => {
                close(state, number);
                continue;
            }
        }
        note_freed(state, number);
        if let Some(connection) = state.connections.get(&number) {
            endpoint.rewatch(connection);
        }
    }
    steps.extend(ends(state));
    steps.extend(std::mem::take(&mut state.notes).into_iter().map(|note| (None, Step::Note(note))));
    (session, steps)
}

/// Ends a connection that the program has closed.
fn close(state: &mut State, number: u64) {
    if let Some(Connection { peer, .. }) = state.connections.remove(&number) {
        state.note_close(&peer, number);
        state.used = Instant::now();
    }
}

fn note_freed(state: &mut State, number: u64) {
    let sender = state.session.client.clone();
    let Some(connection) = state.connections.get_mut(&number) else { return };
    let peer = connection.peer.clone();
    if let Some(entry) = connection.freed(&sender) {
        state.notes.push(Note { peer, entry });
    }
}

/// Ends the connections whose peer has ended and whose program has all that came before. What a client has sent
/// last, and the host has not taken, is withdrawn: the host does not take it any more.
fn ends(state: &mut State) -> Steps {
    let is_due = |connection: &&Connection| connection.is_ending && connection.is_flushed();
    let due: Vec<u64> =
        state.connections.values().filter(is_due).map(|connection| connection.number).collect();
    let mut steps = Steps::new();
    for number in due {
        let Some(connection) = state.connections.get(&number) else { continue };
        match &connection.last_sent {
            Some(entry) if !connection.is_of_host() => {
                let (peer, entry) = (connection.peer.clone(), entry.clone());
                steps.push((Some(number), Step::Withdraw { peer, entry }));
            }
            _ => drop(state.connections.remove(&number)),
        }
    }
    state.used = Instant::now();
    steps
}

fn settle(
    endpoint: &Endpoint,
    session: &Arc<Session>,
    connections: Vec<Option<u64>>,
    steps: Vec<Step>,
    results: Vec<Option<String>>,
) {
    let state = &mut *endpoint.state();
    if !state.is_of(session) {
        return;
    }
    for ((number, step), result) in connections.into_iter().zip(steps).zip(results) {
        let Some(number) = number else { continue };
        let Some(connection) = state.connections.get_mut(&number) else { continue };
        match (step, result) {
            (Step::Send { .. }, Some(entry)) => {
                connection.is_sending = false;
                connection.last_sent = Some(entry);
            }
            // The peer's lease has ended, so that it gets no more.
            (Step::Send { .. }, None) => {
                connection.fate.set_withdrawn();
                close(state, number);
            }
            (Step::Withdraw { .. }, withdrawn) => {
                if withdrawn.as_deref() == Some("1") {
                    connection.fate.set_withdrawn();
                }
                state.connections.remove(&number);
            }
            (Step::Note(_), _) => {}
        }
    }
}

/// After a failure no one knows how far the connections have come, unless nothing was sent at all. They end.
fn fail(
    endpoint: &Endpoint,
    session: &Arc<Session>,
    connections: Vec<Option<u64>>,
    steps: Vec<Step>,
    failed: &Failed,
) {
    let state = &mut *endpoint.state();
    if !state.is_of(session) {
        return;
    }
    let is_undone = matches!(failed, Failed::Engine(Failure::Unavailable { .. } | Failure::Refused { .. }));
    for (number, step) in connections.into_iter().zip(steps) {
        match (number, step) {
            (Some(number), Step::Send { .. }) => {
                if let (true, Some(connection)) = (is_undone, state.connections.get(&number)) {
                    connection.fate.set_withdrawn();
                }
                close(state, number);
            }
            (Some(number), _) => drop(state.connections.remove(&number)),
            (None, Step::Note(note)) => state.notes.push(note),
            (None, _) => {}
        }
    }
    endpoint.wake();
}
