//! The growth of a dict: by one bucket when there are more keys than buckets.

use super::entry::{HASH, LINKS, LOW};
use super::layout::{BUCKET, BUCKET_COUNT, BUCKETS, ENTRIES, ENTRY};
use crate::shm::items::target::{LockedTarget, Target};
use sharevar_arena::{Result, Transaction, Variable};

/// Buckets of the smallest table.
const LEAST_BUCKETS: u64 = 8;

/// Makes the first buckets. Returns how many there are.
pub(super) fn start(transaction: &mut Transaction<'_>, dict: Variable) -> Result<u64> {
    let root = BUCKET.grow(transaction, 0, 0)?;
    for index in 0..LEAST_BUCKETS {
        transaction.put(root + index * 8, 0)?;
    }
    transaction.set_body(dict, BUCKETS, root)?;
    transaction.set_body(dict, BUCKET_COUNT, LEAST_BUCKETS)?;
    Ok(LEAST_BUCKETS)
}

/// Adds a bucket if the dict, with `length` keys, has fewer: `count`.
#[inline]
pub(super) fn grow_if_full(
    transaction: &mut Transaction<'_>,
    dict: Variable,
    length: u64,
    count: u64,
) -> Result<()> {
    if length <= count {
        return Ok(());
    }
    let root = transaction.body(dict, BUCKETS);
    let grown = BUCKET.grow(transaction, root, count)?;
    if grown != root {
        transaction.set_body(dict, BUCKETS, grown)?;
    }
    split(&mut LockedTarget(transaction, dict), count)
}

/// Adds one bucket, for which there is room: cuts the chain of the bucket that it shares its low bits with,
/// where the hashes begin that belong to the new one.
pub(super) fn split(dict: &mut impl Target, count: u64) -> Result<()> {
    let bit = 1_u64 << count.ilog2();
    let (buckets, entries) = (dict.body(BUCKETS), dict.body(ENTRIES));
    let mut link = BUCKET.at(dict, buckets, count - bit)?;
    let mut value = dict.load(link)?;
    let mut from_bucket = true;
    while value & LOW != 0 {
        let at = ENTRY.at(dict, entries, (value & LOW) - 1)?;
        if dict.load(at + HASH)? & bit != 0 {
            break;
        }
        link = at + LINKS;
        value = dict.load(link)?;
        from_bucket = false;
    }
    let moved = value & LOW;
    let new = BUCKET.at(dict, buckets, count)?;
    dict.put(new, moved)?;
    if moved != 0 {
        dict.set(link, if from_bucket { 0 } else { value & !LOW })?;
    }
    dict.set_body(BUCKET_COUNT, [count + 1])
}
