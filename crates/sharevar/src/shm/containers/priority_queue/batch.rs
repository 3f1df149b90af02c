//! Many items at once: pieces of bounded size, each one operation.

use super::RawPriorityQueue;
use super::entry::{self, Keyed};
use super::heap::Heap;
use crate::error::{Error, Result};
use crate::shm::containers::queue_frame::{HEAD, LIMIT, SHUT_DOWN, STATE, TAIL};
use crate::shm::items::content::{self, Content, Copied};
use crate::shm::items::source::Locked;
use crate::shm::items::take_out;
use sharevar_value::{Encoded, Word};

/// Items of a piece, at most: each is two blocks and a dozen notes, under one lock.
const PIECE: usize = 32;
/// References of a piece after which no more is added.
const REFERENCES: usize = 64;

impl RawPriorityQueue {
    pub(super) fn put_many(&self, values: &[Encoded]) -> Result<usize> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let limit = self.limit()?;
        let room = if limit == 0 { LIMIT } else { limit.saturating_sub(self.len()?) };
        let values = piece(&values[..values.len().min(PIECE).min(room as usize)]);
        // One without an order is found before any is put.
        let keyed = values.iter().map(Keyed::new).collect::<Result<Vec<_>>>()?;
        let mut transaction = participant.begin()?;
        let entries = keyed.iter().map(|keyed| keyed.store(&mut transaction)).collect::<Result<Vec<_>>>()?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        if state & SHUT_DOWN != 0 {
            return Err(Error::QueueShutDown);
        }
        let (limit, count) = (state & LIMIT, entries.len() as u64);
        if count == 0 || (limit != 0 && tail - head + count > limit) {
            return Ok(0);
        }
        let mut ordered = Heap::of(&mut transaction, variable, tail - head);
        for (arrival, entry) in (tail..).zip(&entries) {
            ordered.push(*entry, arrival)?;
        }
        transaction.set_body(variable, TAIL, tail + count)?;
        transaction.commit()?;
        self.tell_getters(state, count as u32);
        Ok(entries.len())
    }

    pub(super) fn get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        let mut copied = Vec::new();
        let end = tail.min(head + most.min(PIECE) as u64);
        for position in head..end {
            let first = Heap::of(&mut transaction, variable, tail - position).first()?;
            let word = Word(transaction.load(first + entry::VALUE)?);
            match content::copy(&Locked(&transaction, variable), word)? {
                Some(content) if !content.refers() && take_out::is_readable(participant, &content) => {
                    copied.push(content);
                }
                // To be held first, or refused, by the way for one item.
                _ => break,
            }
            Heap::of(&mut transaction, variable, tail - position).pop()?;
            entry::free_on_commit(&mut transaction, first)?;
        }
        if copied.is_empty() {
            return Ok(0);
        }
        transaction.set_body(variable, HEAD, head + copied.len() as u64)?;
        transaction.commit()?;
        let count = copied.len();
        self.tell_putters(state, count as u32);
        for content in copied {
            items.push(Copied::hold(content, participant)?);
        }
        Ok(count)
    }
}

/// The first values, up to the one with which the references are enough.
fn piece(values: &[Encoded]) -> &[Encoded] {
    let mut references = 0;
    let count = values.iter().take_while(|value| {
        let has_room = references < REFERENCES;
        references += match value {
            Encoded::Word(word) => usize::from(word.is_handle()),
            Encoded::Bytes { handles, .. } => handles.len(),
        };
        has_room
    });
    &values[..count.count()]
}
