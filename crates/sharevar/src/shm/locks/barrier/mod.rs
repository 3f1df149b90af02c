//! The barrier: so many arrivals make a generation, which then is released, or else broken.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | the action: absent if there is none, none if only its maker's processes know it, else its value |
//! | 1 | the waiters' list; a stamp is generation and index |
//! | 2 | the state |
//! | 3 | number of parties |
//! | 4 | seconds that a wait may take if it does not say otherwise; not a number: for ever |
//! | 5 | the time of the last look for dead waiters |
//! | 6, 7 | wait point |
//!
//! The state is one word, so one store decides a generation.
//!
//! A waiter whose generation is over was released, unless its stamp says that it was reset. So
//! no waiter waits until all have left, and late ones do not disturb the next generation.
//! Indices have no gaps: when a waiter leaves early, the last to arrive gets its index.
//!
//! An arrival counts only while its process lives. The step that would release a generation asks
//! about every waiter of it, in the same transaction, and breaks the barrier if one is dead. The
//! watch alone would be too late: a complete generation lets go before the next look is due.

mod broken_by_death;
mod end;
mod state;
mod wait;

use super::dead_waiters::is_due;
use super::waiters::{self, Entry};
use crate::engine::barrier::Outcome;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::content::{self, Cell, Content};
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Participant, Transaction, Variable, WaitPoint};
use sharevar_value::{Encoded, Word};
use state::{BROKEN, OWED, RUNNING, State, WAS_RESET, index};
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

const ACTION: usize = 0;
const STATE: usize = 2;
const PARTIES: usize = 3;
const LIMIT: usize = 4;

/// The next step of a waiter that has arrived.
#[derive(Debug, Clone, Copy)]
pub enum Arrival {
    /// Nothing: all are there and released, or the barrier is broken.
    Done(Outcome),
    /// To wait for the others: [`RawBarrier::outcome_wait`].
    Wait(Entry),
    /// To run the action: all are there. Then [`RawBarrier::finish`].
    Run(Entry),
}

/// A shared barrier. The arguments it was made with never change, so they are read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBarrier {
    handle: Handle,
    parties: u64,
    /// The bits of a float.
    limit: u64,
}

struct Action;

impl Cell for Action {
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>> {
        Ok(Some(Word(source.body(ACTION))))
    }
}

impl RawBarrier {
    /// Makes a barrier for `parties` arrivals, of which the last one runs `action`.
    pub fn create(
        participant: &Arc<Participant>,
        parties: u64,
        action: Option<&Encoded>,
        limit: Option<f64>,
    ) -> Result<Self> {
        let handle = Handle::create(participant, Kind::Barrier)?;
        let variable = handle.variable();
        let mut transaction = participant.begin()?;
        let action = match action {
            Some(action) => content::store(&mut transaction, action)?,
            None => Word::ABSENT,
        };
        transaction.lock(variable)?;
        transaction.set_body(variable, ACTION, action.0)?;
        transaction.set_body(variable, PARTIES, parties)?;
        transaction.set_body(variable, LIMIT, limit.unwrap_or(f64::NAN).to_bits())?;
        transaction.commit()?;
        Self::from_handle(handle)
    }

