//! Waits: they look at the state again whenever something has changed that may be waited for.

use super::state::State;
use super::variable::Variable;
use crate::engine::wait::Wait;
use crate::error::Result;
use std::time::Duration;

/// The longest sleep: the one that sleeps may have signals to look at.
const LONGEST: Duration = Duration::from_secs(1);

impl Variable {
    /// Changes the state. All waits look again.
    pub(super) fn change<R>(&self, mut change: impl FnMut(&mut State) -> Result<R>) -> Result<R> {
        self.ask(|state| {
            state.changes += 1;
            change(state)
        })
    }

    /// A wait until `attempt` takes something from the state. It is told whether a sleep follows if it
    /// does not.
    pub(super) fn wait_for<'a, T: 'a>(
        &'a self,
        attempt: impl FnMut(&mut State, bool) -> Result<Option<T>> + Send + 'a,
    ) -> Box<dyn Wait<T> + 'a> {
        self.wait_then(attempt, |taken| taken)
    }

    /// The same. `receive` is called with what was taken once the client has it, and not when the server's
    /// reply is lost.
    pub(super) fn wait_then<'a, U: 'a, T: 'a>(
        &'a self,
        attempt: impl FnMut(&mut State, bool) -> Result<Option<U>> + Send + 'a,
        receive: impl FnMut(U) -> T + Send + 'a,
    ) -> Box<dyn Wait<T> + 'a> {
        Box::new(StateWait { variable: self, seen: None, attempt, receive })
    }
}

struct StateWait<'a, A, R> {
    variable: &'a Variable,
    /// The changes so far at the last attempt that announced a sleep, until that sleep.
    seen: Option<u64>,
    attempt: A,
    receive: R,
}

impl<T, U, A, R> Wait<T> for StateWait<'_, A, R>
where
    A: FnMut(&mut State, bool) -> Result<Option<U>> + Send,
    R: FnMut(U) -> T + Send,
{
    fn attempt(&mut self, announce: bool) -> Result<Option<T>> {
        let (taken, changes) = self.variable.ask(|state| {
            let taken = (self.attempt)(state, announce)?;
            // That there is one less may be waited for, too.
            state.changes += u64::from(taken.is_some());
            Ok((taken, state.changes))
        })?;
        self.seen = announce.then_some(changes);
        Ok(taken.map(&mut self.receive))
    }

    fn sleep(&mut self, left: Duration) {
        if let Some(seen) = self.seen.take() {
            self.variable.memory().server.sleep(seen, left.min(LONGEST));
        }
    }
}
