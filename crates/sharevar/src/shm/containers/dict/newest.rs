//! The keys that came last: for indexes of keys that a process keeps for itself.

use super::entry::{self, HASH, LOW, META, StoredKey};
use super::walk::{ATTEMPTS, BATCH};
use super::{ENDS, ENTRIES, ENTRY, EXCHANGE, LENGTH, RawDict, STRUCTURE, USED};
use crate::error::Result;
use crate::shm::items::source::{Locked, Source};

/// Which keys are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those that only Python can compare.
    Opaque,
    /// All.
    All,
}

impl Selection {
    fn has(self, meta: u64) -> bool {
        self == Self::All || entry::is_opaque(meta)
    }
}

/// The keys that came since a stamp.
#[derive(Debug)]
pub struct NewKeys {
    /// Each with the number of its entry. Some may be older than the stamp.
    pub keys: Vec<(u32, StoredKey)>,
    /// Whether these are all keys of the selection that there are.
    pub all: bool,
    /// The stamp up to which none is missing.
    pub stamp: u64,
    /// Whether none is missing that is in the dict at the end of the walk either.
    pub is_current: bool,
    /// How many keys the dict has, opaque or not.
    pub length: u64,
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
        let variable = self.handle().variable();
        let mut new = NewKeys { keys: Vec::new(), all: false, stamp: 0, is_current: true, length: 0 };
        let (mut left, mut next, mut first) = (0, 0, true);
        loop {
            let mut transaction = self.handle().participant().begin()?;
            transaction.lock_short(variable)?;
            let source = Locked(&transaction, variable);
            let stamp = source.body(STRUCTURE);
            if first {
                new.length = source.body(LENGTH) & LOW;
                let changes = since.map(|since| stamp.wrapping_sub(since));
                let fewer = changes.filter(|changes| *changes < new.length.min(EXCHANGE));
                (left, next) = (fewer.unwrap_or(new.length), source.body(ENDS) >> 32);
                (new.stamp, new.all, first) = (stamp, fewer.is_none(), false);
            } else if new.stamp != stamp {
                return Ok(None);
            }
            for _ in 0..BATCH {
                if left == 0 || next == 0 {
                    break;
                }
                let at = ENTRY.at(&source, source.body(ENTRIES), next - 1)?;
                let meta = source.load(at + META)?;
                if selection.has(meta) {
                    new.keys.push(((next - 1) as u32, entry::stored_key(&source, at)?));
                }
                (left, next) = (left - 1, meta & LOW);
            }
            transaction.commit()?;
            if left == 0 || next == 0 {
                return Ok(Some(new));
            }
        }
    }

    fn by_number(&self, selection: Selection) -> Result<NewKeys> {
        let variable = self.handle().variable();
        let mut keys = Vec::new();
        let (mut first, mut number) = (None, 0);
        loop {
            let mut transaction = self.handle().participant().begin()?;
            transaction.lock_short(variable)?;
            let source = Locked(&transaction, variable);
            let (root, used) = (source.body(ENTRIES), source.body(USED));
            let (stamp, length) = (source.body(STRUCTURE), source.body(LENGTH) & LOW);
            let (first, _) = *first.get_or_insert((stamp, length));
            let end = used.min(number + BATCH as u64);
            while number < end {
                let at = ENTRY.at(&source, root, number)?;
                if source.load(at + HASH)? != 0 && selection.has(source.load(at + META)?) {
                    keys.push((number as u32, entry::stored_key(&source, at)?));
                }
                number += 1;
            }
            transaction.commit()?;
            if number >= used {
                return Ok(NewKeys { keys, all: true, stamp: first, is_current: first == stamp, length });
            }
        }
    }

    /// The keys in these entries, `None` where there is none, and the stamp at that moment.
    pub fn keys_at(&self, numbers: &[u32]) -> Result<(Vec<Option<StoredKey>>, u64)> {
        let variable = self.handle().variable();
        let mut transaction = self.handle().participant().begin()?;
        transaction.lock_short(variable)?;
        let source = Locked(&transaction, variable);
        let (root, used) = (source.body(ENTRIES), source.body(USED));
        let mut keys = Vec::with_capacity(numbers.len());
        for number in numbers.iter().map(|number| u64::from(*number)) {
            let key = if number < used {
                let at = ENTRY.at(&source, root, number)?;
                if source.load(at + HASH)? == 0 { None } else { Some(entry::stored_key(&source, at)?) }
            } else {
                None
            };
            keys.push(key);
        }
        let stamp = source.body(STRUCTURE);
        transaction.commit()?;
        Ok((keys, stamp))
    }
}
