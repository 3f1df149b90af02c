//! The end of a queue, and what it leads to.

use super::{FIRST, LAST, PLACES, place, transfer};
use crate::shm::containers::queue_frame::{HEAD, TAIL};
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Error, Participant, Result, Variable};
use sharevar_value::Word;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

/// Items with blocks or references that one step takes away, at most.
const STEP: u64 = 64;

/// Takes a bounded part of a dying queue away, from the head. Whether it is now empty.
fn reap(participant: &Participant, queue: Variable) -> Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(queue)?;
    let [head, tail, first] = [HEAD, TAIL, FIRST].map(|index| transaction.body(queue, index));
    if first == 0 {
        transaction.commit()?;
        return Ok(true);
    }
    if head == tail {
        transaction.free_on_commit(first)?;
        transaction.set_body(queue, FIRST, 0)?;
        transaction.set_body(queue, LAST, 0)?;
        transaction.commit()?;
        return Ok(true);
    }
    let end = tail.min(head - head % PLACES + PLACES);
    let (mut position, mut large) = (head, 0);
    while position < end && large < STEP {
        let word = Word(transaction.load(place(first, position))?);
        large += u64::from(!word.is_scalar());
        content::free_on_commit(&mut transaction, word)?;
        position += 1;
    }
    transfer::step_over(&mut transaction, queue, position - 1, tail)?;
    transaction.set_body(queue, HEAD, position)?;
    transaction.commit()?;
    Ok(false)
}

/// Names everything that the queue leads to.
fn trace(source: &AtOnce<'_, '_>, _living: bool, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let [head, tail, mut segment, last] = [HEAD, TAIL, FIRST, LAST].map(|index| source.body(index));
    if segment == 0 {
        return Ok(());
    }
    visit(segment);
    for position in head..tail {
        if position != head && position.is_multiple_of(PLACES) {
            segment = source.load(segment)?;
            visit(segment);
        }
        content::trace(source, Word(source.load(place(segment, position))?), visit)?;
    }
    if segment != last {
        return Err(Error::Corrupt { what: "a queue does not end in its last segment", offset: segment });
    }
    Ok(())
}
