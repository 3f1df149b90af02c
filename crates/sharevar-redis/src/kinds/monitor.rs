//! Monitors: attributes, and the thread whose method changes them.
//!
//! A thread enters by a name that no other has, and it itself never had before. Its changes are made only while
//! it is the last one that has entered: the name is the token by which they are fenced.

use super::exclusive::thread;
use super::map::written;
use crate::error::undone;
use crate::namespace::Keys;
use crate::script::scripts;
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

const PARTS: &str = "mdokw";

/// How one leaves that may be outside already.
const MAYBE: &str = "maybe";
/// The same, whose request to enter may still be on its way: that admits it no more.
const NEVER: &str = "never";

/// The name by which the server knows one that has entered.
fn full_name(session: &Session, entrance: u64) -> String {
    format!("{}/{entrance}", session.client)
}

/// Lets others enter those monitors that threads of this client have not left as they should have.
pub(crate) fn finish(session: &Session) -> Result<()> {
    let mut unfinished = session.take_unfinished();
    while let Some(left) = unfinished.pop() {
        let Err(error) = end(session, left) else { continue };
        if !matches!(error, Error::HandleExpired | Error::Engine(Failure::LeaseLost)) {
            unfinished.push(left);
            for left in unfinished {
                session.let_others_in(left);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn end(session: &Session, left: Unfinished) -> Result<()> {
    let keys = Keys { number: left.monitor, parts: PARTS, is_unconfirmed: true, ..Keys::default() };
    let how = if left.is_answered { MAYBE } else { NEVER };
    let done = session.ask(&LEAVE, keys, |command| {
        command.arg(full_name(session, left.entrance)).arg(how).arg(0);
    });
    done.map(drop).map_err(|failed| session.error(failed))
}

impl Variable {
    fn enter(&self, thread: &str, entrance: u64, place: Place<'_>) -> Result<Option<Vec<Item>>> {
        let answer = self.ask_with_shortfall(&ENTER, PARTS, |session, command| {
            command.arg(full_name(session, entrance)).arg(place.ticket).arg(place.score);
        });
        let answer = answer.inspect_err(|error| {
            if error.happened().is_none() {
                self.let_others_in(entrance, false);
            }
        })?;
        if answer.value == Value::Nil {
            return Ok(None);
        }
        if let Some(shortfall) = answer.shortfall {
            // The variables that the attributes refer to were counted for this client.
            drop(self.read_items(&answer.session, answer.value, true));
            // Two could be inside after a failover.
            let error = self.undo(shortfall.clone(), &LEAVE, PARTS, |session, command| {
                command.arg(full_name(session, entrance)).arg(MAYBE).arg(0);
            });
            if error.happened() != Some(false) {
                self.let_others_in(entrance, true);
            }
            // No method has run, wherever the hold ends.
            return Err(undone(shortfall, true));
        }
        let items = self.read_items(&answer.session, answer.value, true);
        let items = items.inspect_err(|_| self.let_others_in(entrance, true))?;
        self.client.inside.enter(self.number, thread, entrance);
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

    /// Lets others in soon, if the one of that number is inside. Where there is no session its lease has ended.
    fn let_others_in(&self, entrance: u64, is_answered: bool) {
        if let Ok(session) = self.client.session() {
            session.let_others_in(Unfinished { monitor: self.number, entrance, is_answered });
        }
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
        let entrance = self.client.inside.leave(self.number, &thread()).ok_or(Error::NotOwner)?;
        let stored = expect_atomic(removed, added).and_then(|()| self.store(entrance, removed, added));
        match &stored {
            Ok(()) | Err(Error::Engine(Failure::LeaseLost)) => {}
            // After a failover the server may not know that it has left.
            Err(Error::Engine(
                Failure::NotReplicated { .. } | Failure::Unavailable { .. } | Failure::OutcomeUnknown { .. },
            )) => self.let_others_in(entrance, true),
            // The server has refused it, or was not asked.
            Err(_) => {
                if self.store(entrance, &[], &[]).is_err_and(|error| error.happened() != Some(true)) {
                    self.let_others_in(entrance, true);
                }
            }
        }
        stored
    }

    fn is_mine(&self) -> bool {
        self.client.inside.has(self.number, &thread())
    }

    fn is_of_this_process(&self) -> bool {
        self.client.inside.has_one_in(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::home::Home;
    use crate::testing::Program;
    use sharevar::engine::{Engine, Make};

    /// A request to enter may come after its sender has said that it has given up.
    #[test]
    fn an_entrance_that_was_given_up_admits_no_thread() {
        for server in Program::tested().filter_map(Program::start) {
            let home = Home::connect(Address::parse(&server.address("shop")).unwrap()).unwrap();
            let monitor = home.create(&Make::Monitor).unwrap().id().number;
            let session = home.client.hold(monitor).unwrap();
            let variable = home.held(&session, monitor);
            let entrance = entrance();
            end(&session, Unfinished { monitor, entrance, is_answered: false }).unwrap();
            let entered = variable.enter(&thread(), entrance, Place::default());
            assert_eq!(entered.unwrap_err(), Error::Engine(Failure::LeaseLost));
            assert!(variable.try_enter().unwrap().is_some());
        }
    }
}
