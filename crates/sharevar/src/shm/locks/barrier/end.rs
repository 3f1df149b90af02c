//! How a generation ends, and a wait in it.

use super::state::{BROKEN, OWED, RUNNING, State, WAS_RESET, index};
use super::{RawBarrier, STATE, outcome};
use crate::engine::barrier::Outcome;
use crate::error::Result;
use crate::shm::locks::waiters::{self, Entry};
use sharevar_arena::{ANY_REASON, Transaction};

impl RawBarrier {
    /// Ends a wait whose time is up: then the barrier is broken, unless it was decided already.
    /// `None` if all have arrived and the action still runs: then it decides.
    pub fn time_out(&self, entry: &Entry) -> Result<Option<Outcome>> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let state = State(transaction.body(variable, STATE));
        if let Some(outcome) = outcome(&transaction, state, entry)? {
            return self.leave_decided(transaction, state, entry, outcome).map(Some);
        }
        if state.is(RUNNING) {
            return Ok(None);
        }
        entry.remove(&mut transaction)?;
        let state = state.with(BROKEN | OWED);
        transaction.set_body(variable, STATE, state.0)?;
        transaction.commit()?;
        self.wake_owed(state)?;
        Ok(Some(Outcome::Broken))
    }

    /// Ends a wait that failed: the caller has not arrived.
    pub fn leave(&self, entry: &Entry) -> Result<()> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let Some(mine) = entry.again(&transaction)? else { return Ok(()) };
        let state = State(transaction.body(variable, STATE));
        mine.remove(&mut transaction)?;
        if state.is_of(mine.stamp) && !state.is(BROKEN) {
            let arrivals = state.arrivals() - 1;
            if index(mine.stamp) != arrivals {
                let all = waiters::entries(&transaction, variable)?;
                if let Some(last) = all.iter().find(|entry| entry.stamp == state.stamp(arrivals)) {
                    last.restamp(&mut transaction, mine.stamp)?;
                }
            }
            transaction.set_body(variable, STATE, state.with_arrivals(arrivals).0)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Ends the wait of the one that ran the action, and releases the others if it went `well` and
    /// none of them has died meanwhile.
    pub fn finish(&self, entry: &Entry, well: bool) -> Result<Outcome> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let state = State(transaction.body(variable, STATE));
        if let Some(outcome) = outcome(&transaction, state, entry)? {
            return self.leave_decided(transaction, state, entry, outcome);
        }
        let mine = entry.again(&transaction)?.ok_or(sharevar_arena::Error::ForeignProcess)?;
        mine.remove(&mut transaction)?;
        let broken = if well {
            self.break_if_one_is_dead(&mut transaction, state)?
        } else {
            Some(state.without(RUNNING).with(BROKEN | OWED))
        };
        let (state, outcome) = match broken {
            None => (state.next().with(OWED), Outcome::Released(index(mine.stamp))),
            Some(broken) => (broken, Outcome::Broken),
        };
        transaction.set_body(variable, STATE, state.0)?;
        transaction.commit()?;
        self.wake_owed(state)?;
        Ok(outcome)
    }

    /// Breaks the barrier, until it is reset.
    pub fn abort(&self) -> Result<()> {
        let broken = self.handle.participant().change(self.handle.variable(), |change| {
            let state = State(change.body(STATE));
            if state.is(BROKEN) {
                return Ok(None);
            }
            let broken = state.without(RUNNING).with(BROKEN | OWED);
            change.change_body(STATE, broken.0);
            Ok(Some(broken))
        })?;
        broken.map_or(Ok(()), |broken| self.wake_owed(broken))
    }

    /// Breaks it for the waiters, and makes it as good as new.
    pub fn reset(&self) -> Result<()> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let state = State(transaction.body(variable, STATE));
        let mut all = waiters::entries(&transaction, variable)?;
        all.retain(|entry| state.is_of(entry.stamp));
        if all.is_empty() && !state.is(BROKEN) {
            return Ok(());
        }
        for entry in &all {
            entry.restamp(&mut transaction, WAS_RESET)?;
        }
        let next = state.next().with(OWED);
        transaction.set_body(variable, STATE, next.0)?;
        transaction.commit()?;
        self.wake_owed(next)
    }

    /// Takes the caller's entry away. If those that decided have not woken the others, this does.
    pub(super) fn leave_decided(
        &self,
        mut transaction: Transaction<'_>,
        state: State,
        entry: &Entry,
        outcome: Outcome,
    ) -> Result<Outcome> {
        entry.remove(&mut transaction)?;
        transaction.commit()?;
        self.wake_owed(state)?;
        Ok(outcome)
    }

    /// Wakes all if that is owed in `state`, and then is owed no more.
    pub(super) fn wake_owed(&self, state: State) -> Result<()> {
        if !state.is(OWED) {
            return Ok(());
        }
        self.point().wake(ANY_REASON, u32::MAX);
        self.handle.participant().change(self.handle.variable(), |change| {
            let now = State(change.body(STATE));
            // A later decision owes its own.
            if now.is(OWED) && now.generation() == state.generation() && now.is(BROKEN) == state.is(BROKEN) {
                change.change_body(STATE, now.without(OWED).0);
            }
            Ok(())
        })?;
        Ok(())
    }
}
