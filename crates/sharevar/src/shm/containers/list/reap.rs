//! The end of a list, and what it leads to.

use super::{GAP, LENGTH, PLACES, RING, RING_BITS, ROOT, Shape};
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Locked, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Error, Participant, Result, Variable};
use sharevar_value::Word;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

/// Items that one step takes away.
const STEP: u64 = 64;

/// Takes a bounded part of a dying list away, from the end. Whether it is now empty.
fn reap(participant: &Participant, list: Variable) -> Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(list)?;
    let shape = Shape::of(&Locked(&transaction, list));
    if shape.root == 0 {
        transaction.commit()?;
        return Ok(true);
    }
    if shape.length == 0 {
        if shape.has_directory() {
            for ring in 0..shape.rings() {
                let ring = transaction.load(shape.directory_word(ring))?;
                transaction.free_on_commit(ring & !(RING - 1))?;
            }
        }
        transaction.free_on_commit(shape.root & !1)?;
        for index in [ROOT, GAP, PLACES] {
            transaction.set_body(list, index, 0)?;
        }
        transaction.commit()?;
        return Ok(true);
    }
    let in_last = (shape.gap + shape.length - 1) % RING + 1;
    let keep = shape.length - in_last.min(STEP).min(shape.length);
    for index in keep..shape.length {
        let at = shape.at(&Locked(&transaction, list), index)?;
        let word = Word(transaction.load(at)?);
        content::free_on_commit(&mut transaction, word)?;
    }
    if shape.has_directory() && (shape.gap + keep).is_multiple_of(RING) {
        let ring = transaction.load(shape.directory_word((shape.gap + keep) >> RING_BITS))?;
        transaction.free_on_commit(ring & !(RING - 1))?;
    }
    transaction.set_body(list, LENGTH, keep)?;
    transaction.commit()?;
    Ok(false)
}

/// Names everything that the list leads to.
fn trace(source: &AtOnce<'_, '_>, _living: bool, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let shape = Shape::of(source);
    if shape.root == 0 {
        return Ok(());
    }
    visit(shape.root & !1);
    for ring in 0..shape.rings() {
        visit(source.load(shape.directory_word(ring))? & !(RING - 1));
    }
    if !shape.has_directory() && shape.length > shape.places {
        return Err(Error::Corrupt { what: "a list is longer than its ring", offset: shape.root });
    }
    for index in 0..shape.length {
        let word = Word(source.load(shape.at(source, index)?)?);
        content::trace(source, word, visit)?;
    }
    Ok(())
}
