//! The condition: a list of waiters, of whom some are notified, in the order in which they came.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | handle of the lock that belongs to it |
//! | 1 | the waiters' list; their stamps are tickets, given out in order |
//! | 2 | last ticket given out |
//! | 3 | last ticket that is notified |
//! | 4 | last ticket that had been given out at the last notification |
//! | 5 | the time of the last look for dead waiters |
//! | 6, 7 | wait point |
//!
//! A waiter keeps its entry until it has its lock back. So a notification that finds its waiter
//! dead, or leaving by an error, is seen to be lost, and passes to the next one of those that
//! waited when it was made (word 4): a later one has looked at the condition itself since.

use super::dead_waiters;
use super::waiters::{self, Entry};
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{Participant, Transaction, Variable, WaitPoint};
use sharevar_value::Word;
use std::sync::Arc;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

const LOCK: usize = 0;
const TICKET: usize = 2;
const NOTIFIED: usize = 3;
const HORIZON: usize = 4;

/// A shared condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCondition {
    handle: Handle,
    lock: Handle,
}

impl RawCondition {
    /// Makes a condition whose waiters let go of `lock`, which is in the same arena.
    pub fn create(participant: &Arc<Participant>, lock: &Handle) -> Result<Self> {
        if lock.participant().arena_id() != participant.arena_id() {
            return Err(Error::OtherManager {
                arena: crate::shm::handle::arena_identity(lock.participant()),
            });
        }
        if !matches!(lock.kind(), Some(Kind::Lock | Kind::RLock)) {
            let found = lock.kind().map_or("unknown", Kind::name);
            return Err(sharevar_arena::Error::WrongKind { found, expected: "lock or rlock" }.into());
        }
        let handle = Handle::create(participant, Kind::Condition)?;
        let mut transaction = participant.begin()?;
        transaction.add_reference(lock.variable())?;
        transaction.lock(handle.variable())?;
        transaction.set_body(handle.variable(), LOCK, Word::handle(lock.variable().header()).0)?;
        transaction.commit()?;
        Ok(Self { handle, lock: lock.clone() })
    }

