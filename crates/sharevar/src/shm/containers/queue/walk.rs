//! Reading all items, in pieces between which others go on.

use super::{FIRST, PLACES, RawQueue, place};
use crate::error::{Error, Result};
use crate::shm::containers::queue_frame::{HEAD, TAIL};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::{self, Content, Copied};
use crate::shm::items::source::Source;
use sharevar_value::Word;
use std::collections::VecDeque;

/// Items that are copied under one hold of the lock, at most.
const PIECE: u64 = 1024;

/// The item that was copied last.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    position: u64,
    segment: u64,
}

/// Items from position `from` on, and the queue's ends at the moment of which they are.
struct Piece {
    head: u64,
    tail: u64,
    from: u64,
    copied: Vec<Copied>,
    cursor: Option<Cursor>,
}

impl RawQueue {
    /// All items, without taking them.
    ///
    /// They are copied in pieces of up to 1,024, and are those of the moment of the last piece: items that
    /// were taken meanwhile are left out again. If others put faster than this copies, the last ones of
    /// that moment may be missing.
    pub fn items(&self) -> Result<Vec<Content>> {
        self.items_between(|_| {})
    }

    /// [`Self::items`], with a call after each piece but the last, when no lock is held.
    fn items_between(&self, mut between: impl FnMut(usize)) -> Result<Vec<Content>> {
        let mut attempts = Attempts::of(&self.handle);
        let (mut items, mut start) = (VecDeque::new(), 0);
        let (mut cursor, mut most) = (None, None);
        loop {
            let piece = self.piece(cursor)?;
            let held = piece.copied.into_iter().map(|content| content.hold(self.handle.participant()));
            let held = match held.collect::<Result<Vec<_>>>() {
                // A variable went away since: its item was taken, and the head is behind it.
                Err(Error::HandleExpired) => {
                    attempts.fail()?;
                    continue;
                }
                held => held?,
            };
            // Those before the head are gone by now. Where none is left the piece begins at the head.
            let gone = if items.is_empty() { 0 } else { piece.head.saturating_sub(start) };
            items.drain(..(gone as usize).min(items.len()));
            start = if items.is_empty() { piece.from } else { start + gone };
            let count = held.len();
            items.extend(held);
            cursor = piece.cursor;
            // As many as there were, and as many again.
            let first_length = piece.tail.wrapping_sub(piece.head);
            let most = *most.get_or_insert(piece.tail.wrapping_add(first_length).wrapping_add(PIECE));
            let next = cursor.map_or(piece.tail, |last| last.position + 1);
            if next >= piece.tail.min(most) {
                return Ok(items.into());
            }
            attempts = Attempts::of(&self.handle);
            between(count);
        }
    }

    /// The items behind the cursor's; from the head on if that one was taken, or if there is none.
    fn piece(&self, cursor: Option<Cursor>) -> Result<Piece> {
        let piece = content::read_at_once(&self.handle, |source| {
            let [head, tail, first] = [HEAD, TAIL, FIRST].map(|index| source.body(index));
            // The segment of an item that is still there has not been left, and leads to the next one.
            let last = cursor.filter(|last| head <= last.position);
            let (from, mut segment) = last.map_or((head, first), |last| (last.position + 1, last.segment));
            let mut piece = Piece { head, tail, from, copied: Vec::new(), cursor: last };
            for position in from..tail.min(from.saturating_add(PIECE)) {
                // The first segment has the head, and that of the cursor an item before.
                if position.is_multiple_of(PLACES) && (last.is_some() || position != from) {
                    segment = source.load(segment)?;
                }
                let word = Word(source.load(place(segment, position))?);
                piece.copied.extend(content::copy(source, word)?);
                piece.cursor = Some(Cursor { position, segment });
            }
            Ok(piece)
        })?;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::form::Form;
    use crate::shm::KINDS;
    use sharevar_arena::Participant;
    use sharevar_value::Encoded;

    fn word(number: i64) -> Encoded {
        Encoded::Word(Word::from_int(number).unwrap())
    }

    fn numbers(items: &[Content]) -> Vec<i64> {
        let number = |item: &Content| match item {
            Content::Word(word) => word.as_int().unwrap(),
            other => panic!("{other:?}"),
        };
        items.iter().map(number).collect()
    }

    /// A queue that others change between any two pieces, and the numbers that are in it.
    fn read(length: i64, mut change: impl FnMut(&RawQueue, &mut VecDeque<i64>)) -> (Vec<i64>, Vec<i64>) {
        let participant = Participant::create_arena(Some(64 << 20), KINDS).unwrap();
        let queue = RawQueue::create(&participant, 0, Form::Queue).unwrap();
        let mut there = VecDeque::new();
        for number in 0..length {
            assert!(queue.try_put(&word(number), false).unwrap());
            there.push_back(number);
        }
        let mut pieces = 0;
        let items = queue
            .items_between(|count| {
                // No lock is held: these would wait for it.
                assert!(count as u64 <= PIECE);
                pieces += 1;
                change(&queue, &mut there);
            })
            .unwrap();
        assert!(pieces > 0 || length as u64 <= PIECE);
        (numbers(&items), there.into())
    }

    fn take(queue: &RawQueue, there: &mut VecDeque<i64>, count: usize) {
        for _ in 0..count {
            let taken = queue.try_get(false).unwrap();
            assert_eq!(taken.is_some(), there.pop_front().is_some());
        }
    }

    fn put(queue: &RawQueue, there: &mut VecDeque<i64>, numbers: std::ops::Range<i64>) {
        for number in numbers {
            queue.try_put(&word(number), false).unwrap();
            there.push_back(number);
        }
    }

    #[test]
    fn items_are_those_of_the_moment_of_the_last_piece() {
        for length in [0, 1, 511, 512, 1024, 1025, 5000] {
            let (read, there) = read(length, |_, _| {});
            assert!(read == there, "of {length}: {}, not {}", read.len(), there.len());
        }
        // Around the ends of segments and pieces, and more than was copied.
        for taken in [1, 300, 510, 511, 512, 1023, 1024, 1025, 3000, 6000] {
            for length in [2000, 5000] {
                let mut next = length;
                let (read, there) = read(length, |queue, there| {
                    take(queue, there, taken);
                    put(queue, there, next..next + 400);
                    next += 400;
                });
                assert!(read == there, "{taken} taken of {length}: {}, not {}", read.len(), there.len());
            }
        }
    }

    #[test]
    fn a_copy_ends_though_others_put_faster() {
        let mut next = 5000;
        let (read, there) = read(5000, |queue, there| {
            put(queue, there, next..next + 3000);
            next += 3000;
        });
        assert!(read.len() >= 5000 && read.len() < there.len());
        assert!(read == there[..read.len()]);
    }
}
