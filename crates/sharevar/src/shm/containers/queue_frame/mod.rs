//! The frame of all queues: counts, limit, tasks, waiting, and the end.
//!
//! How the items are arranged is the business of each kind, which has [`FIRST`] and [`LAST`] for it.
//! Everything else is here: a kind puts and takes under the lock, changes [`TAIL`] or [`HEAD`], and
//! says so ([`QueueFrame::tell_getters`], [`QueueFrame::tell_putters`]).
//!
//! | body word | holds |
//! |---|---|
//! | 0 | head: items taken so far |
//! | 1 | tail: items put so far |
//! | 2, 3 | where the items are, by the kind |
//! | 4 | most items at a time in bits 0 to 47, 0 = no limit; 48 to 50 of the kind; flags |
//! | 5 | tasks done |

mod as_engine;
mod filled_emptied;
mod kind;
mod readiness;
mod room;
mod shut_down;
mod words;

pub use kind::{Got, QueueKind};
pub use readiness::{Enter, Readiness};

use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::point_wait::PointWait;
use sharevar_arena::{Participant, WaitPoint};
use std::sync::Arc;

pub(super) const HEAD: usize = 0;
pub(super) const TAIL: usize = 1;
/// The two words of the kind.
pub(super) const FIRST: usize = 2;
pub(super) const LAST: usize = 3;
pub(super) const STATE: usize = 4;
const DONE: usize = 5;

pub(super) const LIMIT: u64 = (1 << 48) - 1;
/// A thread waits for the first item to come, on behalf of a descriptor.
const FILLED: u64 = 1 << 58;
/// One waits for the last item to go.
const EMPTIED: u64 = 1 << 59;
const WATCHED: u64 = FILLED | EMPTIED;
pub(super) const GETTERS: u64 = 1 << 60;
pub(super) const PUTTERS: u64 = 1 << 61;
const JOINERS: u64 = 1 << 62;
pub(super) const SHUT_DOWN: u64 = 1 << 63;

/// Reason to wait: there is no item.
const ITEM: u32 = 1;
/// Reason to wait: there is no room.
const ROOM: u32 = 2;
/// Reason to wait: tasks are not done.
const ALL_DONE: u32 = 4;
/// Reason to wait: the first item has not come.
const FIRST_ITEM: u32 = 8;
/// Reason to wait: the last item has not gone.
const NO_ITEM: u32 = 16;

/// Whether there is no room in a queue of that state.
#[inline(always)]
pub(super) fn is_full(state: u64, head: u64, tail: u64) -> bool {
    let limit = state & LIMIT;
    limit != 0 && tail.wrapping_sub(head) >= limit
}

/// A queue in an arena, without its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFrame {
    pub(super) handle: Handle,
}

impl QueueFrame {
    /// Makes an empty queue of a kind, of at most `limit` items at a time; 0 is no limit, and so is
    /// more than memory holds. `form` are the bits of its state that are the kind's.
    pub(super) fn create(participant: &Arc<Participant>, kind: Kind, limit: u64, form: u64) -> Result<Self> {
        let queue = Self { handle: Handle::create(participant, kind)? };
        queue.change_state(|_| bounded(limit) | form)?;
        Ok(queue)
    }

    /// The queue of a kind that a handle leads to.
    pub(super) fn from_handle(handle: Handle, kind: Kind) -> Result<Self> {
        Ok(Self { handle: handle.expect(kind)? })
    }

    /// The handle.
    #[inline(always)]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The most items at a time; 0 is no limit.
    pub fn limit(&self) -> Result<u64> {
        Ok(self.state()? & LIMIT)
    }

    /// Sets the most items at a time. Those that are too many already stay.
    pub fn set_limit(&self, limit: u64) -> Result<()> {
        self.change_state(|state| state & !LIMIT | bounded(limit))?;
        self.point().wake(ROOM, u32::MAX);
        Ok(())
    }

    /// Number of items, exact at some moment of this call.
    #[inline]
    pub fn len(&self) -> Result<u64> {
        Ok(self.positions()?.1)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Whether there is no room for another item.
    pub fn is_full(&self) -> Result<bool> {
        let limit = self.limit()?;
        Ok(limit != 0 && self.len()? >= limit)
    }

    /// Whether the queue was shut down.
    pub fn is_shut_down(&self) -> Result<bool> {
        Ok(self.state()? & SHUT_DOWN != 0)
    }

    /// Items that were put and not yet said to be done.
    pub fn unfinished(&self) -> Result<u64> {
        Ok(self.with_lock(|change| Ok(change.body(TAIL) - change.body(DONE)))?)
    }

    /// Says that an item that was taken is dealt with. [`Error::NoTaskLeft`] if all were.
    pub fn task_done(&self) -> Result<()> {
        let waited_for = self.with_lock(|change| {
            let (tail, done) = (change.body(TAIL), change.body(DONE));
            if done >= tail {
                return Ok(None);
            }
            change.change_body(DONE, done + 1);
            Ok(Some(done + 1 == tail && change.body(STATE) & JOINERS != 0))
        })?;
        match waited_for {
            Some(true) => self.wake(JOINERS, u32::MAX),
            Some(false) => {}
            None => return Err(Error::NoTaskLeft),
        }
        Ok(())
    }

    /// Whether every item that was put is done. `announce` says, if not, that a thread is about
    /// to sleep until all are.
    pub fn try_join(&self, announce: bool) -> Result<bool> {
        Ok(self.with_lock(|change| {
            let all_done = change.body(DONE) == change.body(TAIL);
            if announce && !all_done {
                change.change_body(STATE, change.body(STATE) | JOINERS);
            }
            Ok(all_done)
        })?)
    }

    /// Ends the queue for all processes: no item can be put any more, and where none is left none
    /// can be got. `immediate` takes away the items that are still there, as done; their memory
    /// comes back bit by bit. All waiters are woken.
    pub fn shut_down(&self, immediate: bool) -> Result<()> {
        if immediate {
            self.shut_down_and_empty()?;
        } else {
            self.change_state(|state| state | SHUT_DOWN)?;
        }
        self.point().wake(sharevar_arena::ANY_REASON, u32::MAX);
        Ok(())
    }

    /// A wait until every item that was put is done.
    pub fn join_wait(&self) -> impl Wait<()> + '_ {
        PointWait::new(
            self.point(),
            ALL_DONE,
            || self.may_join(),
            |announce| Ok(self.try_join(announce)?.then_some(())),
        )
    }

    /// A wait until a `get` comes back at once, with an item or an error. It takes nothing.
    pub fn ready_wait(&self) -> impl Wait<()> + '_ {
        PointWait::new(
            self.point(),
            FIRST_ITEM,
            || self.may_get(),
            |announce| Ok(self.has_item(announce)?.then_some(())),
        )
    }

    /// Where to sleep.
    #[inline(always)]
    pub(super) fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }
}

/// A limit as it stands in the state.
fn bounded(limit: u64) -> u64 {
    if limit > LIMIT { 0 } else { limit }
}