    /// The condition that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        let handle = handle.expect(Kind::Condition)?;
        let participant = handle.participant();
        let lock = content::read_at_once(&handle, |source| Ok(Word(source.body(LOCK)).handle_offset()))?;
        let lock = lock.ok_or(sharevar_arena::Error::Corrupt {
            what: "a condition has no lock",
            offset: handle.variable().header(),
        })?;
        // The condition keeps it alive.
        let lock = Handle::open(participant, participant.variable_at(lock)?)?;
        Ok(Self { handle, lock })
    }

    /// The handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The lock that belongs to it.
    pub fn lock(&self) -> &Handle {
        &self.lock
    }

    /// Where its waiters sleep.
    fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    /// Begins to wait, by a caller that still holds the lock. Each entry must be given to
    /// [`Self::leave`] or [`Self::give_up`] at the end.
    pub fn join(&self) -> Result<Entry> {
        let variable = self.handle.variable();
        loop {
            let mut transaction = self.begin()?;
            if let Some(place) = waiters::free_place(&transaction, variable)? {
                let ticket = transaction.body(variable, TICKET) + 1;
                transaction.set_body(variable, TICKET, ticket)?;
                let entry = place.enter(&mut transaction, ticket)?;
                transaction.commit()?;
                return Ok(entry);
            }
            let all = waiters::entries(&transaction, variable)?;
            drop(transaction);
            if !self.remove_dead_among(&all)? {
                waiters::grow(&self.handle)?;
            }
        }
    }

    /// A wait of the caller, which has that entry, until it is notified. It leaves the entry where it
    /// is.
    pub fn notified_wait(&self, entry: &Entry) -> impl Wait<()> + '_ {
        let entry = *entry;
        PointWait::new(
            self.point(),
            entry.reason,
            move || self.is_notified(&entry),
            move |announce| self.attempt(&entry, announce),
        )
    }

    /// Whether a waiter seems to be notified: without the lock, for spinning waiters.
    pub fn is_notified(&self, entry: &Entry) -> bool {
        let notified = |peek: &sharevar_arena::Peek<'_>| Some(peek.body(NOTIFIED) >= entry.stamp);
        self.handle.participant().peek(self.handle.variable(), notified) == Some(true)
    }

    /// Whether a waiter is notified, asked by itself. Before it sleeps, it looks after the others.
    pub fn attempt(&self, entry: &Entry, sleeps: bool) -> Result<Option<()>> {
        if !sleeps {
            return Ok(self.is_notified(entry).then_some(()));
        }
        if dead_waiters::is_due(&self.handle)? {
            self.look_after_notified()?;
        }
        let transaction = self.begin()?;
        let notified = transaction.body(self.handle.variable(), NOTIFIED) >= entry.stamp;
        transaction.commit()?;
        Ok(notified.then_some(()))
    }

    /// Ends the caller's wait, whether by a notification, which this uses up, or not. Which of
    /// the two it was.
    pub fn leave(&self, entry: Entry) -> Result<bool> {
        self.end(&entry, false)
    }

    /// Ends the caller's wait, which failed: had it been notified, the next one is instead.
    pub fn give_up(&self, entry: Entry) -> Result<()> {
        self.end(&entry, true).map(|_| ())
    }

    fn end(&self, entry: &Entry, passes_on: bool) -> Result<bool> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let Some(entry) = entry.again(&transaction)? else { return Ok(false) };
        let notified = entry.stamp <= transaction.body(variable, NOTIFIED);
        entry.remove(&mut transaction)?;
        let woken = if notified && passes_on { self.pass_on(&mut transaction, 1)? } else { 0 };
        transaction.commit()?;
        self.wake(woken);
        Ok(notified)
    }

    /// Notifies those `most` living waiters that have waited longest. How many there were; if they
    /// are all that wait, the dead among them count, for no other could be notified in their place.
    #[inline]
    pub fn notify(&self, most: u64) -> Result<u64> {
        if self.are_all_notified() { Ok(0) } else { self.notify_waiters(most) }
    }

    /// Returns whether a look without the lock shows that no waiter is left to notify. A process that
    /// may change nothing gets its error from the whole operation.
    #[inline(always)]
    fn are_all_notified(&self) -> bool {
        let participant = self.handle.participant();
        let are_all =
            |peek: &sharevar_arena::Peek<'_>| (peek.body(NOTIFIED) >= peek.body(TICKET)).then_some(());
        !participant.identity().is_none() && participant.peek(self.handle.variable(), are_all).is_some()
    }

    fn notify_waiters(&self, most: u64) -> Result<u64> {
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let last = transaction.body(variable, TICKET);
        let (reasons, count) = self.mark(&mut transaction, most, last)?;
        if count > 0 {
            transaction.set_body(variable, HORIZON, last)?;
        } else if most > 0 {
            // Those up to there have given up or are dead. The next notification sees it by a look.
            transaction.set_body(variable, NOTIFIED, last)?;
        }
        transaction.commit()?;
        self.wake(reasons);
        Ok(count)
    }

    /// How many entries there are of waiters, and how many of those that are notified and have not
    /// left yet. Entries of the dead that no process has found yet are among them.
    pub fn counts(&self) -> Result<(u64, u64)> {
        let (entries, notified) = self.entries()?;
        let left = entries.iter().filter(|entry| entry.stamp <= notified).count() as u64;
        Ok((entries.len() as u64 - left, left))
    }

    /// How many living ones wait, and how many are notified and have not left yet.
    pub fn living(&self) -> Result<(u64, u64)> {
        let (entries, _) = self.entries()?;
        self.remove_dead_among(&entries)?;
        self.counts()
    }

    /// All entries, and the last ticket that is notified.
    fn entries(&self) -> Result<(Vec<Entry>, u64)> {
        let variable = self.handle.variable();
        let transaction = self.begin()?;
        let notified = transaction.body(variable, NOTIFIED);
        let entries = waiters::entries(&transaction, variable)?;
        transaction.commit()?;
        Ok((entries, notified))
    }

    // Inlined, since each return of a transaction moves it.
    #[inline(always)]
    fn begin(&self) -> Result<Transaction<'_>> {
        let mut transaction = self.handle.participant().begin()?;
        transaction.lock(self.handle.variable())?;
        Ok(transaction)
    }

    fn wake(&self, reasons: u32) {
        if reasons != 0 {
            self.point().wake(reasons, u32::MAX);
        }
    }

    /// Notifies the first `most` living ones of those whose tickets are at most `last`, and takes
    /// away the dead before them. The bits to wake, and how many they are.
    fn mark(&self, transaction: &mut Transaction<'_>, most: u64, last: u64) -> Result<(u32, u64)> {
        let variable = self.handle.variable();
        let notified = transaction.body(variable, NOTIFIED);
        let mut waiting = waiters::entries(transaction, variable)?;
        waiting.retain(|entry| entry.stamp > notified && entry.stamp <= last);
        waiting.sort_unstable_by_key(|entry| entry.stamp);
        // If all of them are notified, none is notified in the place of a dead one.
        let asks = most < waiting.len() as u64;
        let (mut reasons, mut count, mut last) = (0, 0, None);
        for entry in waiting {
            if count == most {
                break;
            }
            if asks && !self.handle.participant().is_alive(entry.owner) {
                entry.remove(transaction)?;
                continue;
            }
            (reasons, count, last) = (reasons | entry.reason, count + 1, Some(entry.stamp));
        }
        if let Some(last) = last {
            transaction.set_body(variable, NOTIFIED, last)?;
        }
        Ok((reasons, count))
    }

    /// Notifies others in place of so many that were notified and are gone.
    fn pass_on(&self, transaction: &mut Transaction<'_>, count: u64) -> Result<u32> {
        let horizon = transaction.body(self.handle.variable(), HORIZON);
        Ok(self.mark(transaction, count, horizon)?.0)
    }

    /// Wakes those once more that are notified and still there, since the notifier may have died
    /// before it woke them; and passes the notifications of the dead among them on.
    fn look_after_notified(&self) -> Result<()> {
        let (mut entries, notified) = self.entries()?;
        entries.retain(|entry| entry.stamp <= notified);
        self.wake(waiters::reasons(&entries));
        self.remove_dead_among(&entries).map(|_| ())
    }

    /// Takes away those of `entries` whose owners are dead, and passes their notifications on.
    /// Whether there were any.
    fn remove_dead_among(&self, entries: &[Entry]) -> Result<bool> {
        let dead = dead_waiters::dead_among(self.handle.participant(), entries);
        if dead.is_empty() {
            return Ok(false);
        }
        let variable = self.handle.variable();
        let mut transaction = self.begin()?;
        let notified = transaction.body(variable, NOTIFIED);
        let mut lost = 0;
        for entry in waiters::entries(&transaction, variable)? {
            if dead.contains(&entry.owner) {
                entry.remove(&mut transaction)?;
                lost += u64::from(entry.stamp <= notified);
            }
        }
        let woken = if lost > 0 { self.pass_on(&mut transaction, lost)? } else { 0 };
        transaction.commit()?;
        self.wake(woken);
        Ok(true)
    }
}

