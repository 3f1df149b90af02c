//! Reading many items of a list.

use super::{RawList, Shape};
use crate::error::{Error, Result};
use crate::shm::content::{self, Content};
use crate::shm::source::Locked;
use sharevar_value::Word;

/// Items that are read under one hold of the lock.
const BATCH: u64 = 16_384;
/// How often a reading of more starts again because the list has changed.
const ATTEMPTS: u32 = 3;

impl RawList {
    /// The items `start..end`, as far as there are, and the count of changes at that moment.
    ///
    /// Up to some 16,000 items are read at one moment. More are read piece by piece, again if the
    /// list changed meanwhile; if it keeps changing, the pieces are of different moments and the
    /// count of changes is `None`.
    pub fn slice(&self, start: u64, end: u64) -> Result<(Vec<Content>, Option<u64>)> {
        for _ in 0..ATTEMPTS {
            if let (items, Some(changes)) = self.pieces(start, end, true)? {
                return Ok((items, Some(changes)));
            }
        }
        self.pieces(start, end, false)
    }

    fn pieces(&self, start: u64, end: u64, strict: bool) -> Result<(Vec<Content>, Option<u64>)> {
        let (handle, mut items) = (self.handle(), Vec::new());
        let (variable, participant) = (handle.variable(), handle.participant());
        let mut next = start;
        let mut seen = None;
        loop {
            let mut transaction = participant.begin()?;
            transaction.lock_short(variable)?;
            let source = Locked(&transaction, variable);
            let shape = Shape::of(&source);
            let changes = participant.changes(variable);
            if strict && seen.is_some_and(|seen| seen != changes) {
                return Ok((items, None));
            }
            seen = Some(changes);
            let last = end.min(shape.length);
            let piece_start = next;
            let mut copied = Vec::with_capacity(last.saturating_sub(next).min(BATCH) as usize);
            while next < last && (copied.len() as u64) < BATCH {
                let word = Word(transaction.load(shape.at(&source, next)?)?);
                copied.extend(content::copy(&source, word)?);
                next += 1;
            }
            let done = next >= last;
            transaction.commit()?;
            let first = items.is_empty();
            let single = first && done;
            let piece: Result<Vec<_>> = copied.into_iter().map(|content| content.hold(participant)).collect();
            match piece {
                Ok(mut piece) => items.append(&mut piece),
                // A variable went away since its handle was copied: the list has changed, and this
                // piece is read again.
                Err(Error::Arena(sharevar_arena::Error::HandleExpired)) => {
                    if strict && !first {
                        return Ok((items, None));
                    }
                    next = piece_start;
                    seen = None;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if done {
                return Ok((items, if strict || single { seen } else { None }));
            }
        }
    }
}
