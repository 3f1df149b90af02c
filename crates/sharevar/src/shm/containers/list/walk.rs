//! Reading many items of a list.

use super::{RING, RING_BITS, RawList, Shape};
use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content};
use crate::shm::items::source::Source;
use crate::shm::items::values::{CopiedValues, Values};
use sharevar_value::Word;

/// Items that are read under one hold of the short lock.
pub(super) const BATCH: u64 = 16_384;

/// Copies the words of the items `from..to`, which are there.
pub(super) fn copy_words(
    source: &impl Source,
    shape: Shape,
    from: u64,
    to: u64,
    out: &mut Vec<Word>,
) -> sharevar_arena::Result<()> {
    const WORDS: usize = 64;
    let mut bytes = [0; WORDS * 8];
    let mut next = from;
    while next < to {
        // As far as the places follow each other.
        let mut count = to - next;
        let at = shape.at(source, next)?;
        let position = shape.gap.wrapping_add(next);
        if shape.has_directory() {
            let ring = source.load(shape.directory_word(position >> RING_BITS))?;
            let place = ring.wrapping_add(position) & (RING - 1);
            count = count.min(RING - place).min(RING - (position & (RING - 1)));
        } else {
            count = count.min(shape.places - (position & shape.places.wrapping_sub(1))).max(1);
        }
        let end = next + count;
        let mut at = at;
        while next < end {
            let words = ((end - next) as usize).min(WORDS);
            source.participant().copy_out(at, &mut bytes[..words * 8])?;
            out.extend(bytes[..words * 8].as_chunks().0.iter().map(|word| Word(u64::from_le_bytes(*word))));
            at += words as u64 * 8;
            next += words as u64;
        }
    }
    Ok(())
}

/// How often a reading of more starts again because the list has changed.
const ATTEMPTS: u32 = 3;
/// The most items that are read under the long lock, which others wait for, only to be read.
const ONE_MOMENT: u64 = 131_072;

impl RawList {
    /// The items `start..end`, as far as there are, and the stamp of that moment. As [`Self::values`].
    pub fn slice(&self, start: u64, end: u64) -> Result<(Vec<Content>, Option<Stamp>)> {
        self.values(start, end).map(|(values, stamp)| (values.into_iter().collect(), stamp))
    }

    /// All items, and the stamp of the one moment of which they are. For operations
    /// that change the list afterwards if it is still so.
    pub fn snapshot(&self) -> Result<(Vec<Content>, Stamp)> {
        self.values_of_one_moment(0, u64::MAX).map(|(values, stamp)| (values.into_iter().collect(), stamp))
    }

    /// The items `start..end`, as far as there are, and the stamp of that moment.
    ///
    /// Up to 131,072 items are read at one moment. More are read piece by piece, again if the
    /// list changed meanwhile; if it keeps changing, the pieces are of different moments and the
    /// stamp is `None`, since others are not to wait for so long.
    pub fn values(&self, start: u64, end: u64) -> Result<(Values, Option<Stamp>)> {
        for _ in 0..ATTEMPTS {
            if let Some((items, stamp)) = self.pieces(start, end, true)? {
                return Ok((items, stamp));
            }
        }
        if end.min(self.len()?).saturating_sub(start) <= ONE_MOMENT {
            return self.values_of_one_moment(start, end).map(|(items, stamp)| (items, Some(stamp)));
        }
        // `None` is for strict reading only.
        Ok(self.pieces(start, end, false)?.unwrap_or_default())
    }

    /// Items of one moment, however many, after a few attempts under the long lock.
    pub fn values_of_one_moment(&self, start: u64, end: u64) -> Result<(Values, Stamp)> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            if let Some((items, Some(stamp))) = self.pieces(start, end, true)? {
                return Ok((items, stamp));
            }
            attempts.fail()?;
        }
    }

    /// `None` if the list has changed meanwhile and this is `strict`.
    fn pieces(&self, start: u64, end: u64, strict: bool) -> Result<Option<(Values, Option<Stamp>)>> {
        let (handle, mut items) = (self.handle(), Values::default());
        let participant = handle.participant();
        let mut next = start;
        let mut seen = None;
        let mut one_moment = true;
        let mut expired = 0;
        loop {
            let first = next;
            let (copied, last, stamp) = content::read_at_once(handle, |source| {
                let shape = Shape::of(source);
                let stamp = self.stamp();
                let last = end.min(shape.length);
                let mut words = Vec::new();
                if !strict || seen.is_none_or(|seen| seen == stamp) {
                    let stop = last.min(first.saturating_add(BATCH));
                    words.reserve(stop.saturating_sub(first) as usize);
                    copy_words(source, shape, first, stop, &mut words)?;
                }
                Ok((CopiedValues::of(source, words)?, last, stamp))
            })?;
            one_moment &= seen.is_none_or(|seen| seen == stamp);
            if strict && !one_moment {
                return Ok(None);
            }
            seen = Some(stamp);
            next += copied.words.len() as u64;
            match copied.hold(participant) {
                Ok(held) => items.append(held),
                // A variable went away since its handle was copied: the list has changed.
                Err(Error::HandleExpired) => {
                    if strict {
                        return Ok(None);
                    }
                    expired += 1;
                    if expired > ATTEMPTS {
                        let (held, _) =
                            self.values_of_one_moment(first, end.min(first.saturating_add(BATCH)))?;
                        next = first + held.len() as u64;
                        items.append(held);
                    } else {
                        next = first;
                    }
                    one_moment = false;
                    continue;
                }
                Err(error) => return Err(error),
            }
            expired = 0;
            if next >= last {
                return Ok(Some((items, seen.filter(|_| one_moment))));
            }
        }
    }
}
