//! The priority queue: the lowest item first, and equal ones in the order in which they were put.
//!
//! Each item is an entry, a block of its own that never moves. A heap of four children for each
//! place has the entries' offsets; so a put or a get changes one word for each level of it. All
//! these stores are noted, as the operation is one transaction.
//!
//! | body word | holds |
//! |---|---|
//! | 2 | the heap: [`Segments`] of words, each naming an entry ([`place`]) |
//! | 3 | places of the heap that there is room for |
//!
//! The others are those of the [frame](super::queue_frame). The items stand in the first
//! `tail - head` places, each after none of its children.
//!
//! An entry is: its arrival number, which is the tail when it was put; the key's length in bytes;
//! the word of the value; the key. Items are compared by their keys ([`priority::write_key`]), then
//! by arrival.
//!
//! [`priority::write_key`]: sharevar_value::priority::write_key

mod batch;
mod entry;
mod heap;
mod place;
mod reap;
mod transfer;
mod walk;

pub(crate) use reap::OPS;

use super::queue_frame::{FIRST, HEAD, LAST, QueueFrame, QueueKind, TAIL};
use crate::engine::make::Make;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::content::{self, Cell, Content};
use crate::shm::items::segments::Segments;
use crate::shm::items::source::Source;
use sharevar_arena::Participant;
use sharevar_value::{Encoded, Word};
use std::ops::Deref;
use std::sync::Arc;

/// The body words of the kind.
const ROOT: usize = FIRST;
const PLACES: usize = LAST;
/// The layout of the heap.
const HEAP: Segments = Segments::new(8, 8);

/// A priority queue in an arena: its [frame](QueueFrame), and items in their own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPriorityQueue {
    frame: QueueFrame,
}

impl Deref for RawPriorityQueue {
    type Target = QueueFrame;

    #[inline(always)]
    fn deref(&self) -> &QueueFrame {
        &self.frame
    }
}

/// The cell of the first item.
struct First;

impl Cell for First {
    fn find(&self, source: &impl Source) -> sharevar_arena::Result<Option<Word>> {
        if source.body(HEAD) == source.body(TAIL) {
            return Ok(None);
        }
        let first = source.load(HEAP.at(source, source.body(ROOT), 0)?)?;
        Ok(Some(Word(source.load(place::entry(first).wrapping_add(entry::VALUE))?)))
    }
}

impl RawPriorityQueue {
    /// Makes an empty queue of at most `limit` items at a time; 0 is no limit, and so is more than memory
    /// holds.
    pub fn create(participant: &Arc<Participant>, limit: u64) -> Result<Self> {
        Ok(Self { frame: QueueFrame::create(participant, Self::KIND, limit, 0)? })
    }

    /// The first item, without taking it.
    pub fn peek(&self) -> Result<Option<Content>> {
        content::read_cell(&self.handle, &First)
    }
}

impl QueueKind for RawPriorityQueue {
    const KIND: Kind = Kind::PriorityQueue;

    fn make(limit: u64) -> Make<'static> {
        Make::PriorityQueue { limit }
    }

    fn first(&self) -> Result<Option<Content>> {
        self.peek()
    }

    fn from_handle(handle: Handle) -> Result<Self> {
        Ok(Self { frame: QueueFrame::from_handle(handle, Self::KIND)? })
    }

    fn try_put(&self, value: &Encoded, announce: bool) -> Result<bool> {
        self.put(value, announce)
    }

    fn try_get(&self, announce: bool) -> Result<Option<Content>> {
        self.get(announce)
    }

    fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        self.put_many(values)
    }

    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        self.get_many(most, items)
    }
}
