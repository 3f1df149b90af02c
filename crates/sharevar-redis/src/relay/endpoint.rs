//! This process's end of all connections in one namespace: a client of the engine with an inbox.
//!
//! Each endpoint has one inbox on the server, a stream, into which others put entries: so what an endpoint
//! leaves is its inbox, and it goes with the client's lease. Two threads move the bytes: the `sender` takes
//! them from the programs' sockets, and the `receiver` from the inbox.

use super::accept_queue::AcceptQueue;
use super::connection::Connection;
use super::entry::{Content, Entry, other_end};
use crate::address::Address;
use crate::history::Request;
use crate::holds::Holds;
use crate::lane::Failed;
use crate::mutex::lock;
use crate::namespace::{Keys, Namespace};
use crate::random::random;
use crate::reply;
use crate::script::{Script, scripts};
use crate::session::Session;
use crate::upkeep;
use redis::Value;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use sharevar::Result;
use sharevar_os::{CloseOnFork, off_standard_streams, process_epoch};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

scripts! { "../lua/relay.lua":
    PUSH = "push";
    TELL = "tell";
}

/// The event that tells the sender to look at the state. Connections have other numbers.
pub(crate) const WAKE: u64 = 0;
/// The most notes that wait to be told. More only come while the server cannot be reached.
const MOST_NOTES: usize = 4096;

pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// The process that has its threads.
    epoch: u64,
    pub(crate) epoll: OwnedFd,
    wake: OwnedFd,
    is_over: AtomicBool,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) session: Arc<Session>,
    pub(crate) connections: HashMap<u64, Connection>,
    /// Those of the hosts of this process, by their names.
    pub(crate) accept_queues: HashMap<String, Arc<AcceptQueue>>,
    /// Entries about connections that are told until the server has them: windows and ends.
    pub(crate) notes: Vec<Note>,
    /// When it was in use for the last time.
    pub(crate) used: Instant,
    /// The history of the server in which its connections are. With another one they end, since entries may be
    /// lost.
    pub(crate) history: u16,
}

/// An entry for a peer.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) peer: String,
    pub(crate) entry: Vec<u8>,
}

/// A step of a `push`.
#[derive(Debug)]
pub(crate) enum Step {
    Send { peer: String, entry: Vec<u8> },
    Note(Note),
    Withdraw { peer: String, entry: String },
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Makes this process a client of the namespace.
pub(crate) fn open_session(address: &Address) -> Result<Arc<Session>> {
    let namespace = Arc::new(Namespace::find(address.clone(), random())?);
    let session = Arc::new(Session::new(namespace, Arc::<Holds>::default()));
    session.register()?;
    upkeep::start(&session)?;
    Ok(session)
}

/// A pair of sockets, both non-blocking: that of the program, and that of the endpoint.
pub(crate) fn socket_pair() -> io::Result<(CloseOnFork, CloseOnFork)> {
    CloseOnFork::make_pair(|| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, two) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        Ok((off_standard_streams(one)?, off_standard_streams(two)?))
    })
}

