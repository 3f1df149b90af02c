//! Waits: they look at the state again whenever something has changed that may be waited for.

use super::state::State;
use super::variable::Variable;
use crate::engine::held::Engine;
use crate::engine::wait::Wait;
use crate::error::Result;
use std::sync::PoisonError;
use std::time::Duration;

/// The longest sleep: the one that sleeps may have signals to look at.
const LONGEST: Duration = Duration::from_secs(1);

impl Variable {
    /// Changes the state. All waits look again.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State) -> Result<R>) -> Result<R> {
        let mut state = self.begin()?;
        let changed = change(&mut state);
        state.changes += 1;
        self.memory().changed.notify_all();
        changed
    }

    /// A wait until `attempt` takes something from the state. It is told whether a sleep follows if it
    /// does not.
    pub(super) fn wait_for<'a, T: 'a>(
        &'a self,
        attempt: impl FnMut(&mut State, bool) -> Result<Option<T>> + Send + 'a,
    ) -> Box<dyn Wait<T> + 'a> {
        Box::new(StateWait { variable: self, seen: None, attempt })
    }
}

struct StateWait<'a, A> {
    variable: &'a Variable,
    /// The changes so far at the last attempt that announced a sleep, until that sleep.
    seen: Option<u64>,
    attempt: A,
}

impl<T, A: FnMut(&mut State, bool) -> Result<Option<T>> + Send> Wait<T> for StateWait<'_, A> {
    fn attempt(&mut self, announce: bool) -> Result<Option<T>> {
        let mut state = self.variable.begin()?;
        let taken = (self.attempt)(&mut state, announce)?;
        if taken.is_some() {
            // That there is one less may be waited for, too.
            state.changes += 1;
            self.variable.memory().changed.notify_all();
        }
        self.seen = announce.then_some(state.changes);
        Ok(taken)
    }

    fn sleep(&mut self, left: Duration) {
        let Some(seen) = self.seen.take() else { return };
        let memory = self.variable.memory();
        let state = memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.changes == seen && !memory.is_closed() {
            drop(memory.changed.wait_timeout(state, left.min(LONGEST)));
        }
    }
}
