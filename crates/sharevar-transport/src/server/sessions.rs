//! The client processes that are connected, and those that have gone.

use crate::session::Session;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long the session of a client on another machine outlives its last connection. On this machine
/// only the end of the client closes its last connection.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    connections: HashMap<Session, usize>,
    /// Sessions without connection, and the times when they expire.
    absent: HashMap<Session, Instant>,
    /// Sessions that have ended, whose references are being released.
    ending: HashSet<Session>,
}

impl Sessions {
    /// Notes one more connection of a session.
    pub(crate) fn add_connection(&mut self, session: Session) {
        self.absent.remove(&session);
        *self.connections.entry(session).or_default() += 1;
    }

    /// Whether the references of a session are being released, so that it must not connect yet.
    pub(crate) fn is_ending(&self, session: Session) -> bool {
        self.ending.contains(&session)
    }

    /// Notes that the references of a session are released.
    pub(crate) fn finish_end(&mut self, session: Session) {
        self.ending.remove(&session);
    }

    /// Notes one connection less, and returns whether the session ends with it.
    pub(crate) fn remove_connection(&mut self, session: Session, is_local: bool) -> bool {
        let Some(count) = self.connections.get_mut(&session) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.connections.remove(&session);
        if is_local {
            self.ending.insert(session);
        } else {
            self.absent.insert(session, Instant::now() + RECONNECT_TIMEOUT);
        }
        is_local
    }

    /// Removes the sessions that have expired and returns them, to be ended by the caller.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Session> {
        let over: Vec<_> =
            self.absent.iter().filter(|(_, until)| **until <= now).map(|(session, _)| *session).collect();
        for session in &over {
            self.absent.remove(session);
            self.ending.insert(*session);
        }
        over
    }

    /// The number of sessions.
    pub(crate) fn len(&self) -> usize {
        self.connections.len() + self.absent.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_last_connection() {
        let mut sessions = Sessions::default();
        sessions.add_connection(Session(1));
        sessions.add_connection(Session(1));
        assert!(!sessions.remove_connection(Session(1), true));
        assert!(sessions.remove_connection(Session(1), true));
        assert!(!sessions.remove_connection(Session(1), true));
        assert_eq!(sessions.len(), 0);
    }

    #[test]
    fn a_client_on_another_machine_may_come_back() {
        let mut sessions = Sessions::default();
        for session in [Session(1), Session(2)] {
            sessions.add_connection(session);
            assert!(!sessions.remove_connection(session, false));
        }
        assert_eq!(sessions.expire(Instant::now()), []);
        sessions.add_connection(Session(2));
        assert_eq!(sessions.expire(Instant::now() + RECONNECT_TIMEOUT), [Session(1)]);
        assert_eq!(sessions.expire(Instant::now() + RECONNECT_TIMEOUT), []);
        assert_eq!(sessions.len(), 1);
    }
}
