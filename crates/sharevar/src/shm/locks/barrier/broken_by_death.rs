//! A barrier whose waiter dies: it breaks, since not all can arrive any more.

use super::state::{BROKEN, OWED, RUNNING, State};
use super::{RawBarrier, STATE};
use crate::error::Result;
use crate::shm::locks::dead_waiters::dead_among;
use crate::shm::locks::waiters::{self, Entry};
use sharevar_arena::Transaction;

impl RawBarrier {
    /// Breaks the generation if one that waits in it is dead, and takes the dead of it away. The
    /// state that this sets; the caller commits, and wakes.
    pub(super) fn break_if_one_is_dead(
        &self,
        transaction: &mut Transaction<'_>,
        state: State,
    ) -> Result<Option<State>> {
        let variable = self.handle.variable();
        let mut arrived = waiters::entries(transaction, variable)?;
        arrived.retain(|entry| state.is_of(entry.stamp));
        let dead = dead_among(self.handle.participant(), &arrived);
        if dead.is_empty() {
            return Ok(None);
        }
        for entry in arrived.iter().filter(|entry| dead.contains(&entry.owner)) {
            entry.remove(transaction)?;
        }
        let broken = state.without(RUNNING).with(BROKEN | OWED);
        transaction.set_body(variable, STATE, broken.0)?;
        Ok(Some(broken))
    }

    pub(super) fn look_after_all(&self) -> Result<()> {
        let transaction = self.begin()?;
        let all = waiters::entries(&transaction, self.handle.variable())?;
        transaction.commit()?;
        self.remove_dead_among(&all).map(|_| ())
    }

    /// Breaks the generation if one of it is dead, since not all can arrive any more; and takes
    /// the dead away. Whether there were any.
    pub(super) fn remove_dead_among(&self, entries: &[Entry]) -> Result<bool> {
        let dead = dead_among(self.handle.participant(), entries);
        if dead.is_empty() {
            return Ok(false);
        }
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let mut state = State(transaction.body(variable, STATE));
        for entry in waiters::entries(&transaction, variable)? {
            if dead.contains(&entry.owner) {
                entry.remove(&mut transaction)?;
                if state.is_of(entry.stamp) && !state.is(BROKEN) {
                    state = state.without(RUNNING).with(BROKEN | OWED);
                }
            }
        }
        transaction.set_body(variable, STATE, state.0)?;
        transaction.commit()?;
        self.wake_owed(state)?;
        Ok(true)
    }
}