    /// The barrier that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        let handle = handle.expect(Kind::Barrier)?;
        let [parties, limit] =
            content::read_at_once(&handle, |source| Ok([PARTIES, LIMIT].map(|index| source.body(index))))?;
        Ok(Self { handle, parties, limit })
    }

    /// The handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where its waiters sleep.
    fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    /// The action; absent if there is none.
    pub fn action(&self) -> Result<Content> {
        Ok(content::read_cell(&self.handle, &Action)?.unwrap_or(Content::Word(Word::ABSENT)))
    }

    /// How many must arrive.
    pub fn parties(&self) -> u64 {
        self.parties
    }

    /// How many seconds a wait may take if it does not say otherwise; `None` is for ever.
    pub fn limit(&self) -> Option<f64> {
        Some(f64::from_bits(self.limit)).filter(|limit| !limit.is_nan())
    }

    /// How many entries there are: of the waiters, and of those that have not left yet.
    pub fn count(&self) -> Result<usize> {
        let transaction = self.begin()?;
        let all = waiters::entries(&transaction, self.handle.variable())?;
        transaction.commit()?;
        Ok(all.len())
    }

    /// How many wait, none if it is broken. A dead waiter that is found breaks it.
    pub fn waiting(&self) -> Result<u64> {
        let state = self.state_of_the_living()?;
        Ok(if state.is(BROKEN) { 0 } else { state.arrivals() })
    }

    /// Whether it is broken. A dead waiter that is found breaks it.
    pub fn is_broken(&self) -> Result<bool> {
        Ok(self.state_of_the_living()?.is(BROKEN))
    }

    /// Arrives. An entry that this returns must be given back at the end. `None` while the action of
    /// a generation runs, all of which has arrived: [`Self::arrive_wait`].
    pub fn try_arrive(&self) -> Result<Option<Arrival>> {
        let variable = self.handle.variable();
        loop {
            let mut transaction = self.begin()?;
            let state = State(transaction.body(variable, STATE));
            if state.is(BROKEN) {
                return Ok(Some(Arrival::Done(Outcome::Broken)));
            }
            let index = state.arrivals();
            let is_last = index + 1 >= self.parties;
            if (is_last || state.is(RUNNING))
                && let Some(broken) = self.break_if_one_is_dead(&mut transaction, state)?
            {
                transaction.commit()?;
                self.wake_owed(broken)?;
                return Ok(Some(Arrival::Done(Outcome::Broken)));
            }
            if state.is(RUNNING) {
                return Ok(None);
            }
            let has_action = !Word(transaction.body(variable, ACTION)).is_absent();
            if is_last && !has_action {
                let next = if index == 0 { state.next() } else { state.next().with(OWED) };
                transaction.change_body(variable, STATE, next.0);
                transaction.commit()?;
                self.wake_owed(next)?;
                return Ok(Some(Arrival::Done(Outcome::Released(index))));
            }
            if let Some(place) = waiters::free_place(&transaction, variable)? {
                let entry = place.enter(&mut transaction, state.stamp(index))?;
                let state = state.with_arrivals(index + 1);
                let state = if is_last { state.with(RUNNING) } else { state };
                transaction.set_body(variable, STATE, state.0)?;
                transaction.commit()?;
                return Ok(Some(if is_last { Arrival::Run(entry) } else { Arrival::Wait(entry) }));
            }
            let all = waiters::entries(&transaction, variable)?;
            drop(transaction);
            if !self.remove_dead_among(&all)? {
                waiters::grow(&self.handle)?;
            }
        }
    }

    /// Whether the generation of a waiter seems to be over: without the lock, for spinning waiters.
    pub fn is_over(&self, entry: &Entry) -> bool {
        self.peek().is_some_and(|state| state.is(BROKEN) || !state.is_of(entry.stamp))
    }

    /// The outcome for a waiter, with which its wait is over. Before it sleeps, it looks for dead ones.
    pub fn attempt(&self, entry: &Entry, sleeps: bool) -> Result<Option<Outcome>> {
        if sleeps && !self.is_over(entry) && is_due(&self.handle)? {
            self.look_after_all()?;
        }
        if !sleeps && !self.is_over(entry) {
            return Ok(None);
        }
        let transaction = self.begin()?;
        let state = State(transaction.body(self.handle.variable(), STATE));
        match outcome(&transaction, state, entry)? {
            Some(outcome) => self.leave_decided(transaction, state, entry, outcome).map(Some),
            None => Ok(None),
        }
    }

    fn begin(&self) -> Result<Transaction<'_>> {
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(self.handle.variable())?;
        Ok(transaction)
    }

    fn peek(&self) -> Option<State> {
        self.handle.participant().peek(self.handle.variable(), |peek| Some(State(peek.body(STATE))))
    }

    fn state(&self) -> Result<State> {
        match self.peek() {
            Some(state) => Ok(state),
            None => Ok(content::read_at_once(&self.handle, |source| Ok(State(source.body(STATE))))?),
        }
    }

    fn state_of_the_living(&self) -> Result<State> {
        let state = self.state()?;
        if state.is(BROKEN) || state.arrivals() == 0 {
            return Ok(state);
        }
        self.look_after_all()?;
        self.state()
    }
}

/// The outcome of the caller's generation, if it is decided.
fn outcome(transaction: &Transaction<'_>, state: State, entry: &Entry) -> Result<Option<Outcome>> {
    // A forked child has a copy of its parent's entry, and has not arrived.
    let mine = entry.again(transaction)?.ok_or(sharevar_arena::Error::ForeignProcess)?;
    Ok(if mine.stamp == WAS_RESET || state.is_of(mine.stamp) && state.is(BROKEN) {
        Some(Outcome::Broken)
    } else if state.is_of(mine.stamp) {
        None
    } else {
        Some(Outcome::Released(index(mine.stamp)))
    })
}

/// Takes a bounded part of a dying barrier away.
fn reap(participant: &Participant, variable: Variable) -> sharevar_arena::Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock(variable)?;
    let action = Word(transaction.body(variable, ACTION));
    transaction.set_body(variable, ACTION, 0)?;
    content::free_on_commit(&mut transaction, action)?;
    let empty = waiters::reap(&mut transaction, variable)?;
    transaction.commit()?;
    Ok(empty)
}

/// Names what the barrier leads to.
fn trace(source: &AtOnce<'_, '_>, _living: bool, visit: &mut dyn FnMut(u64)) -> sharevar_arena::Result<()> {
    content::trace(source, Word(source.body(ACTION)), visit)?;
    waiters::trace(source, visit)
}
