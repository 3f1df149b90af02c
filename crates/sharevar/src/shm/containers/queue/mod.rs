//! The queue: first in, first out, in segments that are linked.
//!
//! Head and tail are positions that only grow; item `n` stands in place `n % 511` of its
//! segment. No reader looks beyond the tail or before the head, so a put is an item stored and
//! then one changed word, and a get is an item read and then one changed word. Only a segment
//! that begins or is left behind, and values that need a block or a reference, take a
//! transaction. Nothing is ever copied when the queue grows.
//!
//! | body word | holds |
//! |---|---|
//! | 2 | first segment, in which the head is; 0 if there was never an item |
//! | 3 | last segment, in which the tail is |
//!
//! The others are those of the [frame](super::queue_frame); [`Form`] stands in bits 48 to 50 of
//! its state.
//!
//! A segment is 512 words: the next segment, and 511 places. When a segment was emptied and
//! filled to its end it is left behind, unless nothing follows it: then it is used again from
//! its first place on.

mod batch;
mod reap;
mod transfer;
mod walk;
mod words;

pub(crate) use reap::OPS;

use super::queue_frame::{FIRST, Got, LAST, QueueFrame, QueueKind};
use crate::engine::form::Form;
use crate::engine::make::Make;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::content::Content;
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Word};
use std::ops::Deref;
use std::sync::Arc;

/// Bytes of a segment.
pub(crate) const SEGMENT: u64 = 4096;
/// Items in a segment.
pub(crate) const PLACES: u64 = SEGMENT / 8 - 1;

const FORM_SHIFT: u32 = 48;

/// Where item `position` of the segment at `segment` is.
#[inline(always)]
fn place(segment: u64, position: u64) -> u64 {
    segment.wrapping_add(8 + position % PLACES * 8)
}

/// Whether the tail needs a segment that is not there yet.
#[inline(always)]
fn needs_segment(head: u64, tail: u64, last: u64) -> bool {
    tail.is_multiple_of(PLACES) && (head != tail || last == 0)
}

/// A queue in an arena: its [frame](QueueFrame), and items in the order in which they were put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawQueue {
    frame: QueueFrame,
}

impl Deref for RawQueue {
    type Target = QueueFrame;

    #[inline(always)]
    fn deref(&self) -> &QueueFrame {
        &self.frame
    }
}

impl QueueKind for RawQueue {
    const KIND: Kind = Kind::Queue;

    fn make(limit: u64) -> Make<'static> {
        Make::Queue { limit, form: Form::Queue }
    }

    fn from_handle(handle: Handle) -> Result<Self> {
        Self::from_handle(handle)
    }

    fn form(&self) -> Result<Form> {
        self.form()
    }

    fn first(&self) -> Result<Option<Content>> {
        Ok(self.peek(1)?.pop())
    }

    #[inline(always)]
    fn put_word(&self, word: Word, announce: bool) -> Result<Option<bool>> {
        self.put_word(word, announce)
    }

    #[inline(always)]
    fn get_word(&self, announce: bool) -> Result<Got> {
        self.get_word(announce)
    }

    #[inline(always)]
    fn try_put(&self, value: &Encoded, announce: bool) -> Result<bool> {
        self.try_put(value, announce)
    }

    #[inline(always)]
    fn try_get(&self, announce: bool) -> Result<Option<Content>> {
        self.try_get(announce)
    }

    fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        self.try_put_many(values)
    }

    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        self.try_get_many(most, items)
    }
}

impl RawQueue {
    /// Makes an empty queue of at most `limit` items at a time; 0 is no limit, and so is more
    /// than memory holds.
    pub fn create(participant: &Arc<Participant>, limit: u64, form: Form) -> Result<Self> {
        let form = (form as u64) << FORM_SHIFT;
        Ok(Self { frame: QueueFrame::create(participant, Kind::Queue, limit, form)? })
    }

    /// The queue that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { frame: QueueFrame::from_handle(handle, Kind::Queue)? })
    }

    /// The form with which the queue was made.
    pub fn form(&self) -> Result<Form> {
        let number = self.state()? >> FORM_SHIFT & 7;
        Ok(Form::ALL.get(number as usize).copied().unwrap_or(Form::Queue))
    }

    /// Puts an item, if there is room. If there is none, `announce` announces a waiter that is about
    /// to sleep for room.
    #[inline]
    pub fn try_put(&self, value: &Encoded, announce: bool) -> Result<bool> {
        if let Encoded::Word(word) = value
            && let Some(done) = self.put_word(*word, announce)?
        {
            return Ok(done);
        }
        self.put_long(value, announce)
    }

    /// Takes the first item, if there is one. If there is none, `announce` announces a waiter that
    /// is about to sleep for an item.
    ///
    /// [`Error::QueueShutDown`](crate::Error::QueueShutDown) if there is none and none will come.
    #[inline]
    pub fn try_get(&self, announce: bool) -> Result<Option<Content>> {
        match self.get_word(announce)? {
            Got::Word(word) => Ok(Some(Content::Word(word))),
            Got::Nothing => Ok(None),
            Got::Long => self.get_long(announce),
        }
    }
}
