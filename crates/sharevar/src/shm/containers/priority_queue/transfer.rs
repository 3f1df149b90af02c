//! Putting and taking one item.

use super::RawPriorityQueue;
use super::entry::{self, Keyed};
use super::heap::Heap;
use crate::error::Result;
use crate::shm::containers::queue_frame::{HEAD, SHUT_DOWN, STATE, TAIL, is_full};
use crate::shm::items::content::Content;
use crate::shm::items::take_out::TakeOut;
use sharevar_value::{Encoded, Word};

/// Memory that one item more may take beside its entry and value: a segment of the heap and a
/// larger directory.
const GROWTH: u64 = 64 << 10;

impl RawPriorityQueue {
    pub(super) fn put(&self, value: &Encoded, announce: bool) -> Result<bool> {
        let keyed = Keyed::new(value)?;
        self.put_into_room(announce, || self.put_by_transaction(&keyed))
    }

    /// `false` if the room is gone meanwhile, or the queue shut down.
    fn put_by_transaction(&self, keyed: &Keyed<'_>) -> Result<bool> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        participant.make_room(keyed.size() + GROWTH);
        let mut transaction = participant.begin()?;
        let entry = keyed.store(&mut transaction)?;
        transaction.lock(variable)?;
        let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
        if state & SHUT_DOWN != 0 || is_full(state, head, tail) {
            return Ok(false);
        }
        Heap::of(&mut transaction, variable, tail - head).push(entry, tail)?;
        transaction.set_body(variable, TAIL, tail + 1)?;
        transaction.commit()?;
        self.tell_getters(state, 1);
        Ok(true)
    }

    pub(super) fn get(&self, announce: bool) -> Result<Option<Content>> {
        let (participant, variable) = (self.handle.participant(), self.handle.variable());
        if !self.look_for_item(announce)? {
            return Ok(None);
        }
        let mut out = TakeOut::of(&self.handle);
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock(variable)?;
            let [head, tail, state] = [HEAD, TAIL, STATE].map(|index| transaction.body(variable, index));
            if head == tail {
                self.find_none(transaction, state, announce)?;
                return Ok(None);
            }
            let first = Heap::of(&mut transaction, variable, tail - head).first()?;
            // No two items have one arrival number.
            let arrival = transaction.load(first + entry::ARRIVAL)?;
            let word = Word(transaction.load(first + entry::VALUE)?);
            let taken = out.content(transaction, variable, word, arrival);
            // It stays for another waiter, which the wake-up of this one was for, too.
            let taken = taken.inspect_err(|_| self.tell_getters(state, 1))?;
            let Some((mut transaction, content)) = taken else { continue };
            Heap::of(&mut transaction, variable, tail - head).pop()?;
            entry::free_on_commit(&mut transaction, first)?;
            transaction.set_body(variable, HEAD, head + 1)?;
            transaction.commit()?;
            self.tell_putters(state, 1);
            return Ok(Some(content));
        }
    }
}