impl Endpoint {
    pub(crate) fn new(address: &Address) -> Result<Self> {
        let failed = |cause: io::Error| sharevar::Error::Process {
            what: "making what threads wait at",
            cause: cause.to_string(),
        };
        let made = || {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).and_then(off_standard_streams)?;
            let wake =
                eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).and_then(off_standard_streams)?;
            epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
            Ok::<_, rustix::io::Errno>((epoll, wake))
        };
        let (epoll, wake) = made().map_err(|cause| failed(cause.into()))?;
        // Last: its thread goes on until it is ended.
        let session = open_session(address)?;
        let state = State {
            session,
            connections: HashMap::new(),
            accept_queues: HashMap::new(),
            notes: Vec::new(),
            used: Instant::now(),
            history: 0,
        };
        Ok(Self {
            address: address.clone(),
            epoch: process_epoch(),
            epoll,
            wake,
            is_over: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    /// Whether it is this process's, and not that of one that forked it.
    pub(crate) fn is_ours(&self) -> bool {
        self.epoch == process_epoch()
    }

    /// Whether it has ended, so that another one is needed.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Ends it: its threads end, and so do its connections.
    pub(crate) fn end(&self, state: &mut State) {
        self.is_over.store(true, Ordering::SeqCst);
        state.connections.clear();
        self.wake();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn session(&self) -> Arc<Session> {
        self.state().session.clone()
    }

    /// Has the sender look at the state.
    pub(crate) fn wake(&self) {
        // It fails only if the program has closed our descriptor.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    pub(crate) fn drain_wake(&self) {
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
    }

    /// Watches the socket of a new connection.
    pub(crate) fn watch(&self, connection: &Connection) -> io::Result<()> {
        let data = EventData::new_u64(connection.number);
        Ok(epoll::add(&self.epoll, connection, data, connection.interest())?)
    }

    /// Watches it for what is of interest by now.
    pub(crate) fn rewatch(&self, connection: &Connection) {
        let data = EventData::new_u64(connection.number);
        // A new connection is watched only once its host knows of it.
        let _ = epoll::modify(&self.epoll, connection, data, connection.interest());
    }

    /// Watches it no more. The end of the program's side would show all the time.
    pub(crate) fn unwatch(&self, connection: &Connection) {
        let _ = epoll::delete(&self.epoll, connection);
    }

    /// Has the server run a script, and takes notice of the history in which it did.
    pub(crate) fn ask(
        &self,
        session: &Arc<Session>,
        script: &Script,
        more: &[String],
        args: impl Fn(&mut Request),
    ) -> std::result::Result<Value, Failed> {
        let done = session.ask_with_shortfall(script, Keys { more, ..Keys::default() }, args)?;
        self.note_history(session, done.history);
        Ok(done.value)
    }

    /// Ends the connections of another history than the server's: their entries may be lost.
    fn note_history(&self, session: &Arc<Session>, history: u16) {
        let state = &mut *self.state();
        if !state.is_of(session) || state.history == history {
            return;
        }
        if std::mem::replace(&mut state.history, history) != 0 {
            for (_, connection) in std::mem::take(&mut state.connections) {
                state.note_close(&connection.peer, connection.number);
            }
            self.wake();
        }
    }

    /// Puts entries into inboxes, or withdraws them: the identity of each entry that was put, or whether it was
    /// withdrawn; `None` where the peer's lease has ended.
    pub(crate) fn push(
        &self,
        session: &Arc<Session>,
        steps: &[Step],
    ) -> std::result::Result<Vec<Option<String>>, Failed> {
        let mut inboxes: Vec<String> = Vec::new();
        let placed: Vec<(&str, usize, &[u8])> = steps
            .iter()
            .map(|step| {
                let (what, peer, value): (_, _, &[u8]) = match step {
                    Step::Send { peer, entry } => ("send", peer, entry),
                    Step::Note(Note { peer, entry }) => ("note", peer, entry),
                    Step::Withdraw { peer, entry } => ("withdraw", peer, entry.as_bytes()),
                };
                let inbox = session.namespace.inbox_key(peer);
                let place = inboxes.iter().position(|known| *known == inbox).unwrap_or_else(|| {
                    inboxes.push(inbox);
                    inboxes.len() - 1
                });
                // Behind the keys of the home.
                (what, place + 5, value)
            })
            .collect();
        let sends = steps.iter().any(|step| matches!(step, Step::Send { .. }));
        let script = if sends { &PUSH } else { &TELL };
        let results = self.ask(session, script, &inboxes, |command| {
            for (what, place, value) in &placed {
                command.arg(*what).arg(*place).arg(*value);
            }
        })?;
        let results = reply::list(results).unwrap_or_default();
        Ok(results
            .into_iter()
            .map(|result| reply::text(result).ok().flatten().filter(|text| !text.is_empty()))
            .collect())
    }
}

impl State {
    /// Has the peer of a connection know that this end, of that number, has ended.
    pub(crate) fn note_close(&mut self, peer: &str, number: u64) {
        let sender = self.session.client.clone();
        let entry = Entry { connection: other_end(number), sender: &sender, content: Content::Close }.write();
        if self.notes.len() < MOST_NOTES {
            self.notes.push(Note { peer: peer.to_owned(), entry });
        }
    }

    /// Whether what was found out for a session is still of use.
    pub(crate) fn is_of(&self, session: &Arc<Session>) -> bool {
        Arc::ptr_eq(&self.session, session)
    }

    /// Adds a connection, whose number no other has.
    pub(crate) fn add(&mut self, peer: &str, number: u64, socket: CloseOnFork) {
        self.used = Instant::now();
        self.connections.insert(number, Connection::new(number, peer, socket));
    }

    /// Begins anew with another session: nothing is left of the connections.
    pub(crate) fn begin_anew(&mut self, session: Arc<Session>) {
        self.session = session;
        self.connections.clear();
        self.notes.clear();
        self.history = 0;
    }

    /// Whether hosts of this process have written bytes that their clients have not been sent.
    pub(crate) fn owes(&self) -> bool {
        self.connections.values().any(Connection::owes)
    }

    /// Whether nothing uses it.
    pub(crate) fn is_idle(&self) -> bool {
        self.connections.is_empty() && self.accept_queues.is_empty() && self.notes.is_empty()
    }
}
