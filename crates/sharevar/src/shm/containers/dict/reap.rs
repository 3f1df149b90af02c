//! The end of a dict, and looking through one for [`Participant::check`](sharevar_arena::Participant::check).

use super::entry::{self, HASH, KEY, LINKS, LOW, META, VALUE};
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENDS, ENTRIES, ENTRY, FREE, LENGTH, USED};
use crate::shm::items::content;
use crate::shm::items::source::{AtOnce, Locked, Source};
use crate::shm::ops::Ops;
use sharevar_arena::{Error, Participant, Result, Variable};
use sharevar_value::Word;

pub(crate) const OPS: Ops = Ops { reap, trace, ..Ops::NONE };

/// Entries or buckets that one step takes away.
const STEP: u64 = 64;

/// Takes a bounded part of a dying dict away, from the end. Whether it is now empty.
fn reap(participant: &Participant, dict: Variable) -> Result<bool> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(dict)?;
    let (used, root) = (transaction.body(dict, USED), transaction.body(dict, ENTRIES));
    if used > 0 {
        let keep = ENTRY.boundary_below(used, STEP);
        for index in keep..used {
            let source = Locked(&transaction, dict);
            let at = ENTRY.at(&source, root, index)?;
            if transaction.load(at + HASH)? == 0 {
                continue;
            }
            let value = Word(transaction.load(at + VALUE)?);
            if entry::is_in_block(transaction.load(at + META)?) {
                let block = transaction.load(at + KEY)?;
                transaction.free_on_commit(block)?;
            }
            content::free_on_commit(&mut transaction, value)?;
        }
        let root = ENTRY.shrink(&mut transaction, root, used, keep)?;
        transaction.set_body(dict, USED, keep)?;
        transaction.set_body(dict, ENTRIES, root)?;
        transaction.commit()?;
        return Ok(false);
    }
    let (count, root) = (transaction.body(dict, BUCKET_COUNT), transaction.body(dict, BUCKETS));
    if count > 0 {
        let keep = BUCKET.boundary_below(count, 64 * 4096);
        let root = BUCKET.shrink(&mut transaction, root, count, keep)?;
        transaction.set_body(dict, BUCKET_COUNT, keep)?;
        transaction.set_body(dict, BUCKETS, root)?;
        transaction.commit()?;
        return Ok(keep == 0);
    }
    transaction.commit()?;
    Ok(true)
}

/// Names everything that the dict leads to; and, of a living one, checks chains, order, free list
/// and counts.
fn trace(source: &AtOnce<'_, '_>, living: bool, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let (root, used) = (source.body(ENTRIES), source.body(USED));
    ENTRY.trace(source, root, used, visit)?;
    BUCKET.trace(source, source.body(BUCKETS), source.body(BUCKET_COUNT), visit)?;
    let (mut live, mut opaque) = (0, 0);
    for index in 0..used {
        let at = ENTRY.at(source, root, index)?;
        if source.load(at + HASH)? == 0 {
            continue;
        }
        live += 1;
        let meta = source.load(at + META)?;
        opaque += u64::from(entry::is_opaque(meta));
        if entry::is_in_block(meta) {
            visit(source.load(at + KEY)?);
        }
        content::trace(source, Word(source.load(at + VALUE)?), visit)?;
    }
    if living { check(source, live, opaque) } else { Ok(()) }
}

fn check(source: &AtOnce<'_, '_>, live: u64, opaque: u64) -> Result<()> {
    let rule = |holds: bool, what: &'static str, offset: u64| {
        if holds { Ok(()) } else { Err(Error::Corrupt { what, offset }) }
    };
    let (root, used, count) = (source.body(ENTRIES), source.body(USED), source.body(BUCKET_COUNT));
    let length = source.body(LENGTH);
    rule(length & LOW == live, "a dict miscounts its keys", length)?;
    rule(length >> 32 == opaque, "a dict miscounts its opaque keys", length)?;
    let mut chained = 0;
    for bucket in 0..count {
        let mut next = source.load(BUCKET.at(source, source.body(BUCKETS), bucket)?)?;
        let mut before = 0;
        while next != 0 {
            let at = ENTRY.at(source, root, next - 1)?;
            let hash = source.load(at + HASH)?;
            rule(entry::bucket_of(hash, count) == bucket, "an entry of a dict is in a foreign chain", at)?;
            rule(hash.reverse_bits() >= before, "a chain of a dict is out of order", at)?;
            before = hash.reverse_bits();
            chained += 1;
            rule(chained <= live, "the chains of a dict hold too many entries", at)?;
            next = source.load(at + LINKS)? & LOW;
        }
    }
    rule(chained == live, "an entry of a dict is in no chain", chained)?;
    let ends = source.body(ENDS);
    let (mut ordered, mut previous, mut next) = (0, 0, ends & LOW);
    while next != 0 {
        let at = ENTRY.at(source, root, next - 1)?;
        rule(source.load(at + META)? & LOW == previous, "the order of a dict does not lead back", at)?;
        ordered += 1;
        rule(ordered <= live, "the order of a dict runs in a circle", at)?;
        previous = next;
        next = source.load(at + LINKS)? >> 32;
    }
    rule(ordered == live && previous == ends >> 32, "the order of a dict misses entries", ordered)?;
    let (mut free, mut next) = (0, source.body(FREE));
    while next != 0 {
        let at = ENTRY.at(source, root, next - 1)?;
        rule(source.load(at + HASH)? == 0, "a used entry of a dict is in its free list", at)?;
        free += 1;
        rule(free <= used, "the free list of a dict runs in a circle", at)?;
        next = source.load(at + LINKS)? & LOW;
    }
    rule(free + live == used, "an entry of a dict is neither used nor free", free)
}
