//! The client processes that are connected, and those that have gone.

use crate::session::Session;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long the session of a client on another machine outlives its last connection. On this machine
/// only the end of the client closes its last connection.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<Session, State>);

#[derive(Debug)]
enum State {
    /// It has so many connections.
    Connected(usize),
    /// It has none, and ends at this time.
    Absent(Instant),
    /// It has ended, and its references are being released.
    Ending,
}

impl Sessions {
    /// Notes one more connection of a session.
    pub(crate) fn add_connection(&mut self, session: Session) {
        match self.0.get_mut(&session) {
            Some(State::Connected(count)) => *count += 1,
            _ => drop(self.0.insert(session, State::Connected(1))),
        }
    }

    /// Whether the references of a session are being released, so that it must not connect yet.
    pub(crate) fn is_ending(&self, session: Session) -> bool {
        matches!(self.0.get(&session), Some(State::Ending))
    }

    /// Notes that the references of a session are released.
    pub(crate) fn finish_end(&mut self, session: Session) {
        self.0.remove(&session);
    }

    /// Notes one connection less, and returns whether the session ends with it.
    pub(crate) fn remove_connection(&mut self, session: Session, is_local: bool) -> bool {
        match self.0.get_mut(&session) {
            Some(State::Connected(count)) if *count > 1 => *count -= 1,
            Some(state @ State::Connected(_)) if is_local => {
                *state = State::Ending;
                return true;
            }
            Some(state @ State::Connected(_)) => *state = State::Absent(Instant::now() + RECONNECT_TIMEOUT),
            _ => {}
        }
        false
    }

    /// Ends the sessions that have expired and returns them, for the caller to release their references.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Session> {
        let is_over = |state: &State| matches!(state, State::Absent(until) if *until <= now);
        let over = self.0.iter_mut().filter(|(_, state)| is_over(state));
        over.map(|(session, state)| {
            *state = State::Ending;
            *session
        })
        .collect()
    }

    /// The number of sessions that have not ended.
    pub(crate) fn len(&self) -> usize {
        self.0.values().filter(|state| !matches!(state, State::Ending)).count()
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