/// Takes a bounded part of a dying condition away.
fn reap(participant: &Participant, variable: Variable) -> sharevar_arena::Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock(variable)?;
    let lock = transaction.body(variable, LOCK);
    if lock != 0 {
        transaction.set_body(variable, LOCK, 0)?;
        transaction.free_on_commit(lock)?;
    }
    let empty = waiters::reap(&mut transaction, variable)?;
    transaction.commit()?;
    Ok(empty)
}

/// Names the lock and the chunks of waiters.
fn trace(source: &AtOnce<'_, '_>, _living: bool, visit: &mut dyn FnMut(u64)) -> sharevar_arena::Result<()> {
    let lock = source.body(LOCK);
    if lock != 0 {
        visit(lock);
    }
    waiters::trace(source, visit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::Manager;
    use crate::shm::RawLock;

    #[test]
    fn a_waiter_that_has_given_up_costs_one_notification_its_look() {
        let manager = Manager::new().unwrap();
        let participant = manager.participant().unwrap();
        let lock = RawLock::create(participant, None).unwrap();
        let condition = RawCondition::create(participant, lock.handle()).unwrap();
        assert!(condition.are_all_notified());
        let entry = condition.join().unwrap();
        assert!(!condition.leave(entry).unwrap());
        assert!(!condition.are_all_notified());
        assert_eq!(condition.notify(1).unwrap(), 0);
        assert!(condition.are_all_notified());
        let entry = condition.join().unwrap();
        assert_eq!(condition.notify(1).unwrap(), 1);
        assert!(condition.leave(entry).unwrap());
    }
}
