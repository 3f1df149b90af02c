//! The queue: first in, first out, in segments that are linked.
//!
//! Head and tail are positions that only grow; item `n` stands in place `n % 511` of its
//! segment. Beyond the tail and before the head nobody looks, so a put is an item stored and
//! then one changed word, and a get is an item read and then one changed word. Only a segment
//! that begins or is left behind, and values that need a block or a reference, take a
//! transaction. Nothing is ever copied when the queue grows.
//!
//! | body word | holds |
//! |---|---|
//! | 0 | head: items taken so far |
//! | 1 | tail: items put so far |
//! | 2 | first segment, in which the head is; 0 if there was never an item |
//! | 3 | last segment, in which the tail is |
//! | 4 | most items at a time in bits 0 to 47, 0 = no limit; [`Form`] in 48 to 50; flags |
//! | 5 | tasks done |
//!
//! A segment is 512 words: the next segment, and 511 places. When a segment was emptied and
//! filled to its end it is left behind, unless nothing follows it: then it is used again from
//! its first place on.

mod batch;
mod readiness;
mod reap;
mod transfer;
mod turn;
mod words;

pub use readiness::{Enter, Readiness};
pub(crate) use reap::OPS;
pub use words::Got;

use super::content::Content;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::kind::Kind;
use sharevar_arena::{Participant, WaitPoint};
use sharevar_value::Encoded;
use std::sync::Arc;

pub(crate) const HEAD: usize = 0;
pub(crate) const TAIL: usize = 1;
pub(crate) const FIRST: usize = 2;
pub(crate) const LAST: usize = 3;
pub(crate) const STATE: usize = 4;
pub(crate) const DONE: usize = 5;

/// Bytes of a segment.
pub(crate) const SEGMENT: u64 = 4096;
/// Items in a segment.
pub(crate) const PLACES: u64 = SEGMENT / 8 - 1;

const LIMIT: u64 = (1 << 48) - 1;
const FORM_SHIFT: u32 = 48;
/// A thread waits for the first item to come, on behalf of a descriptor.
const FILLED: u64 = 1 << 58;
/// One waits for the last item to go.
const EMPTIED: u64 = 1 << 59;
const WATCHED: u64 = FILLED | EMPTIED;
const GETTERS: u64 = 1 << 60;
const PUTTERS: u64 = 1 << 61;
const JOINERS: u64 = 1 << 62;
const SHUT_DOWN: u64 = 1 << 63;

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

/// What a queue was made as. It is one engine; the form says which class Python shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Form {
    /// A manager's `Queue`, which is what Rust makes too.
    Queue = 0,
    /// A manager's `JoinableQueue`.
    JoinableQueue = 1,
    /// `multiprocessing.Queue`.
    ProcessQueue = 2,
    /// `multiprocessing.JoinableQueue`.
    JoinableProcessQueue = 3,
    /// `multiprocessing.SimpleQueue`.
    SimpleQueue = 4,
}

impl Form {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::Queue, Self::JoinableQueue, Self::ProcessQueue, Self::JoinableProcessQueue, Self::SimpleQueue];
}

/// Where item `position` of the segment at `segment` is.
#[inline(always)]
fn place(segment: u64, position: u64) -> u64 {
    segment.wrapping_add(8 + position % PLACES * 8)
}

/// Whether there is no room in a queue of that state.
#[inline(always)]
fn is_full(state: u64, head: u64, tail: u64) -> bool {
    let limit = state & LIMIT;
    limit != 0 && tail.wrapping_sub(head) >= limit
}

/// Whether the tail needs a segment that is not there yet.
#[inline(always)]
fn needs_segment(head: u64, tail: u64, last: u64) -> bool {
    tail.is_multiple_of(PLACES) && (head != tail || last == 0)
}

/// A queue in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawQueue {
    handle: Handle,
}

impl RawQueue {
    /// Makes an empty queue of at most `limit` items at a time; 0 is no limit, and so is more
    /// than memory holds.
    pub fn create(participant: &Arc<Participant>, limit: u64, form: Form) -> Result<Self> {
        let queue = Self::from_handle(Handle::create(participant, Kind::Queue)?)?;
        queue.change_state(|_| bounded(limit) | (form as u64) << FORM_SHIFT)?;
        Ok(queue)
    }

    /// The queue that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { handle: handle.expect(Kind::Queue)? })
    }

    /// The handle.
    #[inline(always)]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the queue was made as.
    pub fn form(&self) -> Result<Form> {
        let number = self.state()? >> FORM_SHIFT & 7;
        Ok(Form::ALL.get(number as usize).copied().unwrap_or(Form::Queue))
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

    /// Puts an item, if there is room. `announce` says, where there is none, that somebody is
    /// about to sleep for [room](Self::ROOM).
    #[inline]
    pub fn try_put(&self, value: &Encoded, announce: bool) -> Result<bool> {
        if let Encoded::Word(word) = value
            && let Some(done) = self.put_word(*word, announce)?
        {
            return Ok(done);
        }
        self.put_long(value, announce)
    }

    /// Takes the first item, if there is one. `announce` says, where there is none, that somebody
    /// is about to sleep for [an item](Self::ITEM).
    ///
    /// [`Error::QueueShutDown`] if there is none and none will come.
    #[inline]
    pub fn try_get(&self, announce: bool) -> Result<Option<Content>> {
        match self.get_word(announce)? {
            words::Got::Word(word) => Ok(Some(Content::Word(word))),
            words::Got::Nothing => Ok(None),
            words::Got::Long => self.get_long(announce),
        }
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

    /// Whether every item that was put is done. `announce` says, if not, that somebody is about
    /// to sleep until [all are](Self::ALL_DONE).
    pub fn try_join(&self, announce: bool) -> Result<bool> {
        Ok(self.with_lock(|change| {
            let all_done = change.body(DONE) == change.body(TAIL);
            if announce && !all_done {
                change.change_body(STATE, change.body(STATE) | JOINERS);
            }
            Ok(all_done)
        })?)
    }

    /// Ends the queue for everybody: no item can be put any more, and where none is left none
    /// can be got. `immediate` takes away the items that are still there, as done; their memory
    /// comes back bit by bit. All who wait are woken.
    pub fn shut_down(&self, immediate: bool) -> Result<()> {
        if immediate {
            self.shut_down_and_empty()?;
        } else {
            self.change_state(|state| state | SHUT_DOWN)?;
        }
        self.point().wake(sharevar_arena::ANY_REASON, u32::MAX);
        Ok(())
    }

    /// Where to sleep.
    #[inline(always)]
    pub fn point(&self) -> WaitPoint<'_> {
        WaitPoint::of(self.handle.participant(), self.handle.variable())
    }

    /// The reason for which who wants an item sleeps.
    pub const ITEM: u32 = ITEM;
    /// The reason for which who looks for an item sleeps, and does not take it.
    pub const FIRST_ITEM: u32 = FIRST_ITEM;
    /// The reason for which who wants room sleeps.
    pub const ROOM: u32 = ROOM;
    /// The reason for which who waits for all tasks sleeps.
    pub const ALL_DONE: u32 = ALL_DONE;
}

/// A limit as it stands in the state.
fn bounded(limit: u64) -> u64 {
    if limit > LIMIT { 0 } else { limit }
}
