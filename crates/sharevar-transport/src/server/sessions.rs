//! Which client processes are connected, and which are gone.

use crate::session::Session;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// For how long a client on another machine may be without connection: it may come back. On this
/// machine only its end closes its last connection.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    connections: HashMap<Session, usize>,
    /// Those without connection, and when they will be given up.
    absent: HashMap<Session, Instant>,
}

impl Sessions {
    /// One more connection.
    pub(crate) fn enter(&mut self, session: Session) {
        self.absent.remove(&session);
        *self.connections.entry(session).or_default() += 1;
    }

    /// One less: whether the client has gone by that.
    pub(crate) fn leave(&mut self, session: Session, is_local: bool) -> bool {
        let Some(count) = self.connections.get_mut(&session) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.connections.remove(&session);
        if !is_local {
            self.absent.insert(session, Instant::now() + GRACE);
        }
        is_local
    }

    /// Those whose time to come back is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Session> {
        let over: Vec<_> =
            self.absent.iter().filter(|(_, until)| **until <= now).map(|(session, _)| *session).collect();
        for session in &over {
            self.absent.remove(session);
        }
        over
    }

    /// How many client processes there are.
    pub(crate) fn len(&self) -> usize {
        self.connections.len() + self.absent.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_gone_with_its_last_connection() {
        let mut sessions = Sessions::default();
        sessions.enter(Session(1));
        sessions.enter(Session(1));
        assert!(!sessions.leave(Session(1), true));
        assert!(sessions.leave(Session(1), true));
        assert!(!sessions.leave(Session(1), true));
        assert_eq!(sessions.len(), 0);
    }

    #[test]
    fn a_client_on_another_machine_may_come_back() {
        let mut sessions = Sessions::default();
        for session in [Session(1), Session(2)] {
            sessions.enter(session);
            assert!(!sessions.leave(session, false));
        }
        assert_eq!(sessions.expire(Instant::now()), []);
        sessions.enter(Session(2));
        assert_eq!(sessions.expire(Instant::now() + GRACE), [Session(1)]);
        assert_eq!(sessions.expire(Instant::now() + GRACE), []);
        assert_eq!(sessions.len(), 1);
    }
}
