//! Looking for a value in a list.

use super::walk::{self, BATCH};
use super::{RawList, Shape, change};
use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::shm::items::block as value_block;
use crate::shm::items::content::{self, Content};
use crate::shm::items::source::{Locked, Source};
use crate::shm::long_value;
use sharevar_value::{Equality, Needle, Word};

/// Items that the caller has to compare, and bytes that are copied, at most in one piece.
const UNKNOWN: usize = 1024;
const BYTES: usize = 256 * 1024;

/// An item that equals what is looked for, or may.
#[derive(Debug)]
pub struct Found {
    /// Its index.
    pub index: u64,
    /// Its cell.
    pub word: Word,
    /// Its value, if the caller has to compare it; `None` if it is equal.
    pub unknown: Option<Content>,
}

/// The result of a search in a part of a list.
#[derive(Debug)]
pub struct Piece {
    /// In the order of the list.
    pub found: Vec<Found>,
    /// Where to go on.
    pub next: u64,
    /// Whether there is nothing more.
    pub is_last: bool,
    /// The state of the list at that moment.
    pub stamp: Stamp,
}

impl RawList {
    /// Looks for items that equal `needle` from index `from` on and before `end`: among some
    /// thousands, or up to the first that is surely equal if `first`. The items are compared
    /// where they are. `None` if the list has changed meanwhile.
    pub fn search(&self, needle: &Needle, from: u64, end: u64, first: bool) -> Result<Option<Piece>> {
        let participant = self.handle().participant();
        let (found, next, is_last, stamp) = content::read_at_once(self.handle(), |source| {
            let shape = Shape::of(source);
            let stamp = self.stamp();
            let last = end.min(shape.length);
            let stop = last.min(from.saturating_add(BATCH));
            let (mut next, mut unknown, mut copied, mut is_over) = (from, 0, Vec::new(), false);
            let mut found = Vec::new();
            let mut bytes = 0;
            let mut words = Vec::with_capacity(stop.saturating_sub(from) as usize);
            walk::copy_words(source, shape, from, stop, &mut words)?;
            for word in words {
                if unknown >= UNKNOWN || bytes >= BYTES || is_over {
                    break;
                }
                let compared = long_value::block_of(source.participant(), word)?;
                let equality = match needle.equals_word(compared) {
                    Some(equality) => equality,
                    None => equals_block(source, needle, compared.0, &mut copied)?,
                };
                match equality {
                    Equality::Different => {}
                    Equality::Equal => {
                        found.push((next, word, None));
                        is_over = first;
                    }
                    Equality::Unknown => {
                        let content = content::copy(source, word)?;
                        bytes += if let Some(content::Copied::Bytes(bytes, _)) = &content {
                            bytes.len()
                        } else {
                            0
                        };
                        found.push((next, word, content));
                        unknown += 1;
                    }
                }
                next += 1;
            }
            Ok((found, next, is_over || next >= last, stamp))
        })?;
        let hold = |(index, word, unknown): (u64, Word, Option<content::Copied>)| {
            let unknown = unknown.map(|content| content.hold(participant)).transpose()?;
            Ok(Found { index, word, unknown })
        };
        match found.into_iter().map(hold).collect::<Result<Vec<_>>>() {
            Ok(found) => Ok(Some(Piece { found, next, is_last, stamp })),
            // A variable went away since its handle was copied.
            Err(Error::HandleExpired) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the item that was found at `index`, if the list was not changed since `stamp`; or if
    /// the calling thread has the long lock and the item is still there, so that nothing but the
    /// thread's own changes has happened. Whether it was done.
    pub fn remove_found(&self, index: u64, word: Word, stamp: Stamp) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        participant.make_room(0);
        let mut transaction = participant.begin()?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            let source = Locked(&transaction, variable);
            let shape = Shape::of(&source);
            if !transaction.holds_long(variable)
                || index >= shape.length
                || transaction.load(shape.at(&source, index)?)? != word.0
            {
                return Ok(false);
            }
        }
        change::remove(&mut transaction, variable, index)?;
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }
}

/// Compares the value in a block, with `copied` as the place for a copy of it.
fn equals_block(
    source: &impl Source,
    needle: &Needle,
    block: u64,
    copied: &mut Vec<u8>,
) -> sharevar_arena::Result<Equality> {
    let header = source.load(block)?;
    let (length, handles) = (value_block::length_of(header), value_block::handles_of(header));
    let start = block + 8 + handles * 8;
    // Without handles, the header is the length.
    if let Some(layout) = needle.layout()
        && header == layout.length() as u64
        && let Some(equal) = layout.equals(|index| source.load(start + index as u64 * 8))?
    {
        return Ok(equal.into());
    }
    let head = source.load(start)?.to_le_bytes();
    if let Some(decided) = needle.glance(head, length) {
        return Ok(decided);
    }
    if let Some(text) = needle.text()
        && length == text.len() as u64
        && needle.is_of_class(head)
    {
        // From the end: what is alike often begins alike.
        for (index, bytes) in text.chunks(8).enumerate().rev() {
            if source.load(start + index as u64 * 8)?.to_le_bytes()[..bytes.len()] != *bytes {
                return Ok(Equality::Different);
            }
        }
        return Ok(Equality::Equal);
    }
    copied.resize(length as usize, 0);
    source.participant().copy_out(start, copied)?;
    // Damaged bytes are for the decoder to report.
    Ok(needle.equals_bytes(copied).unwrap_or(Equality::Unknown))
}
