//! The keys that came last: for indexes of keys that a process keeps for itself.

use super::RawDict;
use super::entry::{self, HASH, LOW, META};
use super::layout::{ENDS, ENTRIES, ENTRY, EXCHANGE, LENGTH, STRUCTURE, USED};
use super::walk::{ATTEMPTS, BATCH};
use crate::engine::stored_keys::{NewKeys, Selection, StoredKey};
use crate::error::Result;
use crate::shm::items::content;
use crate::shm::items::source::Source;

fn is_of(selection: Selection, meta: u64) -> bool {
    selection == Selection::All || entry::is_opaque(meta)
}

/// The rest of a walk from the last key on, back in order.
#[derive(Clone, Copy)]
struct Rest {
    /// Keys to look at.
    left: u64,
    /// The entry that comes next, plus one.
    next: u64,
    /// The state of which the walk is.
    stamp: u64,
    /// Whether it goes through all keys.
    all: bool,
    length: u64,
}

impl Rest {
    /// All of a walk through the keys that came since a stamp.
    fn of_all(source: &impl Source, since: Option<u64>) -> Self {
        let (stamp, length) = (source.body(STRUCTURE), source.body(LENGTH) & LOW);
        let changes = since.map(|since| stamp.wrapping_sub(since));
        let fewer = changes.filter(|changes| *changes < length.min(EXCHANGE));
        let (left, next) = (fewer.unwrap_or(length), source.body(ENDS) >> 32);
        Self { left, next, stamp, all: fewer.is_none(), length }
    }

    fn is_over(self) -> bool {
        self.left == 0 || self.next == 0
    }
}

impl RawDict {
    /// The keys that came since the stamp `since`. Up to a thousand are read at one moment;
    /// of more, [`NewKeys::is_current`] may say that there are newer ones.
    ///
    /// A key that comes is the last in order, so these are as many of the last as keys came or
    /// went since.
    pub fn keys_since(&self, since: Option<u64>, selection: Selection) -> Result<NewKeys> {
        for _ in 0..ATTEMPTS {
            if let Some(new) = self.newest(since, selection)? {
                return Ok(new);
            }
        }
        // By number a walk never has to start again.
        self.by_number(selection)
    }

    /// From the last on, back in order. `None` if keys came or went between two pieces.
    fn newest(&self, since: Option<u64>, selection: Selection) -> Result<Option<NewKeys>> {
        let mut keys = Vec::new();
        // The rest of the walk, once it has begun.
        let mut rest: Option<Rest> = None;
        loop {
            let piece = content::read_at_once(self.handle(), |source| {
                let stamp = source.body(STRUCTURE);
                let mut rest = match rest {
                    Some(rest) if rest.stamp != stamp => return Ok(None),
                    Some(rest) => rest,
                    None => Rest::of_all(source, since),
                };
                let mut piece = Vec::new();
                for _ in 0..BATCH {
                    if rest.is_over() {
                        break;
                    }
                    let at = ENTRY.at(source, source.body(ENTRIES), rest.next - 1)?;
                    let meta = source.load(at + META)?;
                    if is_of(selection, meta) {
                        piece.push((rest.next - 1, entry::stored_key(source, at)?));
                    }
                    (rest.left, rest.next) = (rest.left - 1, meta & LOW);
                }
                Ok(Some((piece, rest)))
            })?;
            let Some((mut piece, now)) = piece else { return Ok(None) };
            keys.append(&mut piece);
            rest = Some(now);
            if now.is_over() {
                let Rest { stamp, all, length, .. } = now;
                return Ok(Some(NewKeys { keys, all, stamp, is_current: true, length }));
            }
        }
    }

    fn by_number(&self, selection: Selection) -> Result<NewKeys> {
        let mut keys = Vec::new();
        let (mut first, mut number) = (None, 0);
        loop {
            let (mut piece, used, stamp, length) = content::read_at_once(self.handle(), |source| {
                let (root, used) = (source.body(ENTRIES), source.body(USED));
                let mut piece = Vec::new();
                for number in number..used.min(number + BATCH as u64) {
                    let at = ENTRY.at(source, root, number)?;
                    if source.load(at + HASH)? != 0 && is_of(selection, source.load(at + META)?) {
                        piece.push((number, entry::stored_key(source, at)?));
                    }
                }
                Ok((piece, used, source.body(STRUCTURE), source.body(LENGTH) & LOW))
            })?;
            let first = *first.get_or_insert(stamp);
            keys.append(&mut piece);
            number += BATCH as u64;
            if number >= used {
                return Ok(NewKeys { keys, all: true, stamp: first, is_current: first == stamp, length });
            }
        }
    }

    /// The keys in these entries, `None` where there is none, and the stamp at that moment.
    pub fn keys_at(&self, numbers: &[u64]) -> Result<(Vec<Option<StoredKey>>, u64)> {
        let found = content::read_at_once(self.handle(), |source| {
            let (root, used) = (source.body(ENTRIES), source.body(USED));
            let mut keys = Vec::with_capacity(numbers.len());
            for number in numbers.iter().copied() {
                let key = if number < used {
                    let at = ENTRY.at(source, root, number)?;
                    if source.load(at + HASH)? == 0 { None } else { Some(entry::stored_key(source, at)?) }
                } else {
                    None
                };
                keys.push(key);
            }
            Ok((keys, source.body(STRUCTURE)))
        })?;
        Ok(found)
    }
}
