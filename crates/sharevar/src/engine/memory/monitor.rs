//! Monitors: attributes, and the thread whose method changes them.

use super::bodies::{Entrance, Thread};
use super::state::State;
use super::variable::Variable;
use crate::engine::content::{Content, Item};
use crate::engine::failure::Failure;
use crate::engine::handle::Handle;
use crate::engine::map::Map;
use crate::engine::monitor::{Monitor, entrance, expect_atomic};
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use sharevar_value::{Encoded, HashSeed, Key};
use std::sync::PoisonError;
use std::time::Duration;

impl Variable {
    fn enter(&self, state: &mut State, number: u64) -> Result<Option<Vec<Item>>> {
        let entrance = Entrance { client: state.client, number };
        if !state.monitor(self.number)?.enter(entrance) {
            return Ok(None);
        }
        self.read_items(state, true).map(Some)
    }

    /// A thread has learnt that it is inside, or that it is not known.
    fn entered<T>(&self, thread: Thread, number: u64, entered: Result<Option<T>>) -> Result<Option<T>> {
        match entered {
            Ok(Some(_)) => {
                let mut inside = self.memory().inside.lock().unwrap_or_else(PoisonError::into_inner);
                inside.insert((self.number, thread), number);
            }
            Ok(None) => {}
            Err(_) => self.let_others_in(number),
        }
        entered
    }

    /// Lets others in with the next request, if a thread is still inside.
    fn let_others_in(&self, number: u64) {
        let mut unfinished = self.memory().unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        unfinished.push((self.number, number));
    }
}

impl Monitor for Variable {
    fn handle(&self) -> Handle {
        self.another()
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
        let number = entrance();
        let entered = self.ask(|state| self.enter(state, number));
        self.entered(Thread::current(), number, entered)
    }

    fn enter_wait(&self) -> Box<dyn Wait<Vec<Item>> + '_> {
        let (number, thread) = (entrance(), Thread::current());
        let wait = self.wait_for(move |state, _| self.enter(state, number));
        Box::new(Entering { variable: self, number, thread, wait })
    }

    fn leave(&self, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
        let thread = Thread::current();
        let mine = {
            let mut inside = self.memory().inside.lock().unwrap_or_else(PoisonError::into_inner);
            inside.remove(&(self.number, thread))
        };
        let number = mine.ok_or(Error::NotOwner)?;
        let left = self.change(|state| {
            let entrance = Entrance { client: state.client, number };
            if !state.monitor(self.number)?.is_inside(entrance) {
                return Err(Failure::LeaseLost.into());
            }
            let stored = expect_atomic(removed, added).and_then(|()| {
                let is_changed = !removed.is_empty() || !added.is_empty();
                if is_changed { self.remove_and_set(state, removed, added) } else { Ok(()) }
            });
            state.leave(self.number, entrance);
            stored
        });
        if left.is_err() {
            self.let_others_in(number);
        }
        left
    }

    fn is_mine(&self) -> bool {
        // It may run Python code, so no lock is held.
        let thread = Thread::current();
        let inside = self.memory().inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.contains_key(&(self.number, thread))
    }

    fn is_of_this_process(&self) -> bool {
        let inside = self.memory().inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.keys().any(|(number, _)| *number == self.number)
    }
}

/// A thread that waits until it is inside.
struct Entering<'a> {
    variable: &'a Variable,
    number: u64,
    thread: Thread,
    wait: Box<dyn Wait<Vec<Item>> + 'a>,
}

impl Wait<Vec<Item>> for Entering<'_> {
    fn attempt(&mut self, announce: bool) -> Result<Option<Vec<Item>>> {
        let entered = self.wait.attempt(announce);
        self.variable.entered(self.thread, self.number, entered)
    }

    fn sleep(&mut self, left: Duration) {
        self.wait.sleep(left);
    }
}
