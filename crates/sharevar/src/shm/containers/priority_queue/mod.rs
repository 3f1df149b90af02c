//! The priority queue: the lowest item first, and equal ones in the order in which they were put.
//!
//! Each item is an entry, a block of its own that never moves. A heap of four children for each
//! place has the entries' offsets; so a put or a get changes one word for each level of it. All
//! these stores are noted, as the operation is one transaction.
//!
//! | body word | holds |
//! |---|---|
//! | 2 | the heap: [`Segments`] of words, each an entry's offset |
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
mod reap;
mod transfer;

pub(crate) use reap::OPS;

use super::queue_frame::{FIRST, HEAD, LAST, QueueFrame, QueueKind, TAIL};
use crate::engine::make::Make;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Cell, Content, Copied};
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

/// Items that are copied under one hold of the lock, in the first attempts.
const PIECE: u64 = 1024;
const IN_PIECES: u32 = 3;

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
        Ok(Some(Word(source.load(first.wrapping_add(entry::VALUE))?)))
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

    /// All items, in the order in which they were put, at one moment. They are copied in pieces of up to
    /// 1,024; of a queue that changes in each of three attempts at once, and others wait meanwhile.
    pub fn items(&self) -> Result<Vec<Content>> {
        self.items_between(|_| {})
    }

    /// [`Self::items`], with a call after each piece, when no lock is held.
    fn items_between(&self, mut between: impl FnMut(usize)) -> Result<Vec<Content>> {
        let participant = self.handle.participant();
        let mut attempts = Attempts::of(&self.handle);
        let mut tried = 0;
        loop {
            tried += 1;
            let most = if tried > IN_PIECES { u64::MAX } else { PIECE };
            let mut copied = Vec::new();
            let ends = self.copy_piece(most, &mut copied)?;
            between(copied.len());
            // Items move with each change, so that pieces of two moments do not fit. Each put moves the
            // tail, and each get the head.
            let mut is_of_one_moment = true;
            while is_of_one_moment && (copied.len() as u64) < ends.1.wrapping_sub(ends.0) {
                let before = copied.len();
                is_of_one_moment = self.copy_piece(most, &mut copied)? == ends;
                between(copied.len() - before);
            }
            if !is_of_one_moment {
                continue;
            }
            copied.sort_by_key(|(arrival, _)| *arrival);
            match copied.into_iter().map(|(_, content)| content.hold(participant)).collect() {
                Err(Error::HandleExpired) => attempts.fail()?,
                done => return done,
            }
        }
    }

    /// Copies up to `most` items behind those that are copied, with their arrival numbers. Returns head and
    /// tail.
    fn copy_piece(&self, most: u64, copied: &mut Vec<(u64, Copied)>) -> Result<(u64, u64)> {
        let before = copied.len();
        let ends = content::read_at_once(&self.handle, |source| {
            let [root, head, tail] = [ROOT, HEAD, TAIL].map(|index| source.body(index));
            let from = before as u64;
            copied.truncate(before);
            for index in from..tail.wrapping_sub(head).min(from.saturating_add(most)) {
                let entry = source.load(HEAP.at(source, root, index)?)?;
                let word = Word(source.load(entry.wrapping_add(entry::VALUE))?);
                let arrival = source.load(entry.wrapping_add(entry::ARRIVAL))?;
                copied.extend(content::copy(source, word)?.map(|content| (arrival, content)));
            }
            Ok((head, tail))
        })?;
        Ok(ends)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::KINDS;

    #[test]
    fn others_put_and_take_between_the_pieces_of_a_copy() {
        let participant = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
        let queue = RawPriorityQueue::create(&participant, 0).unwrap();
        let word = |number| Encoded::Word(Word::from_int(number).unwrap());
        for number in 0..5000 {
            assert!(queue.try_put(&word(-number), false).unwrap());
        }
        let (mut calls, mut largest) = (0, 0);
        let items = queue.items_between(|count| {
            calls += 1;
            largest = largest.max(count);
            // No lock is held: these would wait for it.
            if calls < 3 {
                queue.try_get(false).unwrap().unwrap();
                queue.try_put(&word(calls), false).unwrap();
            }
        });
        let items = items.unwrap();
        assert_eq!((items.len(), calls, largest as u64), (5000, 2 + 5, PIECE));
        // The lowest, which were put last, have gone; the new ones are the last.
        let number = |item: &Content| match item {
            Content::Word(word) => word.as_int().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!((number(&items[0]), number(&items[4997])), (0, -4997));
        assert_eq!((number(&items[4998]), number(&items[4999])), (1, 2));
        // One that never rests is copied at once.
        let mut largest = 0;
        let items = queue.items_between(|count| {
            largest = largest.max(count);
            queue.try_get(false).unwrap().unwrap();
        });
        assert_eq!(items.unwrap().len(), largest);
    }
}
