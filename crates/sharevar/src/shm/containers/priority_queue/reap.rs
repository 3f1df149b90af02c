//! The end of a priority queue, and what it leads to.

use super::entry::{self, ARRIVAL, compare};
use super::heap::{CHILDREN, Heap};
use super::{HEAP, PLACES, ROOT, place};
use crate::shm::containers::queue_frame::{HEAD, TAIL};
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Error, Participant, Result, Variable};
use sharevar_value::Word;
use std::cmp::Ordering;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

/// Items that one step takes away, at most.
const STEP: u64 = 32;

/// Takes a bounded part of a dying queue away, from the heap's end. Whether it is now empty.
fn reap(participant: &Participant, queue: Variable) -> Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(queue)?;
    let [head, tail, root, places] = [HEAD, TAIL, ROOT, PLACES].map(|index| transaction.body(queue, index));
    let count = (tail - head).min(STEP);
    for left in 0..count {
        let entry = Heap::of(&mut transaction, queue, tail - head - left).pop_last()?;
        entry::free_on_commit(&mut transaction, entry)?;
    }
    if count > 0 {
        transaction.set_body(queue, HEAD, head + count)?;
    } else if root != 0 {
        HEAP.shrink(&mut transaction, root, places, 0)?;
        transaction.set_body(queue, ROOT, 0)?;
        transaction.set_body(queue, PLACES, 0)?;
    }
    transaction.commit()?;
    Ok(count == 0)
}

/// Names everything that the queue leads to; and, of a living one, checks the order of the heap.
fn trace(source: &AtOnce<'_, '_>, living: bool, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let [head, tail, root, places] = [HEAD, TAIL, ROOT, PLACES].map(|index| source.body(index));
    HEAP.trace(source, root, places, visit)?;
    let word = |index| source.load(HEAP.at(source, root, index)?);
    for index in 0..tail - head {
        let at = place::entry(word(index)?);
        visit(at);
        if word(index)? != place::word(at, source.load(at + ARRIVAL)?) {
            return Err(Error::Corrupt {
                what: "a place of a priority queue names another entry",
                offset: at,
            });
        }
        content::trace(source, Word(source.load(at + entry::VALUE)?), visit)?;
        if living
            && index > 0
            && compare(source, place::entry(word((index - 1) / CHILDREN)?), at)? != Ordering::Less
        {
            return Err(Error::Corrupt {
                what: "an item of a priority queue stands before its parent",
                offset: at,
            });
        }
    }
    Ok(())
}
