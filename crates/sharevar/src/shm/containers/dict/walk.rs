//! Reading a whole dict.

use super::RawDict;
use super::entries::{Entries, Keys};
use super::entry::{HASH, LINKS, LOW, VALUE};
use super::layout::{ENDS, ENTRIES, ENTRY, STRUCTURE, USED};
use crate::engine::content::Item;
use crate::engine::stored_keys::StoredKey;
use crate::error::{Error, Result};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content};
use crate::shm::items::source::Source;
use crate::shm::items::values::{CopiedValues, Values};
use sharevar_value::Word;

/// Entries that are read under one hold of the lock, so that no process waits for long.
pub(super) const BATCH: usize = 1024;
/// How often a walk in insertion order starts again because keys came or went.
pub(super) const ATTEMPTS: u32 = 3;

/// Where a walk goes on.
#[derive(Clone, Copy)]
enum Cursor {
    /// In insertion order: entry number plus one.
    Order(u64),
    /// By number, from this one on.
    Number(u64),
}

/// The entries of one piece of a walk, whose values are not held yet.
struct Batch<K> {
    keys: K,
    values: CopiedValues,
    /// Where the walk goes on, if there is more.
    next: Option<Cursor>,
    /// The count of keys that came or went, at the moment of reading.
    structure: u64,
}

impl RawDict {
    /// All keys, with their values if `with_values` (else the value is absent), in insertion order.
    ///
    /// A dict of up to a thousand keys is read at one moment. A larger one is read piece by
    /// piece; if keys come and go so fast that three attempts find it changed, each key that is
    /// there all the time is still seen exactly once, though perhaps not in order. No
    /// process waits for a reader for longer than a piece takes.
    pub fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        self.entries(with_values)?.into_items(usize::MAX)
    }

    /// The same, one behind the other.
    pub fn entries(&self, with_values: bool) -> Result<Entries> {
        let (keys, values) = self.read(with_values, usize::MAX)?;
        Ok(Entries { keys, values })
    }

    /// All keys as they are stored, with their values. As [`Self::items`].
    pub(crate) fn stored_entries(&self) -> Result<Vec<(StoredKey, Content)>> {
        let (keys, values) = self.read::<Vec<StoredKey>>(true, usize::MAX)?;
        Ok(keys.into_iter().zip(values).collect())
    }

    /// The first keys in insertion order, up to `most`, with their values. As [`Self::items`].
    pub fn first_items(&self, most: usize) -> Result<Vec<Item>> {
        let (keys, values) = self.read(true, most)?;
        Entries { keys, values }.into_items(most)
    }

    fn read<K: Keys>(&self, with_values: bool, most: usize) -> Result<(K, Values)> {
        for _ in 0..ATTEMPTS {
            if let Some(entries) = self.walk(true, with_values, most)? {
                return Ok(entries);
            }
        }
        // By number a walk goes on where it was.
        Ok(self.walk(false, with_values, most)?.unwrap_or_default())
    }

    /// Reads pieces until there are `most` entries or more. `None` if it has to begin again.
    fn walk<K: Keys>(&self, in_order: bool, with_values: bool, most: usize) -> Result<Option<(K, Values)>> {
        let (mut keys, mut values) = (K::default(), Values::default());
        let mut cursor = if in_order { None } else { Some(Cursor::Number(0)) };
        let mut structure = None;
        let mut attempts = Attempts::of(self.handle());
        loop {
            let batch = self.batch::<K>(cursor, with_values)?;
            // A cursor in insertion order leads nowhere once entries have moved.
            if in_order && structure.is_some_and(|seen| seen != batch.structure) {
                return Ok(None);
            }
            let held = match batch.values.hold(self.handle().participant()) {
                Ok(held) => held,
                // A variable went away since its handle was copied: this piece is read again.
                Err(Error::HandleExpired) => {
                    if in_order && structure.is_some() {
                        return Ok(None);
                    }
                    attempts.fail()?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            debug_assert_eq!(held.len(), batch.keys.len());
            // Each piece has its own attempts, so that writers wait for no more than one.
            attempts = Attempts::of(self.handle());
            structure = Some(batch.structure);
            keys.append(batch.keys);
            values.append(held);
            match batch.next {
                Some(next) if keys.len() < most => cursor = Some(next),
                _ => return Ok(Some((keys, values))),
            }
        }
    }

    fn batch<K: Keys>(&self, cursor: Option<Cursor>, with_values: bool) -> Result<Batch<K>> {
        let batch = content::read_at_once(self.handle(), |source| {
            let (root, used) = (source.body(ENTRIES), source.body(USED));
            let mut cursor = cursor.unwrap_or(Cursor::Order(source.body(ENDS) & LOW));
            let (mut keys, mut words) = (K::default(), Vec::with_capacity(BATCH.min(used as usize)));
            let mut looked = 0;
            let mut more = true;
            while looked < BATCH {
                looked += 1;
                let number = match cursor {
                    Cursor::Order(0) => None,
                    Cursor::Order(next) => Some(next - 1),
                    Cursor::Number(next) => (next < used).then_some(next),
                };
                let Some(number) = number.filter(|number| *number < used) else {
                    more = false;
                    break;
                };
                let at = ENTRY.at(source, root, number)?;
                let live = source.load(at + HASH)? != 0;
                cursor = match cursor {
                    Cursor::Order(_) => Cursor::Order(source.load(at + LINKS)? >> 32),
                    Cursor::Number(next) => Cursor::Number(next + 1),
                };
                if live {
                    let value = if with_values { Word(source.load(at + VALUE)?) } else { Word::ABSENT };
                    words.push(value);
                    keys.read(source, at)?;
                }
            }
            let values = CopiedValues::of(source, words)?;
            Ok(Batch { keys, values, next: more.then_some(cursor), structure: source.body(STRUCTURE) })
        })?;
        Ok(batch)
    }
}
