//! The clients of a server: their leases, what they hold on to, and what is to fail for them.

use std::collections::BTreeMap;
use std::time::Duration;

/// The time for which a client that is not heard of keeps what it holds. No clock but a test's moves it.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// What befalls a request to a [`FakeServer`](crate::testing::FakeServer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The server cannot be reached: [`Unavailable`](crate::engine::Failure::Unavailable), and nothing has
    /// happened.
    Unreachable,
    /// The request is lost after it was sent, however often. Nothing has happened, which the client cannot
    /// know: [`OutcomeUnknown`](crate::engine::Failure::OutcomeUnknown).
    RequestLost,
    /// The request takes effect, and its reply is lost, however often it is asked for:
    /// [`OutcomeUnknown`](crate::engine::Failure::OutcomeUnknown).
    ReplyLost,
    /// The reply is lost once. The request is sent again under its number and takes effect once; the program
    /// sees nothing of it.
    ReplyLostOnce,
}

impl Fault {
    /// Whether the server hears of the client all the same.
    fn is_heard(self) -> bool {
        matches!(self, Self::ReplyLost | Self::ReplyLostOnce)
    }
}

/// All clients, and the time.
#[derive(Debug, Default)]
pub(super) struct Clients {
    clock: Duration,
    connections: BTreeMap<u64, Connection>,
    /// Those whose leases go on, by numbers that are never given twice.
    sessions: BTreeMap<u64, Session>,
    last: u64,
}

/// A connected program.
#[derive(Debug, Default)]
struct Connection {
    /// As which client the server knows it, or did until that one's lease ended.
    session: u64,
    requests: u64,
    /// The fault of all requests.
    standing: Option<Fault>,
    /// The number of a request, and its fault.
    planned: Option<(u64, Fault)>,
    has_ended: bool,
}

#[derive(Debug)]
struct Session {
    /// When the server has heard of it last.
    heard: Duration,
    /// How many handles it has on each variable.
    handles: BTreeMap<u64, u64>,
}

impl Clients {
    /// Lets a program connect. Returns its number.
    pub(super) fn connect(&mut self) -> u64 {
        self.last += 1;
        self.connections.insert(self.last, Connection::default());
        self.last
    }

    /// Counts a request of a program. Returns its fault.
    pub(super) fn next_fault(&mut self, connection: u64) -> Option<Fault> {
        let connection = self.connections.get_mut(&connection)?;
        connection.requests += 1;
        let is_planned = connection.planned.is_some_and(|(number, _)| number == connection.requests);
        if is_planned { connection.planned.take().map(|(_, fault)| fault) } else { connection.standing }
    }

    /// The client as which a program asks: another one than before if its lease has ended.
    pub(super) fn session(&mut self, connection: u64) -> u64 {
        let known = self.connections.entry(connection).or_default();
        if !self.sessions.contains_key(&known.session) {
            self.last += 1;
            known.session = self.last;
            self.sessions.insert(self.last, Session { heard: self.clock, handles: BTreeMap::new() });
        }
        known.session
    }

    /// Counts a handle.
    pub(super) fn hold(&mut self, session: u64, number: u64) {
        if let Some(session) = self.sessions.get_mut(&session) {
            *session.handles.entry(number).or_default() += 1;
        }
    }

    /// Gives a handle up. Returns whether the client still had it: the end of its lease took it away.
    pub(super) fn let_go(&mut self, session: u64, number: u64) -> bool {
        let Some(session) = self.sessions.get_mut(&session) else { return false };
        let Some(count) = session.handles.get_mut(&number) else { return false };
        *count -= 1;
        if *count == 0 {
            session.handles.remove(&number);
        }
        true
    }

    /// Ends a lease. Returns the variables on which the client had handles, one number for each.
    pub(super) fn end(&mut self, session: u64) -> Vec<u64> {
        let handles = self.sessions.remove(&session).map(|session| session.handles).unwrap_or_default();
        let each = |(number, count): (u64, u64)| (0..count).map(move |_| number);
        handles.into_iter().flat_map(each).collect()
    }

    /// The client that a program is, if its lease goes on.
    pub(super) fn live_session(&self, connection: u64) -> Option<u64> {
        let session = self.connections.get(&connection)?.session;
        self.sessions.contains_key(&session).then_some(session)
    }

    /// Lets time pass. Clients that the server hears of renew their leases. Returns the clients whose leases
    /// end.
    pub(super) fn advance(&mut self, time: Duration) -> Vec<u64> {
        self.clock = self.clock.saturating_add(time);
        for connection in self.connections.values() {
            let is_heard = !connection.has_ended && connection.standing.is_none_or(Fault::is_heard);
            if is_heard && let Some(session) = self.sessions.get_mut(&connection.session) {
                session.heard = self.clock;
            }
        }
        let has_ended = |session: &Session| self.clock.saturating_sub(session.heard) >= LEASE;
        self.sessions.iter().filter(|(_, session)| has_ended(session)).map(|(number, _)| *number).collect()
    }

    /// Says what befalls all requests of a program from now on.
    pub(super) fn set_standing(&mut self, connection: u64, fault: Option<Fault>) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.standing = fault;
        }
    }

    /// Says what befalls the request of a program that comes after so many others.
    pub(super) fn plan(&mut self, connection: u64, after: u64, fault: Fault) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.planned = Some((connection.requests.saturating_add(after).saturating_add(1), fault));
        }
    }

    /// How many requests a program has made.
    pub(super) fn requests(&self, connection: u64) -> u64 {
        self.connections.get(&connection).map_or(0, |connection| connection.requests)
    }

    /// A program has ended, in order or not. The lease goes on for its time.
    pub(super) fn end_connection(&mut self, connection: u64) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.has_ended = true;
        }
    }
}
