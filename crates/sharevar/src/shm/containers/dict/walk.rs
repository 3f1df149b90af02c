//! Reading a whole dict.

use super::RawDict;
use super::entry::{self, HASH, LINKS, LOW, VALUE};
use super::layout::{ENDS, ENTRIES, ENTRY, STRUCTURE, USED};
use crate::engine::content::Item;
use crate::engine::stored_keys::StoredKey;
use crate::error::{Error, Result};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content, Copied};
use crate::shm::items::source::Source;
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

fn item((key, value): (StoredKey, Content)) -> Result<Item> {
    Ok(Item { key: key.into_encoding()?, value })
}

impl RawDict {
    /// All keys, with their values if `with_values` (else the value is absent), in insertion order.
    ///
    /// A dict of up to a thousand keys is read at one moment. A larger one is read piece by
    /// piece; if keys come and go so fast that three attempts find it changed, each key that is
    /// there all the time is still seen exactly once, though perhaps not in order. No
    /// process waits for a reader for longer than a piece takes.
    pub fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        self.read(with_values, usize::MAX)?.into_iter().map(item).collect()
    }

    /// All keys as they are stored, with their values. As [`Self::items`].
    pub(crate) fn entries(&self) -> Result<Vec<(StoredKey, Content)>> {
        self.read(true, usize::MAX)
    }

    /// The first keys in insertion order, up to `most`, with their values. As [`Self::items`].
    pub fn first_items(&self, most: usize) -> Result<Vec<Item>> {
        let mut items = self.read(true, most)?;
        items.truncate(most);
        items.into_iter().map(item).collect()
    }

    fn read(&self, with_values: bool, most: usize) -> Result<Vec<(StoredKey, Content)>> {
        for _ in 0..ATTEMPTS {
            if let Some(items) = self.walk(true, with_values, most)? {
                return Ok(items);
            }
        }
        // By number a walk goes on where it was.
        Ok(self.walk(false, with_values, most)?.unwrap_or_default())
    }

    /// Reads pieces until there are `most` items or more.
    #[allow(clippy::type_complexity)] // Keys and values, unless the walk has to begin again.
    fn walk(
        &self,
        in_order: bool,
        with_values: bool,
        most: usize,
    ) -> Result<Option<Vec<(StoredKey, Content)>>> {
        let mut items = Vec::new();
        let mut cursor = if in_order { None } else { Some(Cursor::Number(0)) };
        let mut structure = None;
        let mut attempts = Attempts::of(self.handle());
        loop {
            let (batch, next, stamp) = self.batch(cursor, with_values)?;
            // A cursor in insertion order leads nowhere once entries have moved.
            if in_order && structure.is_some_and(|seen| seen != stamp) {
                return Ok(None);
            }
            let Some(mut batch) = self.hold_batch(batch)? else {
                // A variable went away since its handle was copied: this piece is read again.
                if in_order && structure.is_some() {
                    return Ok(None);
                }
                attempts.fail()?;
                continue;
            };
            // Each piece has its own attempts, so that writers wait for no more than one.
            attempts = Attempts::of(self.handle());
            structure = Some(stamp);
            items.append(&mut batch);
            match next {
                Some(next) if items.len() < most => cursor = Some(next),
                _ => return Ok(Some(items)),
            }
        }
    }

    /// Takes handles on what the values refer to. `None` if one of them has expired.
    #[allow(clippy::type_complexity)] // As above.
    fn hold_batch(
        &self,
        batch: Vec<(StoredKey, Option<Copied>)>,
    ) -> Result<Option<Vec<(StoredKey, Content)>>> {
        let mut items = Vec::with_capacity(batch.len());
        for (key, value) in batch {
            let value = match value {
                None => Content::Word(Word::ABSENT),
                Some(copied) => match copied.hold(self.handle().participant()) {
                    Err(Error::HandleExpired) => return Ok(None),
                    held => held?,
                },
            };
            items.push((key, value));
        }
        Ok(Some(items))
    }

    #[allow(clippy::type_complexity)] // A batch, where to go on, and the stamp of the structure.
    fn batch(
        &self,
        cursor: Option<Cursor>,
        with_values: bool,
    ) -> Result<(Vec<(StoredKey, Option<Copied>)>, Option<Cursor>, u64)> {
        let batch = content::read_at_once(self.handle(), |source| {
            let (root, used) = (source.body(ENTRIES), source.body(USED));
            let mut cursor = cursor.unwrap_or(Cursor::Order(source.body(ENDS) & LOW));
            let mut batch = Vec::with_capacity(BATCH.min(used as usize));
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
                    let word = Word(source.load(at + VALUE)?);
                    let value = if with_values { content::copy(source, word)? } else { None };
                    batch.push((entry::stored_key(source, at)?, value));
                }
            }
            Ok((batch, more.then_some(cursor), source.body(STRUCTURE)))
        })?;
        Ok(batch)
    }
}
