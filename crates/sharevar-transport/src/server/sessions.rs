//! Which client processes are connected, and which are gone.

use crate::session::Session;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// For how long a client on another machine may be without connection: it may come back. On this
/// machine only its end closes its last connection.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    connections: HashMap<Session, usize>,
    /// Those without connection, and when they will be given up.
    absent: HashMap<Session, Instant>,
    /// Those that have gone, and what they have held is being released.
    ending: HashSet<Session>,
}

impl Sessions {
    /// One more connection.
    pub(crate) fn enter(&mut self, session: Session) {
        self.absent.remove(&session);
        *self.connections.entry(session).or_default() += 1;
    }

    /// Whether it must not enter yet.
    pub(crate) fn is_ending(&self, session: Session) -> bool {
        self.ending.contains(&session)
    }

    /// What a session that had gone has held is released.
    pub(crate) fn end(&mut self, session: Session) {
        self.ending.remove(&session);
    }

    /// One less: whether the client has gone by that, and is to be ended.
    pub(crate) fn leave(&mut self, session: Session, is_local: bool) -> bool {
        let Some(count) = self.connections.get_mut(&session) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.connections.remove(&session);
        if is_local {
            self.ending.insert(session);
        } else {
            self.absent.insert(session, Instant::now() + GRACE);
        }
        is_local
    }

    /// Those whose time to come back is over. They are to be ended.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Session> {
        let over: Vec<_> =
            self.absent.iter().filter(|(_, until)| **until <= now).map(|(session, _)| *session).collect();
        for session in &over {
            self.absent.remove(session);
            self.ending.insert(*session);
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
