//! Monitors: attributes, and the thread whose method changes them.
//!
//! A thread enters by a name that no other has, and it itself never had before. Its changes are made only while
//! it is the last one that has entered: the name is the token by which they are fenced.

use super::exclusive::thread;
use super::map::written;
use crate::departures::{MAYBE, PARTS, full_name};
use crate::error::undone;
use crate::history::RequestPlace;
use crate::inside::{self, Opened};
use crate::script::scripts;
use crate::sent::Sent;
use crate::session::{Session, Unfinished};
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Content, Failure, Handle, Item, Map, Monitor, entrance, expect_atomic};
use sharevar::{Error, Result};
use sharevar_value::{Encoded, HashSeed, Key};

scripts! { "../lua/map.lua", "../lua/monitor.lua":
    ENTER = "enter";
    LEAVE = "leave";
    STORE = "store";
}

impl Variable {
    fn enter(&self, thread: &str, entrance: u64, place: Place<'_>) -> Result<Option<Vec<Item>>> {
        let sent = Sent::default();
        let answer = self.ask_with_shortfall(&ENTER, PARTS, |session, command| {
            sent.note(session, command);
            command.arg(full_name(session, entrance)).arg(place.ticket).arg(place.score);
        });
        let answer = answer.inspect_err(|error| {
            if let Some((session, place)) = sent.unanswered(&self.client, error) {
                self.end_entrance(&session, entrance, Some(place));
            }
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        if let Some(shortfall) = answer.shortfall {
            let failure = shortfall.failure.clone();
            // The variables that the attributes refer to were counted for this client.
            drop(self.read_items(&answer.session, answer.value, true));
            // Two could be inside after a failover.
            let error = self.undo(shortfall, &LEAVE, PARTS, |session, command| {
                command.arg(full_name(session, entrance)).arg(MAYBE).arg(0);
            });
            if error.happened() != Some(false) {
                self.let_others_in(entrance);
            }
            // No method has run, wherever the hold ends.
            return Err(undone(failure, true));
        }
        let items = self.read_items(&answer.session, answer.value, true);
        let items = items.inspect_err(|_| self.let_others_in(entrance))?;
        inside::enter(self.opened(), thread, entrance);
        Ok(Some(items))
    }

    /// Stores changes, and lets others in.
    fn store(&self, entrance: u64, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
        let removed: Vec<_> = removed.iter().map(Key::to_canonical).collect();
        let added = written(added)?;
        let script = if added.is_empty() { &LEAVE } else { &STORE };
        let is_done = self.tell(script, PARTS, |session, command| {
            command.arg(full_name(session, entrance)).arg("").arg(removed.len());
            removed.iter().chain(&added).for_each(|bytes| {
                command.arg(bytes);
            });
        })?;
        if is_done { Ok(()) } else { Err(Error::HandleExpired) }
    }

    fn opened(&self) -> Opened {
        Opened { home: self.client.namespace.id, monitor: self.number, client: self.client.number }
    }

    /// Lets others in soon, if the one of that number is inside. Where there is no session its lease has ended.
    fn let_others_in(&self, entrance: u64) {
        if let Ok(session) = self.client.session() {
            self.end_entrance(&session, entrance, None);
        }
    }

    fn end_entrance(&self, session: &Session, entrance: u64, unanswered: Option<RequestPlace>) {
        session.finish_later(Unfinished::Entrance { monitor: self.number, entrance, unanswered });
    }
}

impl Monitor for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn seed(&self) -> &HashSeed {
        Map::seed(self)
    }

    fn get(&self, key: &Key) -> Result<Option<Content>> {
        Map::get(self, key)
    }

    fn items(&self) -> Result<Vec<Item>> {
        Map::items(self, true)
    }

    fn try_enter(&self) -> Result<Option<Vec<Item>>> {
        if self.is_mine() {
            return Err(Error::Reentered);
        }
        self.enter(&thread(), entrance(), Place::default())
    }

    fn enter_wait(&self) -> Box<dyn Wait<Vec<Item>> + '_> {
        let (thread, mut number) = (thread(), entrance());
        self.wait_for('w', move |place| {
            let entered = self.enter(&thread, number, place);
            if entered.is_err() {
                // That number may be inside, and leaves soon.
                number = entrance();
            }
            entered
        })
    }

    fn leave(&self, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
        let entrance = inside::leave(self.opened(), &thread()).ok_or(Error::NotOwner)?;
        let stored = expect_atomic(removed, added).and_then(|()| self.store(entrance, removed, added));
        match &stored {
            Ok(()) | Err(Error::Engine(Failure::LeaseLost)) => {}
            // After a failover the server may not know that it has left.
            Err(Error::Engine(
                Failure::NotReplicated { .. } | Failure::Unavailable { .. } | Failure::OutcomeUnknown { .. },
            )) => self.let_others_in(entrance),
            // The server has refused it, or was not asked.
            Err(_) => {
                if self.store(entrance, &[], &[]).is_err_and(|error| error.happened() != Some(true)) {
                    self.let_others_in(entrance);
                }
            }
        }
        stored
    }

    fn is_mine(&self) -> bool {
        inside::has(self.opened(), &thread())
    }

    fn is_of_this_process(&self) -> bool {
        inside::has_one_in(self.opened())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::home::Home;
    use crate::testing::{Program, Server};
    use sharevar::engine::{Engine, Make};
    use std::sync::Arc;

    fn connect(server: &Server) -> Arc<Home> {
        Home::connect(Address::parse(&server.address("shop")).unwrap()).unwrap()
    }

    fn open(home: &Home, monitor: u64) -> Arc<Variable> {
        home.held(&home.client.hold(monitor).unwrap(), monitor)
    }

    #[test]
    fn one_that_waits_for_another_client_of_its_process_can_tell() {
        for server in Program::tested().filter_map(Program::start) {
            let (home, same) = (connect(&server), connect(&server));
            let made = home.create(&Make::Monitor).unwrap();
            let (mine, again) = (open(&home, made.id().number), open(&same, made.id().number));
            assert!(mine.try_enter().unwrap().is_some());
            assert_eq!(mine.try_enter().unwrap_err(), Error::Reentered);
            assert!(again.try_enter().unwrap().is_none() && again.is_of_this_process());
            assert!(mine.is_mine() && !again.is_mine());
            mine.leave(&[], &[]).unwrap();
            assert!(!again.is_of_this_process());
            assert!(again.try_enter().unwrap().is_some());
        }
    }
}
