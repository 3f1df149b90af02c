//! The long ways, by transaction: values in blocks, references, and segments that come and go.

use super::words::leaves_segment;
use super::{FIRST, LAST, RawQueue, SEGMENT, needs_segment, place};
use crate::error::Result;
use crate::shm::containers::queue_frame::{HEAD, SHUT_DOWN, STATE, TAIL, is_full};
use crate::shm::items::content::{self, Content};
use crate::shm::items::take_out::TakeOut;
use sharevar_arena::{Transaction, Variable};
use sharevar_value::{Encoded, Word};

impl RawQueue {
    /// [`Self::try_put`] for all values, and where the tail needs a segment.
    pub(super) fn put_long(&self, value: &Encoded, announce: bool) -> Result<bool> {
        self.put_into_room(announce, || self.put_by_transaction(value))
    }

    /// `false` if the room is gone meanwhile, or the queue shut down.
    fn put_by_transaction(&self, value: &Encoded) -> Result<bool> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        participant.make_room(SEGMENT);
        let mut transaction = participant.begin()?;
        let word = content::store(&mut transaction, value)?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        if state & SHUT_DOWN != 0 || is_full(state, head, tail) {
            return Ok(false);
        }
        let at = make_place(&mut transaction, variable, head, tail)?;
        // Beyond the tail, where no reader looks.
        transaction.put(at, word.0)?;
        transaction.set_body(variable, TAIL, tail + 1)?;
        transaction.commit()?;
        self.tell_getters(state, 1);
        Ok(true)
    }

    /// [`Self::try_get`] for all values, and where a segment is left behind.
    pub(super) fn get_long(&self, announce: bool) -> Result<Option<Content>> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        let mut out = TakeOut::of(&self.handle);
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock(variable)?;
            let [head, tail, first, state] =
                [HEAD, TAIL, FIRST, STATE].map(|index| transaction.body(variable, index));
            if head == tail {
                self.find_none(transaction, state, announce)?;
                return Ok(None);
            }
            let word = Word(transaction.load(place(first, head))?);
            // Heads only grow: of one head there is one item.
            let taken = out.content(transaction, variable, word, head);
            // It stays for another waiter, which the wake-up of this one was for, too.
            let taken = taken.inspect_err(|_| self.tell_getters(state, 1))?;
            let Some((mut transaction, content)) = taken else { continue };
            content::free_on_commit(&mut transaction, word)?;
            step_over(&mut transaction, variable, head, tail)?;
            transaction.set_body(variable, HEAD, head + 1)?;
            transaction.commit()?;
            self.tell_putters(state, 1);
            return Ok(Some(content));
        }
    }
}

/// Where the item at the tail goes: in the last segment, or in one that follows it.
pub(super) fn make_place(
    transaction: &mut Transaction<'_>,
    queue: Variable,
    head: u64,
    tail: u64,
) -> sharevar_arena::Result<u64> {
    let mut last = transaction.body(queue, LAST);
    if needs_segment(head, tail, last) {
        let segment = transaction.allocate(SEGMENT)?;
        if last == 0 {
            transaction.set_body(queue, FIRST, segment)?;
        } else {
            transaction.put(last, segment)?;
        }
        transaction.set_body(queue, LAST, segment)?;
        last = segment;
    }
    Ok(place(last, tail))
}

/// Leaves the first segment behind, if the item at the head is its last and others follow.
pub(super) fn step_over(
    transaction: &mut Transaction<'_>,
    queue: Variable,
    head: u64,
    tail: u64,
) -> sharevar_arena::Result<()> {
    if leaves_segment(head, tail) {
        let first = transaction.body(queue, FIRST);
        let next = transaction.load(first)?;
        transaction.set_body(queue, FIRST, next)?;
        transaction.free_on_commit(first)?;
    }
    Ok(())
}
